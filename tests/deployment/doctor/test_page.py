"""docs/doctor.md lists every check as it is, and shows what is printed."""

import io
import re
import uuid
from pathlib import Path

from rich.console import Console

from tests.deployment.doctor.conftest import ask, run
from tests.factories import make_student
from whitecross.deployment.doctor.checks import all_checks
from whitecross.deployment.doctor.reporting import show_report

PAGE = (Path(__file__).resolve().parent.parent.parent.parent / "docs" / "doctor.md").read_text(encoding="utf-8")


def test_the_table_is_the_list() -> None:
    rows = re.findall(r"^\| (D\d+) \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(one.id, str(one.severity), one.question) for one in all_checks()]


def test_every_check_is_explained() -> None:
    explained = PAGE[PAGE.index("### Rows and rules") :]
    spans = [
        (int(first), int(last or first)) for first, last in re.findall(r"\(D(\d+)(?:(?: to |, )D(\d+))?\)", explained)
    ]
    in_groups = {number for first, last in spans for number in range(first, last + 1)}
    assert {f"D{number:02}" for number in in_groups} >= {one.id for one in all_checks()}
    in_words = set(re.findall(r"\*\*(D\d+)\*\*", explained)) | {"D04", "D20"}
    assert in_words == {one.id for one in all_checks()}


def test_the_example_is_what_is_printed(committed_db: str) -> None:
    make_student(id=uuid.UUID("019ac3f0-0000-7000-8000-000000000001"))
    key = 'FOREIGN KEY ("nurseId") REFERENCES users DEFERRABLE INITIALLY DEFERRED NOT VALID'
    run(
        "SET session_replication_role = replica",
        'UPDATE students SET "nurseId" = gen_random_uuid()',
        "RESET session_replication_role",
        f'ALTER TABLE students DROP CONSTRAINT "students_nurseId_fkey", ADD CONSTRAINT "students_nurseId_fkey" {key}',
    )
    printed = io.StringIO()
    show_report(Console(file=printed, soft_wrap=True), ask("D01", "D02"))
    (example,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert printed.getvalue().splitlines()[:-1] == example.splitlines()
