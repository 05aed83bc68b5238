"""What the tests of the site share: another program that writes, and a page that reads uploads."""

from typing import Any

import psycopg
import pytest
from django.db import connection


@pytest.fixture(autouse=True)
def _files_from_where_they_are(settings: Any) -> None:
    """Tests run with DEBUG off and without collectstatic, which WhiteNoise warns about."""
    settings.WHITENOISE_AUTOREFRESH = True


def by_another_program(sql: str, *values: Any) -> None:
    """Run SQL and commit, past this process, as psql would."""
    parameters = connection.get_connection_params()
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        assert other.execute(sql, values).rowcount == 1


def change_by_sql(key: str, value: str) -> None:
    """Change a setting of the system as psql would."""
    by_another_program(
        "UPDATE system_configurations SET value = %s WHERE key = %s AND scope = 'SYSTEM'",
        value,
        key,
    )
