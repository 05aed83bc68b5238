"""Orders of medications and the doses that nurses gave: half of all rows."""

from typing import NamedTuple

from health_records.synthetic.calendar import Moment
from health_records.synthetic.rows import DELETED, NULL, flag
from health_records.synthetic.shelf import CONTROLLED
from health_records.synthetic.student import Maker, Student


class Regimen(NamedTuple):
    """How a medication is taken; `minutes` are the daily times (after midnight), none where it is given as needed."""

    key: str
    dosage: str
    frequency: str
    route: str
    minutes: tuple[int, ...] = ()
    reason: str | None = None


_LUNCH, _MORNING = 11 * 60 + 40, 8 * 60 + 5
# Condition -> what may be ordered for it.
_REGIMENS = {
    "adhd": (
        Regimen("methylphenidate", "10 mg", "Daily at lunch", "Oral", (_LUNCH,)),
        Regimen("amphetamine", "10 mg", "Daily in the morning", "Oral", (_MORNING,)),
        Regimen("guanfacine", "2 mg", "Daily in the morning", "Oral", (_MORNING,)),
    ),
    "asthma": (
        Regimen("albuterol", "2 puffs", "As needed", "Inhalation", (), "Wheezing"),
        Regimen("fluticasone", "2 puffs", "Twice daily", "Inhalation", (_MORNING, _LUNCH + 200)),
        Regimen("montelukast", "5 mg", "Daily in the morning", "Oral", (_MORNING,)),
    ),
    "diabetes": (Regimen("insulin-lispro", "By carbohydrate count", "Before lunch", "Subcutaneous", (_LUNCH - 15,)),),
    "epilepsy": (Regimen("levetiracetam", "500 mg", "Daily at lunch", "Oral", (_LUNCH,)),),
    "anxiety": (Regimen("sertraline", "25 mg", "Daily in the morning", "Oral", (_MORNING,)),),
    "migraine": (Regimen("ibuprofen", "200 mg", "As needed", "Oral", (), "Headache"),),
    "lactose": (Regimen("lactase", "1 tablet", "With lunch", "Oral", (_LUNCH - 5,)),),
    "cystic-fibrosis": (Regimen("pancrelipase", "2 capsules", "With lunch", "Oral", (_LUNCH - 5,)),),
}
_OCCASIONAL = (
    Regimen("acetaminophen", "325 mg", "As needed", "Oral", (), "Headache"),
    Regimen("ibuprofen", "200 mg", "As needed", "Oral", (), "Cramps"),
    Regimen("cetirizine", "10 mg", "As needed", "Oral", (), "Hay fever"),
    Regimen("calcium-carbonate", "1 tablet", "As needed", "Oral", (), "Heartburn"),
)
_COURSE = Regimen("amoxicillin", "400 mg", "Daily for ten days", "Oral", (_LUNCH,))
_EPINEPHRINE = Regimen("epinephrine", "0.3 mg", "In an emergency", "Intramuscular", (), "Anaphylaxis")
_RESPONSES = (None, None, None, "Tolerated well", "Tolerated well", "Symptoms improved")
_REACTIONS = ("Nausea", "Mild rash", "Drowsiness", "Vomited within 20 minutes; parent called")


def make_medications(maker: Maker, student: Student) -> None:
    """The orders that follow from the student's conditions, and now and then one without."""
    rng = maker.rng
    for condition in student.conditions:
        if rng.random() < 0.85:
            _make_order(maker, student, rng.choice(_REGIMENS[condition]))
    if student.allergy_threatens_life:
        _make_order(maker, student, _EPINEPHRINE)
    chance = rng.random()
    if chance < 0.08:
        _make_order(maker, student, rng.choice(_OCCASIONAL))
    elif chance < 0.10:
        _make_order(maker, student, _COURSE)


def _make_order(maker: Maker, student: Student, regimen: Regimen) -> None:
    rng, calendar = maker.rng, maker.calendar
    days, yesterday = calendar.school_days, len(calendar.school_days) - 1
    length = 9 if regimen is _COURSE else rng.randrange(70, 181)
    stopped = regimen is _COURSE or rng.random() < 0.2
    last = max(student.first_day, yesterday - rng.randrange(5, 120)) if stopped else yesterday
    first = max(student.first_day, last - length)
    begins, written = calendar.at(days[first], 0), calendar.at(days[first], rng.randrange(450, 480))
    ends = None
    if stopped:
        ends = calendar.at(days[last], 23 * 60)
    elif rng.random() < 0.3:
        ends = calendar.at(calendar.now + rng.randrange(10, 200), 23 * 60)
    provider = rng.choice(maker.providers)
    consent = rng.random() < 0.96
    order_id = maker.rows.health(
        *("student_medications", written, student.nurse.id, student.id),
        student.school.district.medications[regimen.key],
        *(regimen.dosage, regimen.frequency, regimen.route, "With food" if rng.random() < 0.15 else None),
        *(begins.text, ends and ends.text, provider.name, provider.npi, "t", flag(consent)),
        *(written.text if consent else None, flag(not stopped)),
    )
    if regimen.minutes:
        _give_daily(maker, student, order_id, regimen, first, last)
    elif regimen is not _EPINEPHRINE or rng.random() < 0.05:
        _give_as_needed(maker, student, order_id, regimen, first, last)


def _give_daily(maker: Maker, student: Student, order_id: str, regimen: Regimen, first: int, last: int) -> None:
    """One row for each school day and time, but for the days on which the student was absent.

    Written out rather than passed through `Rows.health`: this loop makes half of the set.
    """
    rng, calendar, lines = maker.rng, maker.calendar, maker.rows.lines["medication_logs"]
    bits, chance, identifier = rng.getrandbits, rng.random, maker.rows.identifier
    nurse_id, witness = student.nurse.id, student.school.office.id if regimen.key in CONTROLLED else NULL
    for day in calendar.school_days[first : last + 1]:
        if chance() < 0.04:
            continue
        for minute in regimen.minutes:
            given = calendar.at(day, minute + bits(4))
            rare = chance()
            if rare < 0.003:
                _give(maker, student, order_id, regimen, given, adverse=True)
                continue
            if rare < 0.003 + DELETED:
                duplicate = identifier(given.milliseconds), given, nurse_id, order_id, nurse_id
                maker.rows.mark_deleted(
                    *("medication_logs", *duplicate, witness, regimen.dosage, given.text, None, None, "f", None)
                )
                continue
            response = "Tolerated well" if rare < 0.2 else NULL
            # Refers to the columns of medication_logs, in their order.
            lines.append(
                f"{identifier(given.milliseconds)}\t{given.text}\t{given.text}\t{nurse_id}\t{NULL}\t{NULL}\t{order_id}\t"
                f"{nurse_id}\t{witness}\t{regimen.dosage}\t{given.text}\t{NULL}\t{response}\tf\t{NULL}"
            )


def _give_as_needed(maker: Maker, student: Student, order_id: str, regimen: Regimen, first: int, last: int) -> None:
    rng, days = maker.rng, maker.calendar.school_days
    for _ in range(1 if regimen is _EPINEPHRINE else rng.randrange(2, 14)):
        when = maker.calendar.at(days[rng.randint(first, last)], rng.randrange(490, 870))
        _give(maker, student, order_id, regimen, when, adverse=rng.random() < 0.003)


def _give(maker: Maker, student: Student, order_id: str, regimen: Regimen, when: Moment, *, adverse: bool) -> None:
    rng = maker.rng
    maker.rows.health(
        *("medication_logs", when, student.nurse.id, order_id, student.nurse.id),
        student.school.office.id if regimen.key in CONTROLLED else None,
        *(regimen.dosage, when.text, regimen.reason, rng.choice(_RESPONSES), flag(adverse)),
        rng.choice(_REACTIONS) if adverse else None,
    )
