"""Every way to change settings; a new one belongs in INSIDE or OUTSIDE.

Each returns what it has done: type, old and new value of each row of the history. Those INSIDE are within the
application, all in the name of a user, from a request; of those OUTSIDE, past it, only the database role is known.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from configuration import editing
from configuration.changing import changing
from configuration.models import ConfigurationHistory, SystemConfiguration
from core.acting import Origin

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
