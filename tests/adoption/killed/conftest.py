"""A server to kill at, adoptions that have begun, and processes that adopt."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from tests.adoption.conftest import Legacy, on_a_database_of_its_own
from tests.adoption.killed.left import Begun, Kill, Run
from tests.adoption.killing import at, terminate
from tests.conftest import _maintenance, create_database_from, drop_database


@pytest.fixture
def server(legacy: Legacy) -> Iterator[Any]:
    """A connection to the server, to none of the databases that are adopted."""
    with _maintenance() as server:
        yield server


@pytest.fixture
def kill(server: Any) -> Kill:
    """Ends the backend of Django's connection."""
    return lambda: terminate(server, connection)


def command(folder: Path, *arguments: str) -> str:
    """Run adopt on the database on which Django stands; returns the sentence with which it fails, or nothing."""
    try:
        report = () if {"--undo", "--finish"} & {*arguments} else ("--report", str(folder))
        call_command("adopt", *arguments, "--yes", *report, stdout=io.StringIO())
    except CommandError as error:
        return str(error)
    finally:
        connection.close()
        # Where the last statements of a migration fail, Django goes on believing that it is in a transaction.
        connection.connect()
    return ""


@pytest.fixture
def run(legacy: Legacy, tmp_path: Path) -> Run:
    """Runs adopt as `command` does."""
    return lambda *arguments: command(tmp_path, *arguments)


@pytest.fixture(scope="package")
def begun_template(
    legacy_templates: dict[str, str], django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database of state 4 whose adoption was killed between migrate and load."""
    with django_db_blocker.unblock():
        name = f"{connection.settings_dict['NAME']}_begun"
        with ExitStack() as stack, _maintenance() as server:
            killed = Legacy(stack, legacy_templates).in_place(4)
            with at('LOCK TABLE "districts"', lambda: terminate(server, connection)) as moment:
                said = command(tmp_path_factory.mktemp("report"))
            assert moment.came, said
            connection.close()
            create_database_from(killed, name)
        yield name
        drop_database(name)


@pytest.fixture
def begun(legacy: Legacy, begun_template: str) -> Iterator[Begun]:
    """Puts Django on a database whose adoption was killed between migrate and load."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(on_a_database_of_its_own(begun_template))
