"""Rules that hold for every table, column, type and index of the finished schema."""

import inspect
import json
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from core.schema.actual import read_catalog
from core.schema.catalog import Catalog
from tests.migrations.steps import APPS, TABLES

PREDECESSOR = json.loads(Path(__file__).with_name("predecessor_columns.json").read_text(encoding="utf-8"))
# What the predecessor has and we do not, or otherwise, each for a reason.
GONE = {("allergies", "active")}  # said the same as isActive
NOW_NULL = {("configuration_history", "changedBy")}  # a change by SQL or by a command has no user

# Per index: table, name, unique, the keys as text with their options, included columns, predicate, types of the keys.
INDEXES = """
SELECT c.relname, x.relname, i.indisunique, am.amname,
       ARRAY(SELECT concat_ws(' ', pg_get_indexdef(i.indexrelid, k, true), i.indoption[k - 1], i.indclass[k - 1])
             FROM generate_series(1, i.indnkeyatts) k),
       i.indnatts > i.indnkeyatts,
       coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
       ARRAY(SELECT t.typtype::text || ':' || t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts ORDER BY a.attnum),
       obj_description(i.indexrelid, 'pg_class'),
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_am am ON am.oid = x.relam
WHERE c.relname = ANY(%s)
ORDER BY 1, 2
"""
FOREIGN_KEYS = """
SELECT k.conrelid::regclass::text, k.conname,
       ARRAY(SELECT a.attname::text
             FROM unnest(k.conkey) n JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n)
FROM pg_constraint k
WHERE k.contype = 'f'
"""


@pytest.fixture
def catalog(db: Any) -> Catalog:
    return read_catalog(connection)


@pytest.fixture
def indexes(db: Any) -> list[tuple[Any, ...]]:
    """The indexes of all our tables, those between many and many included."""
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [[*TABLES, "users_groups", "users_user_permissions"]])
        return list(cursor.fetchall())


def test_the_twenty_tables_are_there(catalog: Catalog) -> None:
    assert set(TABLES) <= catalog["tables"].keys()
    assert len(TABLES) == 20


def test_every_id_is_a_uuid_with_a_default_in_the_database(catalog: Catalog) -> None:
    for table in TABLES:
        assert catalog["tables"][table]["columns"]["id"] == {"type": "uuid", "default": "uuidv7()"}, table
        assert catalog["tables"][table]["constraints"][f"{table}_pkey"]["definition"] == "PRIMARY KEY (id)"


def test_there_are_at_least_a_hundred_indexes_on_the_twenty_tables(indexes: list[Any]) -> None:
    assert len([index for index in indexes if index[0] in TABLES]) >= 100


def test_no_index_is_a_prefix_of_another(indexes: list[Any]) -> None:
    by_table = defaultdict(list)
    for table, name, unique, method, keys, includes, predicate, *_ in indexes:
        if method == "btree" and table in TABLES:
            by_table[table].append((name, keys, predicate, unique or includes))
    for table, several in by_table.items():
        for name, keys, predicate, stands_for_more in several:
            for other, other_keys, other_predicate, _ in several:
                if name == other or stands_for_more or predicate != other_predicate:
                    continue
                assert other_keys[: len(keys)] != keys, f"{table}: {name} is a prefix of {other}"


def test_no_index_is_of_a_bare_boolean_or_enum(indexes: list[Any]) -> None:
    for table, name, _, _, _, _, predicate, types, *_ in indexes:
        bare = len(types) == 1 and (types[0] == "b:bool" or types[0].startswith("e:")) and not predicate
        assert not bare, f"{table}: {name}"


def test_every_foreign_key_has_an_index_that_leads_with_it(indexes: list[Any]) -> None:
    leading = defaultdict(set)
    for table, _, _, method, keys, _, predicate, *_ in indexes:
        column = keys[0].split(" ")[0].strip('"')
        if method == "btree" and predicate in ("", f'("{column}" IS NOT NULL)', f"({column} IS NOT NULL)"):
            leading[table].add(column)
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEYS)
        for table, name, columns in cursor.fetchall():
            if table in TABLES or table.startswith("users_"):
                assert leading[table] & set(columns), f"{table}: {name}"


def test_every_index_says_which_question_it_serves(indexes: list[Any]) -> None:
    for table, name, unique, *_, comment, of_constraint in indexes:
        if table in TABLES and not (of_constraint or unique):
            assert comment, name
            assert comment.endswith("."), name


def test_no_name_is_longer_than_postgresql_keeps(catalog: Catalog) -> None:
    names = [
        name
        for table in catalog["tables"].values()
        for members in ("columns", "constraints", "indexes", "triggers")
        for name in table.get(members, {})
    ]
    assert max(map(len, names)) < 63


def text_choices() -> dict[str, list[str]]:
    """Every TextChoices of the apps: class name -> labels."""
    found = {}
    for app in ("core", "health_records", "configuration", "whitecross.deployment"):
        for name, member in vars(import_module(f"{app}.enums")).items():
            if (
                inspect.isclass(member)
                and issubclass(member, models.TextChoices)
                and member.__module__ == f"{app}.enums"
            ):
                found[name] = list(member.values)
    return found


def test_the_labels_of_every_enum_type_are_those_of_its_class_in_their_order(catalog: Catalog) -> None:
    assert catalog["enums"] == text_choices()
    assert len(catalog["enums"]) == 23


def test_no_enum_type_stands_unused_and_none_is_automatic(catalog: Catalog) -> None:
    used = {column["type"].strip('"') for table in catalog["tables"].values() for column in table["columns"].values()}
    assert catalog["enums"].keys() <= used
    assert not [name for name in catalog["enums"] if name.startswith("enum_")]


@pytest.mark.parametrize("model", [model for app in APPS for model in apps.get_app_config(app).get_models()])
def test_every_default_lives_in_the_database(model: Any, catalog: Catalog) -> None:
    columns = catalog["tables"][model._meta.db_table]["columns"]
    for field in model._meta.concrete_fields:
        if field.has_default() or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            assert columns[field.column].get("default"), f"{model._meta.label}.{field.name}"


@pytest.mark.parametrize("table", TABLES)
def test_every_table_keeps_its_times_by_itself(table: str, catalog: Catalog) -> None:
    columns = catalog["tables"][table]["columns"]
    times = ["createdAt"] if table == "configuration_history" else ["createdAt", "updatedAt"]
    for name in times:
        assert columns[name] == {"type": "timestamp with time zone", "default": "now()"}
    triggers = catalog["tables"][table].get("triggers", {})
    assert (f"{table}_set_updated_at" in triggers) == (table != "configuration_history")


def test_every_table_of_health_records_names_its_writers_and_refuses_delete(catalog: Catalog) -> None:
    without = {"districts", "schools", "users", "system_configurations", "configuration_history", "medications"}
    for table in TABLES:
        columns = catalog["tables"][table]["columns"]
        is_phi = table not in without
        assert ({"createdBy", "updatedBy"} <= columns.keys()) == (is_phi or table == "medications"), table
        assert ("deletedAt" in columns) == is_phi, table
        assert (f"{table}_refuse_delete" in catalog["tables"][table]["triggers"]) == is_phi, table


@pytest.mark.parametrize("table", sorted(PREDECESSOR))
def test_every_column_of_the_predecessor_is_kept_under_its_name(table: str, catalog: Catalog) -> None:
    columns = catalog["tables"][table]["columns"]
    for name, was in PREDECESSOR[table].items():
        if (table, name) in GONE:
            assert name not in columns
            continue
        assert name in columns, name
        if (table, name) not in NOW_NULL:
            assert columns[name].get("null") == was.get("null"), f"{table}.{name}"


@pytest.mark.parametrize("table", sorted(PREDECESSOR))
def test_every_type_of_the_predecessor_is_kept_or_better(table: str, catalog: Catalog) -> None:
    columns = catalog["tables"][table]["columns"]
    enums = {name.lower() for name in catalog["enums"]}
    for name, was in PREDECESSOR[table].items():
        if (table, name) in GONE:
            continue
        before, now = was["type"].strip('"'), columns[name]["type"].strip('"')
        if before.startswith("enum_"):
            assert now.lower() in enums
        elif before == "json":
            assert now == "jsonb"
        elif before == "timestamp(3) without time zone":
            assert now == "timestamp with time zone"
        elif before == "numeric(65,30)":
            assert now == "numeric(8,3)"
        elif (table, name) in {
            ("configuration_history", "id"),
            ("configuration_history", "changedBy"),
            ("system_configurations", "scopeId"),
        }:
            assert now == "uuid"
        elif (table, name) == ("configuration_history", "configKey"):
            assert now == "character varying(200)"
        else:
            assert now == before, f"{table}.{name}"


def test_the_predecessors_tables_are_ours() -> None:
    assert set(PREDECESSOR) == set(TABLES)
