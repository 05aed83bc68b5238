"""Databases of the predecessor's, made once and copied, and what the tests do with them."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from tests.adoption import predecessor
from tests.conftest import _on_database_of_its_own, _stop_reading, create_database, drop_database
from tests.programs import tool
from whitecross.adoption.adopting import adopt
from whitecross.adoption.planning import Choices
from whitecross.adoption.progress import Progress
from whitecross.adoption.roads import Road

on_a_database_of_its_own = contextmanager(_on_database_of_its_own)


@contextmanager
def _standing_on(name: str) -> Iterator[str]:
    """Let Django stand on another database for a while."""
    _stop_reading()
    original = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield name
    finally:
        _stop_reading()
        connection.close()
        connection.settings_dict["NAME"] = original


class Legacy:
    """Makes databases of the predecessor's. The last one that was made or chosen is Django's own."""

    def __init__(self, stack: ExitStack, templates: dict[str, str]) -> None:
        self._stack, self._templates = stack, templates

    def in_place(self, state: int, *, misfits: bool = False) -> str:
        """A database of that state, on which Django stands from now on. Returns its name."""
        return self._copy_of(self._left(state, misfits=misfits))

    def adopted(self, state: int, *, misfits: bool = False) -> str:
        """The same, adopted; what does not fit was set aside."""
        return self._copy_of(self._adopted(state, misfits=misfits))

    def adopted_to_read(self, state: int) -> str:
        """The same without a copy, and so only to be read: the server refuses anything else."""
        return self._stack.enter_context(_standing_on(self._adopted(state, misfits=False)))

    def shared(self, state: int, *, adopted: bool = False) -> str:
        """One for all tests that leave nothing behind over which another could stumble: a copy takes its time."""
        template = self._adopted(state, misfits=False) if adopted else self._left(state, misfits=False)
        name = self._template(f"shared_{state}{'_adopted' if adopted else ''}", None, template)
        return self._stack.enter_context(_standing_on(name))

    def elsewhere(self, state: int, *, misfits: bool = False, template: str = "template0") -> str:
        """The URL of a database of that state; Django stands on another one, copied from a template."""
        name = self.in_place(state, misfits=misfits)
        self._copy_of(template)
        return url_of(name)

    def _left(self, state: int, *, misfits: bool) -> str:
        def make() -> None:
            with connection.cursor() as cursor:
                predecessor.create(cursor, state)
                predecessor.fill(cursor, state)
                if misfits:
                    predecessor.misfits(cursor, state)

        return self._template(f"legacy_{state}{'_misfits' if misfits else ''}", make)

    def _adopted(self, state: int, *, misfits: bool) -> str:
        def make() -> None:
            adopt(Road("default"), Choices(set_aside=True), Progress(), lambda plan: True)

        left = self._left(state, misfits=misfits)
        return self._template(f"adopted_{state}{'_misfits' if misfits else ''}", make, left)

    def _template(self, what: str, make: Callable[[], None] | None, template: str = "template0") -> str:
        """The name of a database that is made on first use; where something is made in it, it is read-only after."""
        if what not in self._templates:
            name = f"{re.sub(r'_[0-9]+$', '', str(connection.settings_dict['NAME']))}_{what}"
            connection.close()
            create_database(name, template)
            self._templates[what] = name
            if make is not None:
                with _standing_on(name):
                    make()
                    execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')  # its copies are not
        return self._templates[what]

    def _copy_of(self, template: str) -> str:
        return self._stack.enter_context(on_a_database_of_its_own(template))


def url_of(name: str) -> str:
    """The URL of a database on the tests' server."""
    connection.ensure_connection()
    facts = connection.get_connection_params()
    who = quote(str(facts.get("user") or ""), safe="")
    if facts.get("password"):
        who += ":" + quote(str(facts["password"]), safe="")
    host = quote(str(facts.get("host") or ""), safe="")
    return f"postgresql://{who}@/{name}?host={host}&port={facts.get('port') or 5432}"


@pytest.fixture(scope="session")
def legacy_templates(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """The databases to copy that were made so far, by what they are."""
    made: dict[str, str] = {}
    yield made
    with django_db_blocker.unblock():
        for name in made.values():
            drop_database(name)


@pytest.fixture
def legacy(legacy_templates: dict[str, str], django_db_blocker: Any) -> Iterator[Legacy]:
    """Makes databases of the predecessor's, which go with the test."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        yield Legacy(stack, legacy_templates)


@pytest.fixture
def dump() -> Callable[[str], bytes]:
    """What pg_dump writes of a database: its schema and every row."""
    program = None

    def dumped(name: str) -> bytes:
        nonlocal program
        program = program or tool("pg_dump")
        if program is None:
            pytest.skip("no pg_dump of the server's version here")
        done = subprocess.run([program, "--dbname", url_of(name)], capture_output=True, check=True)
        # Newer versions guard the script with a random word.
        return b"\n".join(line for line in done.stdout.splitlines() if not re.match(rb"\\(un)?restrict ", line))

    return dumped


def rows_of(table: str, schema: str = "public") -> list[dict[str, Any]]:
    """A table's rows as JSON has them, by id."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t) FROM "{schema}"."{table}" AS t ORDER BY id')
        return [json.loads(row) if isinstance(row, str) else row for (row,) in cursor.fetchall()]


def execute(*statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def value(sql: str) -> Any:
    """The one value of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]
