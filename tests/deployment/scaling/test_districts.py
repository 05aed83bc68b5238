"""How each table reaches its district, as docs/scaling.md says for the day on which districts are distributed."""

import re
from pathlib import Path

from django.db import connection

from core.schema.expected import load_expected

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scaling.md"
REACHES = {"districtId": "districts", "studentId": "students", "relationTo": "students"}


def documented() -> dict[str, str]:
    """Table -> the column by which the page says that it reaches its district."""
    section = PAGE.read_text().partition("## 6. Districts")[2]
    found = {}
    for tables, way in re.findall(r"^\| (`.+`) \| `(\w+)`", section, re.MULTILINE):
        found.update(dict.fromkeys(re.findall(r"`(\w+)`", tables), way))
    return found


def test_the_page_names_every_table_that_is_about_a_district_and_how(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text, attname FROM pg_constraint"
            " JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey)"
            " WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND array_length(conkey, 1) = 1"
        )
        keys = cursor.fetchall()
    ways: dict[str, str] = {}
    for column in ("districtId", "studentId", "relationTo", "studentMedicationId"):
        for table, target, name in keys:
            if name == column and (target == "districts" or target in ways or target == "students"):
                ways.setdefault(table, column)
    assert ways == documented()


def test_the_page_names_every_key_that_is_unique_over_all_districts() -> None:
    section = PAGE.read_text().partition("Unique over all\n")[2].partition(". ")[0]
    named = {(table, column) for table, column in re.findall(r"`(\w+)\.\"?(\w+)\"?`", section)}
    unique = {
        (table, tuple(re.findall(r"\w+", index["definition"].partition("(")[2])))
        for table in ("districts", *documented())
        for index in load_expected()["tables"][table]["indexes"].values()
        if index.get("unique")
    }
    over_all = {
        (table, column) for table, columns in unique for column in columns if not {"id", "districtId"} & {*columns}
    }
    assert over_all - {("users", "upper"), ("users", "text")} == named
