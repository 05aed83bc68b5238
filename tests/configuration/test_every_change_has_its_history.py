"""Whoever changes a setting, and however: one row of the history for each change, none for what is no change."""

import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from configuration import editing
from configuration.changing import changing
from configuration.models import ConfigurationHistory, SystemConfiguration
from core.acting import Origin, acting_as
from core.models import User
from tests.factories import make_user

ORIGIN = Origin("192.0.2.7", "Firefox/140")
KEY = "MAX_LOGIN_ATTEMPTS"

# The column of the history for each column of the setting, where the name is another.
RENAMED = {
    "id": "configurationId",
    "key": "configKey",
    "value": "newValue",
    "createdAt": "configurationCreatedAt",
    "updatedAt": "configurationUpdatedAt",
}


# Each path changes settings and returns what it has done: type, old and new value of each row of the history. A new way
# to write belongs in INSIDE or OUTSIDE.


def stored() -> SystemConfiguration:
    return SystemConfiguration.objects.get(key=KEY)


def new(key: str = "OURS", **fields: Any) -> SystemConfiguration:
    return SystemConfiguration(**{"key": key, "value": "1", **fields})


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def url() -> str:
    known = connection.get_connection_params()
    return psycopg.conninfo.make_conninfo(**{k: known[k] for k in ("host", "port", "user", "dbname") if known.get(k)})


# Within the application, all in the name of a user, from a request.


def by_save() -> list[Any]:
    setting = stored()
    setting.value = "4"
    setting.save()
    return [("~", "5", "4")]


def by_save_of_some_fields() -> list[Any]:
    setting = stored()
    setting.value, setting.description = "4", "not saved"
    setting.save(update_fields=["value"])
    return [("~", "5", "4")]


def by_delete_of_an_instance() -> list[Any]:
    stored().delete()
    return [("-", "5", "5")]


def by_create() -> list[Any]:
    SystemConfiguration.objects.create(key="OURS", value="1")
    return [("+", None, "1")]


def by_get_or_create() -> list[Any]:
    SystemConfiguration.objects.get_or_create(key="OURS", defaults={"value": "1"})
    SystemConfiguration.objects.get_or_create(key="OURS", defaults={"value": "2"})
    return [("+", None, "1")]


def by_update_or_create() -> list[Any]:
    SystemConfiguration.objects.update_or_create(key=KEY, defaults={"value": "4"})
    SystemConfiguration.objects.update_or_create(key="OURS", defaults={"value": "1"})
    return [("~", "5", "4"), ("+", None, "1")]


def by_update_of_a_queryset() -> list[Any]:
    SystemConfiguration.objects.filter(key=KEY).update(value="4")
    return [("~", "5", "4")]


def by_delete_of_a_queryset() -> list[Any]:
    SystemConfiguration.objects.filter(key=KEY).delete()
    return [("-", "5", "5")]


def by_bulk_create() -> list[Any]:
    SystemConfiguration.objects.bulk_create([new(), new("THEIRS", value="2")])
    return [("+", None, "1"), ("+", None, "2")]


def by_bulk_create_over_conflicts() -> list[Any]:
    SystemConfiguration.objects.bulk_create(
        [new(), new(KEY, value="4", value_type="NUMBER")],
        update_conflicts=True,
        unique_fields=["key", "scope", "scope_id"],
        update_fields=["value"],
    )
    return [("+", None, "1"), ("~", "5", "4")]


def by_bulk_update() -> list[Any]:
    setting = stored()
    setting.value = "4"
    SystemConfiguration.objects.bulk_update([setting], ["value"])
    return [("~", "5", "4")]


def by_bulk_update_with_history() -> list[Any]:
    setting = stored()
    setting.value = "4"
    bulk_update_with_history([setting], SystemConfiguration, ["value"])
    return [("~", "5", "4")]


def by_bulk_create_with_history() -> list[Any]:
    bulk_create_with_history([new()], SystemConfiguration)
    return [("+", None, "1")]


def by_saving_an_earlier_instance() -> list[Any]:
    by_save()
    past = ConfigurationHistory.objects.get(key=KEY).instance
    past.value = "6"
    past.save()
    return [("~", "5", "4"), ("~", "4", "6")]


def by_two_saves_in_a_transaction() -> list[Any]:
    with transaction.atomic():
        by_save()
        SystemConfiguration.objects.filter(key=KEY).update(value="6")
    return [("~", "5", "4"), ("~", "4", "6")]


def in_a_savepoint_that_stays() -> list[Any]:
    with transaction.atomic(), transaction.atomic():
        return by_save()


def beside_a_savepoint_that_is_rolled_back() -> list[Any]:
    with transaction.atomic():
        before = transaction.savepoint()
        SystemConfiguration.objects.filter(key=KEY).update(value="9")
        transaction.savepoint_rollback(before)
        return by_save()


def by_raw_sql_within_changing() -> list[Any]:
    with changing(reason="why"):
        sql("UPDATE system_configurations SET value = '4' WHERE key = %s", KEY)
    return [("~", "5", "4")]


def by_editing_save() -> list[Any]:
    setting = stored()
    setting.value = "4"
    editing.save(setting, reason="why", expected=editing.version(stored()))
    return [("~", "5", "4")]


def by_editing_set_value() -> list[Any]:
    editing.set_value(KEY, 4, reason="why")
    return [("~", "5", "4")]


def by_editing_delete() -> list[Any]:
    editing.delete(stored(), reason="why")
    return [("-", "5", "5")]


def by_editing_restore() -> list[Any]:
    editing.delete(stored(), reason="why")
    editing.restore(ConfigurationHistory.objects.get(key=KEY), reason="why")
    return [("-", "5", "5"), ("+", None, "5")]


INSIDE: list[Callable[[], list[Any]]] = [
    by_save, by_save_of_some_fields, by_delete_of_an_instance, by_create, by_get_or_create, by_update_or_create,
    by_update_of_a_queryset, by_delete_of_a_queryset, by_bulk_create, by_bulk_create_over_conflicts, by_bulk_update,
    by_bulk_update_with_history, by_bulk_create_with_history, by_saving_an_earlier_instance,
    by_two_saves_in_a_transaction, in_a_savepoint_that_stays, beside_a_savepoint_that_is_rolled_back,
    by_raw_sql_within_changing, by_editing_save, by_editing_set_value, by_editing_delete, by_editing_restore,
]  # fmt: skip

# Past the application: nobody is named, the database role is.


def by_insert() -> list[Any]:
    sql("INSERT INTO system_configurations (key, value) VALUES ('OURS', '1')")
    return [("+", None, "1")]


def by_insert_over_a_conflict() -> list[Any]:
    sql(
        "INSERT INTO system_configurations (key, value, \"valueType\") VALUES ('MAX_LOGIN_ATTEMPTS', '4', 'NUMBER')"
        ' ON CONFLICT (key, scope, "scopeId") DO UPDATE SET value = EXCLUDED.value'
    )
    return [("~", "5", "4")]


def by_update() -> list[Any]:
    sql("UPDATE system_configurations SET value = '4' WHERE key = %s", KEY)
    return [("~", "5", "4")]


def by_update_of_several() -> list[Any]:
    sql("UPDATE system_configurations SET value = 'true' WHERE key LIKE '%%NOTIFICATION_ENABLED'")
    return [("~", "false", "true")]  # e-mail is on already


def by_delete() -> list[Any]:
    sql("DELETE FROM system_configurations WHERE key = %s", KEY)
    return [("-", "5", "5")]


def by_merge() -> list[Any]:
    sql(
        "MERGE INTO system_configurations AS s"
        " USING (VALUES ('MAX_LOGIN_ATTEMPTS', '4'), ('OURS', '1')) AS v (key, value) ON s.key = v.key"
        " WHEN MATCHED THEN UPDATE SET value = v.value"
        " WHEN NOT MATCHED THEN INSERT (key, value) VALUES (v.key, v.value)"
    )
    return [("~", "5", "4"), ("+", None, "1")]


def by_update_in_a_cte() -> list[Any]:
    sql(
        "WITH changed AS (UPDATE system_configurations SET value = '4' WHERE key = %s RETURNING id)"
        " SELECT count(*) FROM changed",
        KEY,
    )
    return [("~", "5", "4")]


def by_copy() -> list[Any]:
    with connection.cursor() as cursor, cursor.copy("COPY system_configurations (key, value) FROM STDIN") as copy:
        copy.write("OURS\t1\nTHEIRS\t2\n")
    return [("+", None, "1"), ("+", None, "2")]


def as_a_replica() -> list[Any]:
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        by_update()
        sql("SET LOCAL session_replication_role = origin")
    return [("~", "5", "4")]


def with_an_empty_search_path() -> list[Any]:
    with transaction.atomic():
        sql("SET LOCAL search_path = ''")
        sql("UPDATE public.system_configurations SET value = '4' WHERE key = %s", KEY)
        sql("SET LOCAL search_path = public")
    return [("~", "5", "4")]


def of_a_bound_with_floats_cut_short() -> list[Any]:
    with transaction.atomic():
        sql("SET LOCAL extra_float_digits = -15")
        sql("""UPDATE system_configurations SET "maxValue" = 10.5 WHERE key = %s""", KEY)
        sql("SET LOCAL extra_float_digits = 1")
    return [("~", "5", "5")]


def saying_nothing_of_oneself() -> list[Any]:
    with transaction.atomic():
        sql("SET LOCAL whitecross.change = '{}'")
        by_update()
        sql("SET LOCAL whitecross.change = ''")
    return [("~", "5", "4")]


def by_psql() -> list[Any]:
    program = psql()
    if program is None:
        pytest.skip("no psql here")
    command = f"UPDATE system_configurations SET value = '4' WHERE key = '{KEY}'"
    subprocess.run([program, "-X", "-q", "-v", "ON_ERROR_STOP=1", url(), "-c", command], check=True)
    return [("~", "5", "4")]


def psql() -> str | None:
    return shutil.which("psql") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/psql")), default=None)


def by_another_program() -> list[Any]:
    code = (
        "import psycopg, sys\nwith psycopg.connect(sys.argv[1]) as c:\n"
        "    c.execute(\"UPDATE system_configurations SET value = '4' WHERE key = 'MAX_LOGIN_ATTEMPTS'\")"
    )
    subprocess.run([sys.executable, "-c", code, url()], check=True)
    return [("~", "5", "4")]


OUTSIDE: list[Callable[[], list[Any]]] = [
    by_insert, by_insert_over_a_conflict, by_update, by_update_of_several, by_delete, by_merge, by_update_in_a_cte,
    by_copy, as_a_replica, with_an_empty_search_path, of_a_bound_with_floats_cut_short, saying_nothing_of_oneself,
    by_psql, by_another_program,
]  # fmt: skip


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
