"""Values that are sound and yet go wrong where somebody takes them for simpler than they are: by type, by column.

All of them are texts, as PostgreSQL reads them; None is NULL.
"""

from collections.abc import Sequence

Value = str | None

TEXTS = (
    *("plain", "", " ", "  spaces around  ", "0", "1e5", "true", "NULL", "null", "a,b;c|d", '{a,"b",NULL}'),
    *("O'Brien", "''", '"quoted"', '"', "\\", "\\N", "\\.", "\\n\\t\\x41", "back\\slash", "%s %d %% %(name)s", "$1 $$"),
    *(
        "tab\there",
        "line\nfeed",
        "carriage\rreturn",
        "both\r\n",
        "\n",
        "\x01\x1f\x7f",
        "\u2028\u2029",
        "\u00a0\u200b\ufeff",
    ),
    *(
        "Zoë",
        "Zoe\u0308 (combined)",
        "Nguyễn Thị",
        "\u0130\u0131\u00df\ufb03",
        "مريم",
        "\u202eabc\u202c שלום",
        "日本語",
    ),
    *("😷", "👩\u200d👩\u200d👧", "\U0010ffff", "<b>&amp;</b>", "'; DROP TABLE students; --"),
)
# Longer than what a page holds of one value, and hardly compressible.
LONG = "".join(f"{number * 7919 % 104729:x} Zoë 😷\n" for number in range(1500))
EMAILS = (
    "office@example.org",
    "Zoë+nurse@Example.ORG",
    "o'brien@example.org",
    "",
    "not an address",
    "a" * 243 + "@example.org",
)
DATES = ("0001-01-01", "9999-12-31", "2012-02-29", "1900-02-28", "1969-12-31", "1582-10-10", "2014-09-01", "2010-05-17")
# Without a zone, in milliseconds; those with a zone have it in UTC, in microseconds, or another one.
LOCAL_TIMES = (
    *("0001-01-02 00:00:00", "9999-12-30 23:59:59.999", "2024-02-29 12:00:00.001", "1969-12-31 23:59:59.999"),
    *("2024-03-10 02:30:00", "2024-11-03 01:30:00.5", "2025-09-01 07:30:15.123", "1883-11-18 12:03:57"),
)
TIMES = (
    *(
        "0001-01-02 00:00:00+00",
        "9999-12-30 23:59:59.999999+00",
        "2024-02-29 12:00:00.000001+00",
        "1969-12-31 23:59:59.999999+00",
    ),
    *("2024-03-10 03:30:00-04", "2024-11-03 01:30:00-04", "2024-11-03 01:30:00-05", "2025-09-01 07:30:15.123+05:45"),
    "1883-11-18 12:03:58-04:56:02",
)
# One after the other, as begins and ends.
_START, _MIDDLE, _END = "2024-08-19 07:30:00+00", "2024-08-19 07:30:00.000001+00", "2025-06-12 15:00:00+00"
JSON = (
    *(
        "null",
        "true",
        '"text"',
        '""',
        "0",
        "-0.0",
        "1.50",
        "1e5",
        "1E-7",
        "12345678901234567890123456789",
        "{}",
        "[]",
        "[[]]",
    ),
    "0.12345678901234567890123456789",
    '{"n": 1.50, "e": 1e5, "none": null, "list": [1, [2, {"deep": {"deeper": [null, true, false]}}]]}',
    '{ "z" : 1 ,\n\t"a" : [ 1 , 2 ] }',
    '{"": 1, " ": 2, "Zoë": "😷", "a\\"b": "\\\\N", "tab\\t": "line\\nfeed\\r"}',
    # Escapes: both halves of an emoji, an escaped backslash before what would else be a NUL, an apostrophe.
    '{"mask": "\\ud83d\\ude37", "no NUL": "\\\\u0000", "name": "O\\u0027Brien \'\'"}',
    # The same key, but never twice in one object.
    '[{"a": 1}, {"a": {"a": 2}}, {"b": "\\"a\\": 1, \\"a\\": 2"}]',
    "[" * 60 + "]" * 60,
)
ARRAYS = (
    *("{}", "{NULL}", '{""}', '{"NULL",NULL,null,"null"}', "{plain}", '{"a,b","{c}","d\\"e","f\\\\g","\\\\N"}'),
    *(
        '{" "," leading","trailing "}',
        '{"line\nfeed","tab\there","cr\rhere"}',
        '{"Zoë","Zoe\u0308","مريم",😷}',
        "{a,a,a}",
    ),
)
STATES = ("TX", "CA", "NY", "ZZ")
LARGEST = "2147483647"
_COUNT = ("0", "1", "12", LARGEST)
_MEASURE = ("0.001", "99999.999", "141.5", "55.125", "84", "38.250")
_PERCENTILE = ("0", "100", "99.999", "0.001", "50", "12.5")

# What means something, by column or by table and column; every other column has the awkward values of its type.
COLUMNS: dict[str, Sequence[Value]] = {
    **dict.fromkeys(("districts.state", "schools.state"), STATES),
    **dict.fromkeys(("email",), EMAILS),
    **dict.fromkeys(("totalEnrollment", "stockQuantity", "minimumStock", "peakFlow", "failedLoginAttempts"), _COUNT),
    **dict.fromkeys(("bmi", "headCircumference", "height", "weight"), _MEASURE),
    **dict.fromkeys(("bmiPercentile", "heightPercentile", "weightPercentile"), _PERCENTILE),
    # White Cross has indexes on these, which hold no long text.
    **dict.fromkeys(("chronic_conditions.icdCode", "vaccinations.lotNumber"), TEXTS),
    "duration": ("1", "15", "30", "45", LARGEST),
    "priority": ("1", "2", "3", LARGEST),
    "glucoseLevel": ("0", "99999.999", "96.5", "110", "0.001"),
    "heartRate": ("0", "350", "72", "110"),
    "respiratoryRate": ("0", "150", "16"),
    "oxygenSaturation": ("0", "100", "98"),
    "painLevel": ("0", "10", "3"),
    "heightUnit": ("cm", "in"),
    "weightUnit": ("kg", "lb"),
    "lockoutUntil": ("2024-09-02 08:30:00+00", "2099-12-31 23:59:59+00"),
}
# Columns whose values go together.
TOGETHER: dict[str, dict[tuple[str, ...], Sequence[tuple[Value, ...]]]] = {
    "student_medications": {
        ("startDate", "endDate"): (
            *(
                (_START, None),
                (_START, _START),
                (_START, _MIDDLE),
                (_START, _END),
                ("9999-12-30 23:59:59.999999+00", None),
            ),
            ("0001-01-02 00:00:00+00", "9999-12-30 23:59:59.999999+00"),
        ),
        ("consentObtained", "consentDate"): (
            ("true", _START),
            ("true", "0001-01-02 00:00:00+00"),
            ("false", _END),
            ("false", None),
        ),
    },
    "vaccinations": {
        ("doseNumber", "totalDoses"): (
            ("1", "3"),
            ("3", "3"),
            (LARGEST, LARGEST),
            ("2", None),
            (None, "2"),
            (None, None),
        ),
    },
    "vital_signs": {
        ("bloodPressureSystolic", "bloodPressureDiastolic"): (
            *(("120", "80"), ("1", "0"), (LARGEST, "2147483646"), ("110", None), (None, "70"), (None, None)),
        ),
        ("temperature", "temperatureUnit"): (
            *(("98.6", "F"), ("50", "F"), ("122", "F"), ("101.345", "F"), ("37.25", "C"), ("10", "C"), ("50.000", "C")),
            *((None, "F"), (None, "C")),
        ),
    },
    "users": {
        ("twoFactorEnabled", "twoFactorSecret"): (
            *(
                ("true", "JBSWY3DPEHPK3PXP"),
                ("false", "JBSWY3DPEHPK3PXP"),
                ("false", None),
                ("true", None),
                ("false", None),
            ),
        ),
    },
}
BY_TYPE: dict[str, Sequence[str]] = {
    "boolean": ("true", "false"),
    "integer": (*_COUNT, "-1", "-2147483648"),
    "double precision": ("0", "-0.5", "1e308"),
    "date": DATES,
    "timestamp(3) without time zone": LOCAL_TIMES,
    "timestamp with time zone": TIMES,
    "json": JSON,
    "jsonb": JSON,
    "text[]": ARRAYS,
}
# Columns that are NULL in most rows, as each value makes the row a special case.
RARE = ("deletedAt", "lockoutUntil")


def texts(most: int | None, *, is_indexed: bool = False) -> list[str]:
    """Texts for a column of at most so many characters: some of exactly that length, or a long one where none is set.

    An index holds no long text.
    """
    if most is None:
        return list(TEXTS) if is_indexed else [*TEXTS, LONG]
    full = ("x" * most, "😷" * most, ("Zoe\u0308 " * most)[:most], " " * most)
    return [text for text in (*TEXTS, *full) if len(text) <= most]
