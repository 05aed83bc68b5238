"""doctor and a database of the predecessor's."""

from django.db import connection

from tests.adoption import predecessor
from tests.deployment.doctor.conftest import ask, named


def test_it_is_one_finding_and_the_way_to_take_it_over(empty_db: str) -> None:
    """Four hundred were printed, and no word of adopt in any."""
    with connection.cursor() as cursor:
        predecessor.create(cursor, 7)
    report = ask("D04", "D05")
    assert named(report) == [f"broken D04 {report.database}"]
    ((_, finding),) = report.found
    assert finding.sentence == "its tables are the predecessor's, and not taken over yet"
    assert [step.run for step in finding.steps] == ["python manage.py adopt --plan"]
