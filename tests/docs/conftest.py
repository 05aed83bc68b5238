"""A server that is set up as docs/deployment.md says."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.docs.roles import Server, with_roles


@pytest.fixture(scope="package")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    """With the roles, migrated by the owner, and set up once more."""
    with django_db_blocker.unblock(), with_roles(f"{connection.settings_dict['NAME']}_roles") as made:
        if made is None:
            pytest.skip("roles.sql needs psql and a superuser")
        ended = made.manage("owner", "upgrade", "--yes", "--no-backup")
        assert "Smoke test" in ended.stdout, ended.stdout + ended.stderr
        made.roles()
        yield made
