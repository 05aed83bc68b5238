"""On the schema of a newer release, older code gives no command that would undo it."""

import json
import re

import pytest

from core.schema.verify import verify
from tests.deployment.doctor.conftest import ask, run
from tests.deployment.doctor.test_command import doctor

NEWER = (
    "ALTER TABLE students ADD nickname text",
    "ALTER TABLE students ADD CONSTRAINT newer CHECK (grade <> '?')",
    "CREATE INDEX newer_idx ON students (grade)",
    "CREATE INDEX newer_name_idx ON students (grade, nickname)",
    'CREATE INDEX newer_number_idx ON students ("studentNumber")',
    "CREATE TRIGGER newer_trigger BEFORE INSERT ON students FOR EACH ROW EXECUTE FUNCTION set_updated_at()",
    "CREATE POLICY newer_policy ON students USING (true)",
    "ALTER TABLE students ALTER photo TYPE text",
    "ALTER TABLE students ALTER grade DROP NOT NULL",
    """ALTER TABLE students ALTER grade SET DEFAULT '1'""",
    "ALTER TABLE contacts RENAME email TO mail",
    "ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_heart_rate_check",
    "DROP INDEX students_name_idx",
    'CREATE INDEX students_name_idx ON students ("firstName")',
    "ALTER FUNCTION search_text(text) COST 7",
    """ALTER TYPE "Gender" ADD VALUE 'NEWER'""",
    "ALTER TABLE students DISABLE TRIGGER students_refuse_delete",
)
ON_RECORD = "INSERT INTO django_migrations (app, name, applied) VALUES ('core', '9999_newer', now())"


@pytest.fixture
def newer(committed_db: str, quick: None) -> str:
    """The schema of a release that this code does not know, with one thing that is wrong in any release."""
    run(*NEWER)
    return committed_db


def test_verify_schema_gives_no_command_against_it(newer: str) -> None:
    assert verify("default").of_this_code
    run(ON_RECORD)
    report = verify("default")
    assert not report.of_this_code
    kinds = {difference.kind for difference in report.differences}
    assert {"column extra", "column renamed", "column type", "index changed", "trigger extra", "policy extra"} < kinds
    for difference in report.differences:
        if difference.kind == "trigger disabled":
            assert difference.advice.startswith("ALTER TABLE")
        else:
            assert "deploy the release that has it" in difference.advice
            assert not re.search(r"\b(ALTER|CREATE|DROP|UPDATE|manage\.py)\b", difference.advice)


def test_doctor_gives_no_command_against_it(newer: str) -> None:
    run(ON_RECORD)
    report = ask("D04", "D05", "D07", "D08")
    assert {check.id for check, _ in report.found} == {"D04", "D05", "D07", "D08"}
    assert [step for _, finding in report.found for step in finding.steps] == []


def test_nor_where_the_record_of_migrations_cannot_be_read(newer: str) -> None:
    role = f"blind_{newer}"  # roles belong to the whole server
    run(f"CREATE ROLE {role}", f"GRANT USAGE ON SCHEMA public TO {role}", f"SET ROLE {role}")
    try:
        advices = [
            difference.advice
            for difference in verify("default").differences
            if difference.kind not in ("not readable", "trigger disabled")
        ]
    finally:
        run("RESET ROLE", f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert len(advices) > 10
    assert {advice.partition(":")[0] for advice in advices} == {"find out first whether a newer release made it so"}


def test_a_column_is_dropped_only_after_its_values_were_saved_as_machines_are_told_too(newer: str) -> None:
    findings = json.loads(doctor("--check", "D04", "--json")[1])["findings"]
    steps = [step for finding in findings for step in finding["mend"] if "DROP COLUMN" in step["run"]]
    assert [step["run"] for step in steps] == ['ALTER TABLE "students" DROP COLUMN "nickname";']
    assert all("save its values first" in step["say"] for step in steps)
    assert not any("DROP TABLE" in step["run"] for finding in findings for step in finding["mend"])
