"""``manage.py check``: keys that code reads and nobody declares, and stored keys that nothing declares."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import Error as DatabaseError
from django.db import OperationalError, connections, transaction

from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED, near
from configuration.resolution import Row, snapshot_of

PATIENCE = "1s"  # for a lock
LOCK_NOT_AVAILABLE = "55P03"


@register(Tags.models)
def check_that_keys_are_declared(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    """Code that reads a key declares it: then a misspelt key and a value of another type are found before they harm."""
    return [
        Warning(
            f"{path.relative_to(settings.BASE_DIR)}:{line} reads the setting {key!r}, which nothing declares.",
            hint=_hint(key),
            id="configuration.W001",
        )
        for path, line, key in keys_read(app_configs or apps.get_app_configs())
        if key not in DECLARED
    ]


def _hint(key: str) -> str:
    meant = near(key, DECLARED)
    return f"Did you mean {' or '.join(meant)}? " * bool(meant) + f'Declare it: declare("{key}", int, default=...).'


def keys_read(app_configs: Any) -> Iterator[tuple[Path, int, str]]:
    """Where the apps of this project say config.get("KEY") or config.explain("KEY"): file, line, key."""
    base = Path(settings.BASE_DIR)
    for app in app_configs:
        folder = Path(app.path)
        if not folder.is_relative_to(base) or ".venv" in folder.parts or "site-packages" in folder.parts:
            continue
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "config." not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if _reads(node):
                    yield path, node.lineno, node.args[0].value  # type: ignore[attr-defined]


def _reads(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "explain")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "config"
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    )


@register(Tags.database)
def check_what_is_stored(databases: Any = None, **options: Any) -> list[CheckMessage]:
    """Stored keys that no code declares, unless an administrator made them for herself (the tag `custom`); and stored
    values that do not count, because the code could not work with them."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        if SystemConfiguration._meta.db_table not in _tables(alias):
            continue
        rows = _stored(alias)
        if rows is None:
            found.append(
                Warning(
                    "The stored settings were not looked at, as somebody holds their table.",
                    hint="Run manage.py check again when that has ended; manage.py doctor names who it is.",
                    id="configuration.W004",
                )
            )
            continue
        strange = sorted({row.key for row in rows if row.key not in DECLARED and "custom" not in (row.tags or ())})
        if strange:
            found.append(
                Warning(
                    f"Nothing declares these stored settings: {', '.join(strange)}.",
                    hint="Declare those that code reads; tag the others `custom`, or delete them.",
                    id="configuration.W002",
                )
            )
        found += [
            Warning(
                f"A stored setting does not count: {problem}.",
                hint="Correct or delete it: manage.py config set, or manage.py config unset.",
                id="configuration.W003",
            )
            for problem in snapshot_of(rows).problems
        ]
    return found


def _stored(alias: str) -> list[Row] | None:
    """The settings; None where they cannot be read soon. migrate checks first, and has a patience of its own."""
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            return [
                Row(setting.pk, setting.key, setting.scope, setting.scope_id, setting.value, setting.value_type,
                    setting.default_value, setting.is_active, tags=setting.tags)
                for setting in SystemConfiguration.objects.using(alias)
            ]  # fmt: skip
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return None


def _tables(alias: str) -> list[str]:
    try:
        with connections[alias].cursor() as cursor:
            return connections[alias].introspection.table_names(cursor)
    except DatabaseError:
        return []
