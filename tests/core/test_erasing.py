"""An erasure whose connection breaks."""

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection

from core.models import Student
from tests.conftest import _maintenance
from tests.factories import make_student


@pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")
def test_after_a_broken_connection_the_next_erasure_works(committed_db: str) -> None:
    student = make_student(school=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with _maintenance() as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises((OperationalError, psycopg.OperationalError)):
        student.erase()
    close_old_connections()
    assert not connection.in_atomic_block
    assert student.erase()[0] == 1
    assert not Student.all_objects.exists()
