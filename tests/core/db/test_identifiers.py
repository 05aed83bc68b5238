"""Ids of version 7: from Python and from the database alike."""

import time
import uuid

import pytest
from django.db import connection

from core.db import uuid7


def from_the_database() -> uuid.UUID:
    with connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7()")
        found: uuid.UUID = cursor.fetchone()[0]
        return found


@pytest.mark.django_db
@pytest.mark.parametrize("make", [uuid7, from_the_database])
def test_an_id_is_of_version_7_and_says_when_it_was_made(make: type) -> None:
    before = time.time_ns() // 1_000_000
    made: list[uuid.UUID] = [make() for _ in range(50)]
    after = time.time_ns() // 1_000_000
    assert all((found.version, found.variant) == (7, uuid.RFC_4122) for found in made)
    assert all(before - 1 <= found.int >> 80 <= after + 1 for found in made)
    assert len(set(made)) == len(made)
    assert [found.int >> 80 for found in made] == sorted(found.int >> 80 for found in made)
