"""Migrating step by step, and what the database holds between the steps."""

import json
from typing import Any

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from core.executor import Executor
from core.schema.actual import read_catalog
from core.schema.catalog import Catalog
from core.schema.history import in_order

APPS = ("core", "health_records", "configuration", "adoption", "deployment")

# Steps of the schema, and the migrations that carry each out.
STEPS = [
    ("core", "0001_base_schema"),
    ("health_records", "0001_health_records_core"),
    ("health_records", "0002_additional_critical_tables"),
    ("configuration", "0001_system_configuration"),
    ("configuration", "0002_enhance_system_configuration"),
    ("configuration", "0003_seed_settings"),
    ("health_records", "0003_complete_health_records_schema"),
    ("core", "0002_performance_indexes"),
    ("health_records", "0004_performance_indexes"),
    ("core", "0003_notify_of_moved_schools"),
    ("configuration", "0004_judge_values_by_all_rules"),
    ("configuration", "0005_record_every_change"),
    ("configuration", "0006_notify_of_changes"),
    ("configuration", "0007_announce_security_changes"),
    ("adoption", "0001_rejects"),
    ("deployment", "0001_migration_runs"),
]
# The predecessor's. `configuration_announcements`, `adoption_rejects`, `migration_runs` and its steps are our own.
TABLES = [
    "districts",
    "schools",
    "users",
    "students",
    "contacts",
    "health_records",
    "allergies",
    "chronic_conditions",
    "appointments",
    "medications",
    "student_medications",
    "medication_logs",
    "incident_reports",
    "emergency_contacts",
    "vaccinations",
    "screenings",
    "growth_measurements",
    "vital_signs",
    "system_configurations",
    "configuration_history",
]

Rows = dict[str, list[dict[str, Any]]]


def migrations(loader: MigrationLoader) -> list[Migration]:
    """All migrations in order, those of our apps after what they need and before what needs them."""
    return [loader.graph.nodes[key] for key in in_order(loader)]


def forward(*plan: Migration) -> None:
    """Apply these migrations and nothing else."""
    executor = Executor(connection)
    executor.recorder.ensure_schema()
    executor.migrate(None, plan=[(migration, False) for migration in plan])


def back(*plan: Migration) -> None:
    """Take these migrations back and nothing else."""
    Executor(connection).migrate(None, plan=[(migration, True) for migration in plan])


def catalog() -> Catalog:
    """The catalog as it is."""
    return read_catalog(connection)


def rows() -> Rows:
    """Every row of the twenty tables, as far as they exist."""
    existing = catalog()["tables"]
    found: Rows = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            if table in existing:
                cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY id")
                found[table] = [json.loads(text) for (text,) in cursor.fetchall()]
    return found


def lost(before: Rows, after: Rows) -> dict[str, str]:
    """What the tables and columns that are still there do not hold any more: table -> what."""
    found = {}
    for table in before.keys() & after.keys():
        kept = {row["id"]: row for row in after[table]}
        for row in before[table]:
            now = kept.get(row["id"])
            if now is None:
                found[table] = "a row"
            elif changed := [name for name in row if name in now and now[name] != row[name]]:
                found[table] = ", ".join(changed)
    return found


VALUES = {
    "uuid": "'018f0000-0000-7000-8000-000000000000'",
    "date": "'2014-05-17'",
    "timestamp with time zone": "'2026-03-02 12:00Z'",
    "integer": "1",
    "boolean": "true",
    "character varying(1)": "'+'",  # historyType
}


def fill_in() -> None:
    """A row in each of the twenty tables: what has to be filled in, and no more. That of the history is written by the
    setting's trigger."""
    found = catalog()
    labels = found["enums"]
    with connection.cursor() as cursor:
        for table in TABLES:
            if table == "configuration_history" and "write_configuration_history()" in found["functions"]:
                continue
            parents = {
                definition.split('"')[1]: definition.split("REFERENCES ")[1].split("(")[0]
                for constraint in found["tables"][table]["constraints"].values()
                if (definition := constraint["definition"]).startswith('FOREIGN KEY ("')
            }
            values = {}
            for name, column in found["tables"][table]["columns"].items():
                if column.get("null") or column.get("default"):
                    continue
                if name in parents:
                    values[name] = f"(SELECT id FROM {parents[name]} LIMIT 1)"
                elif (enum := column["type"].strip('"')) in labels:
                    values[name] = f"'{labels[enum][0]}'"
                else:
                    values[name] = VALUES.get(column["type"], "'1'")
            names = ", ".join(f'"{name}"' for name in values)
            cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(values.values())})")
