"""A database with rows enough for plans to matter."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from core.enums import UserRole
from core.models import District, School, Student, User
from tests.conftest import create_database, drop_database
from tests.queries.rows import fill


@dataclass
class LargeDistrict:
    """One school among 100 and one district among 10, of 20,000 students."""

    district: District
    school: School
    nurse: User
    student: Student


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    original = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = original


@pytest.fixture(scope="session")
def large_database(pristine_database: str, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database with 20,000 students and 600,000 rows about them; tests only read it."""
    name = f"{pristine_database}_large"
    with django_db_blocker.unblock():
        create_database(name, pristine_database)
        with _connected_to(name):
            fill(20_000)
    yield name
    with django_db_blocker.unblock():
        drop_database(name)


@pytest.fixture(scope="module")
def large(large_database: str, django_db_blocker: Any) -> Iterator[LargeDistrict]:
    """The large database, and what tests look at in it: for this module, all queries go there."""
    with django_db_blocker.unblock(), _connected_to(large_database):
        school = School.objects.select_related("district").get(code="S8")
        nurse = User.objects.get(school=school, role=UserRole.NURSE)
        # Takes two medications.
        student = Student.objects.for_school(school).get(student_number="N0004207")
        yield LargeDistrict(school.district, school, nurse, student)
