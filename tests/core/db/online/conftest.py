"""A database of these tests' own."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.conftest import create_database, drop_database
from tests.core.db.online.clinic import execute


@pytest.fixture(scope="package")
def own_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database of this package's own, in autocommit."""
    with django_db_blocker.unblock():
        original = connection.settings_dict["NAME"]
        create_database(f"{original}_online")
        connection.close()
        connection.settings_dict["NAME"] = f"{original}_online"
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = original
            drop_database(f"{original}_online")
            connection.close()


@pytest.fixture
def tidy_db(own_db: None) -> None:
    """That database, with nothing in it: sooner had than a new one."""
    connection.close()
    execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
