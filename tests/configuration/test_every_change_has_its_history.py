"""Whoever changes a setting, and however: one row of the history for each change, none for what is no change."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from configuration.models import SystemConfiguration
from core.acting import acting_as
from core.models import User
from tests.configuration.ways_to_write import (
    INSIDE,
    KEY,
    ORIGIN,
    OUTSIDE,
    RENAMED,
    by_another_program,
    by_psql,
    by_save,
    by_update,
    sql,
    stored,
)
from tests.factories import make_user

FORGERIES = [
    "UPDATE configuration_history SET \"changeReason\" = 'another'",
    "DELETE FROM configuration_history",
    "TRUNCATE configuration_history",
    "TRUNCATE configuration_history CASCADE",
    "TRUNCATE system_configurations",
    "INSERT INTO configuration_history SELECT (jsonb_populate_record(h, jsonb_build_object('id', uuidv7()))).*"
    " FROM configuration_history h",
    "WITH gone AS (DELETE FROM configuration_history RETURNING *) SELECT count(*) FROM gone",
    "MERGE INTO configuration_history h USING (VALUES (1)) v ON true WHEN MATCHED THEN DELETE",
]
SESSIONS = [
    "SET LOCAL session_replication_role = origin",
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL session_replication_role = local",
    'SET LOCAL whitecross.change = \'{"by": "018f0000-0000-7000-8000-000000000000"}\'',
    "SET LOCAL search_path = pg_temp, public",
    "SET LOCAL row_security = off",
]


def rows(table: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t)::text FROM {table} t ORDER BY "createdAt", id')
        return [json.loads(text) for (text,) in cursor.fetchall()]


@contextmanager
def checked() -> Iterator[list[dict[str, Any]]]:
    """Yield a list which holds the new rows of the history after the block, and check what holds for all of them."""
    before = {row["id"]: row for row in rows("system_configurations")}
    known = {row["id"] for row in rows("configuration_history")}
    changes: list[dict[str, Any]] = []
    yield changes
    changes += [row for row in rows("configuration_history") if row["id"] not in known]
    after = {row["id"]: row for row in rows("system_configurations")}
    times = [dt.datetime.fromisoformat(change["createdAt"]) for change in changes]
    assert times == sorted(times)
    latest: dict[str, dict[str, Any] | None] = dict(before)
    for change in changes:
        now = {name: change[RENAMED.get(name, name)] for name in next(iter(before.values()))}
        was = latest.get(change["configurationId"])
        assert change["before"] == was
        assert change["historyType"] == ("+" if was is None else change["historyType"])
        assert change["oldValue"] == (was["value"] if was else None)
        if change["historyType"] == "-":
            assert now == was
        assert now != was or change["historyType"] == "-"
        latest[change["configurationId"]] = None if change["historyType"] == "-" else now
    assert {key: row for key, row in latest.items() if row} == after


def summary(changes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted((row["historyType"], str(row["oldValue"]), row["newValue"]) for row in changes)


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: path.__name__)
def test_a_change_by_the_application_is_recorded_with_who_and_from_where(
    path: Callable[[], list[Any]], committed_db: str
) -> None:
    user: User = make_user(first_name="Nia", last_name="Hall")
    with checked() as changes, acting_as(user, origin=ORIGIN):
        expected = path()
    assert summary(changes) == sorted((kind, str(old), value) for kind, old, value in expected)
    for change in changes:
        assert change["changedBy"] == str(user.pk)
        assert change["changedByName"] == "Nia Hall"
        assert (change["ipAddress"], change["userAgent"]) == ("192.0.2.7", "Firefox/140")
        assert change["databaseRole"] is None
        assert change["changeReason"] == ("why" if "editing" in path.__name__ or "raw" in path.__name__ else None)
        if change["historyType"] != "-":
            assert change["lastModifiedBy"] == str(user.pk)


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.__name__)
def test_a_change_past_the_application_is_recorded_with_the_database_role(
    path: Callable[[], list[Any]], committed_db: str
) -> None:
    role = connection.get_connection_params()["user"]
    with checked() as changes, acting_as(make_user(), origin=ORIGIN):
        expected = path()
    assert summary(changes) == sorted((kind, str(old), value) for kind, old, value in expected)
    for change in changes:
        assert change["databaseRole"] == role
        assert change["changedByName"] == f"database role {role}"
        assert [change[name] for name in ("changedBy", "changeReason", "ipAddress", "userAgent")] == [None] * 4


@pytest.mark.parametrize("path", [*INSIDE, *OUTSIDE], ids=lambda path: path.__name__)
def test_what_is_rolled_back_leaves_no_history(path: Callable[[], list[Any]], committed_db: str) -> None:
    if path in (by_psql, by_another_program):
        pytest.skip("commits by itself")
    before = rows("system_configurations")
    with transaction.atomic():
        path()
        transaction.set_rollback(True)
    assert rows("configuration_history") == []
    assert rows("system_configurations") == before


def save_as_it_is() -> None:
    stored().save()


def update_to_the_same() -> None:
    SystemConfiguration.objects.filter(key=KEY).update(value="5")


def upsert_the_same() -> None:
    sql(
        "INSERT INTO system_configurations (key, value, \"valueType\") VALUES ('MAX_LOGIN_ATTEMPTS', '5', 'NUMBER')"
        ' ON CONFLICT (key, scope, "scopeId") DO UPDATE SET value = EXCLUDED.value'
    )


def set_another_author() -> None:
    sql('UPDATE system_configurations SET "lastModifiedBy" = %s WHERE key = %s', make_user().pk, KEY)


@pytest.mark.parametrize("path", [save_as_it_is, update_to_the_same, upsert_the_same, set_another_author])
def test_a_change_that_changes_nothing_is_none(path: Callable[[], None], committed_db: str) -> None:
    before = rows("system_configurations")
    with acting_as(make_user()):
        path()
    assert rows("configuration_history") == []
    assert rows("system_configurations") == before


def test_history_outlives_a_user_and_keeps_the_name(committed_db: str) -> None:
    user = make_user(first_name="Nia", last_name="Hall")
    author = str(user.pk)
    with acting_as(user):
        by_save()
    user.delete()
    (change,) = rows("configuration_history")
    assert (change["changedBy"], change["changedByName"]) == (author, "Nia Hall")
    assert stored().last_modified_by_id is None


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_session_setting_opens_the_history(forgery: str, session: str, committed_db: str) -> None:
    by_update()
    before = rows("configuration_history")
    with transaction.atomic():
        sql(session)
        with pytest.raises(IntegrityError), transaction.atomic():
            sql(forgery)
    assert rows("configuration_history") == before


def test_rows_are_not_copied_into_the_history(committed_db: str) -> None:
    by_update()
    with (
        pytest.raises(psycopg.errors.RestrictViolation, match="written by the database alone"),
        connection.cursor() as cursor,
        cursor.copy('COPY configuration_history ("configurationId", "configKey", "newValue", "configurationCreatedAt",'
                    ' "configurationUpdatedAt", "historyType", "createdAt") FROM STDIN') as copy,
    ):  # fmt: skip
        copy.write("018f0000-0000-7000-8000-000000000000\tK\tv\t2026-01-01\t2026-01-01\t+\t2026-01-01\n")
    assert len(rows("configuration_history")) == 1


def test_statements_that_name_nobody_do_not_stay_in_the_name_of_the_last(committed_db: str) -> None:
    with transaction.atomic(), acting_as(make_user()):
        by_save()
        sql("UPDATE system_configurations SET value = '6' WHERE key = %s", KEY)
    assert [bool(change["databaseRole"]) for change in rows("configuration_history")] == [False, True]
