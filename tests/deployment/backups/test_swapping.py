"""Swapping: both names change, or neither does; and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from tests.adoption.conftest import url_of
from tests.conftest import create_database
from tests.deployment.backups.conftest import names_of
from whitecross.deployment.backups import BackupError, swapping
from whitecross.deployment.backups.databases import HALF, UNFINISHED
from whitecross.deployment.backups.swapping import compare, swap

pytestmark = pytest.mark.direct("databases are renamed, to which a pooler would keep connections")


@pytest.fixture
def incoming(server: Any, committed_db: str) -> Iterator[str]:
    """A database beside the one in use, that can be told from it."""
    name = f"{committed_db}_incoming"
    connection.close()
    create_database(name)
    execute(name, "CREATE TABLE told (); INSERT INTO told DEFAULT VALUES")
    yield name
    connection.close()
    for found in names_of(server):
        if found == name or found.startswith(f"{committed_db}_before_"):
            server.execute(f'DROP DATABASE "{found}" WITH (FORCE)')


def execute(name: str, statement: str) -> None:
    with psycopg.connect(url_of(name)) as there:
        there.execute(statement)
    connection.close()


def is_told(name: str) -> bool:
    """Whether this is the one that came in."""
    with psycopg.connect(url_of(name)) as there:
        found = there.execute("SELECT to_regclass('told') IS NOT NULL").fetchone()
    connection.close()
    return found == (True,)


def test_there_and_back(server: Any, committed_db: str, incoming: str) -> None:
    swapped = swap("default", incoming)
    assert swapped.database == committed_db
    assert swapped.aside is not None
    assert is_told(committed_db)
    assert not is_told(swapped.aside)
    assert incoming not in names_of(server)
    back = swap("default", swapped.aside)
    assert not is_told(committed_db)
    assert back.aside is not None
    assert is_told(back.aside)


def test_where_there_is_none_in_use_it_takes_the_name(server: Any, committed_db: str, incoming: str) -> None:
    server.execute(f'DROP DATABASE "{committed_db}"')
    assert compare("default", incoming).rows == {}
    assert swap("default", incoming).aside is None
    assert is_told(committed_db)


def test_the_rows_that_differ_are_counted(committed_db: str, incoming: str) -> None:
    comparison = compare("default", incoming)
    assert comparison.rows["public.told"] == (0, 1)
    assert comparison.rows["public.django_migrations"][1] == 0
    assert comparison.more_there == 1
    assert comparison.more_here > 10


def test_somebody_connected_is_in_the_way_until_told_to_go(committed_db: str, incoming: str) -> None:
    with psycopg.connect(url_of(committed_db), application_name="the nurse", autocommit=True) as nurse:
        pid, user = nurse.info.backend_pid, nurse.info.user
        with pytest.raises(
            BackupError,
            match=rf"^In the way is process {pid} of {user} \(the nurse\) in {committed_db}, so nothing was",
        ):
            swap("default", incoming)
        assert not is_told(committed_db)
        swap("default", incoming, disconnect=True)
        assert is_told(committed_db)
        with pytest.raises(psycopg.OperationalError):
            nurse.execute("SELECT")


@contextmanager
def as_role(name: str) -> Iterator[None]:
    """The connections that are made meanwhile are this role's."""
    given = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = {**given, "options": f"{given.get('options') or ''} -c role={name}"}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = given


def test_whom_its_role_may_not_end_is_named_and_everybody_else_is_ended(
    server: Any, committed_db: str, incoming: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the owner of both, to which PostgreSQL tells little of others' sessions, with a superuser in between."""
    monkeypatch.setattr(swapping, "ATTEMPTS", 1)
    owner, nurse = f"{committed_db}_owner", f"{committed_db}_nurse"
    server.execute(f'CREATE ROLE "{owner}" CREATEDB; CREATE ROLE "{nurse}" LOGIN')
    server.execute(f'GRANT "{nurse}" TO "{owner}"')
    try:
        for name in (committed_db, incoming):
            server.execute(f'ALTER DATABASE "{name}" OWNER TO "{owner}"')
            execute(name, f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{owner}"')
        with (
            psycopg.connect(url_of(committed_db), application_name="a superuser", autocommit=True) as superuser,
            psycopg.connect(url_of(incoming), user=nurse, application_name="a nurse", autocommit=True) as ended,
            as_role(owner),
        ):
            pid = superuser.info.backend_pid
            with pytest.raises(BackupError, match=r"process \d+ of .* \(a nurse\) in .*, so nothing was swapped; stop"):
                swap("default", incoming)
            with pytest.raises(
                BackupError, match=rf"let a superuser do it: SELECT pg_terminate_backend\({pid}\)\. Then"
            ):
                swap("default", incoming, disconnect=True)
            with pytest.raises(psycopg.OperationalError):
                ended.execute("SELECT")
            server.execute("SELECT pg_terminate_backend(%s)", [pid])
            swap("default", incoming, disconnect=True)
        assert is_told(committed_db)
    finally:
        # Other processes of a test run have databases of their own here.
        for found in (name for name in names_of(server) if name.startswith(committed_db)):
            server.execute(f'ALTER DATABASE "{found}" OWNER TO CURRENT_USER')
            execute(found, f'DROP OWNED BY "{owner}", "{nurse}"')
        server.execute(f'DROP ROLE "{owner}"; DROP ROLE "{nurse}"')


def test_ended_between_the_two_names_neither_has_changed(
    server: Any, committed_db: str, incoming: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(name: str) -> str:
        if name == incoming:
            raise Killed
        return f'"{name}"'

    before = names_of(server)
    monkeypatch.setattr(swapping, "quoted", killed)
    with pytest.raises(Killed):
        swap("default", incoming)
    assert names_of(server) == before
    monkeypatch.undo()
    swap("default", incoming)
    assert is_told(committed_db)


def test_whoever_is_interrupted_when_it_is_done_is_told_that_it_is(
    committed_db: str, incoming: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        pass

    atomic = transaction.atomic

    @contextmanager
    def interrupted_after(using: str) -> Iterator[None]:
        with atomic(using=using):
            yield
        raise Interrupted

    monkeypatch.setattr(transaction, "atomic", interrupted_after)
    swapped = swap("default", incoming)
    monkeypatch.undo()
    assert (swapped.database, swapped.aside is not None) == (committed_db, True)
    assert is_told(committed_db)


def test_an_empty_database_is_not_swapped_in(committed_db: str, incoming: str) -> None:
    create_database(incoming)
    with pytest.raises(BackupError, match=f"^{incoming} holds nothing"):
        swap("default", incoming)


def test_one_that_is_not_there_names_those_that_are(committed_db: str, incoming: str) -> None:
    with pytest.raises(BackupError, match=rf"There is no database nowhere, .* there are: {incoming}\."):
        swap("default", "nowhere")
    with pytest.raises(BackupError, match="is the database in use already"):
        swap("default", committed_db)


@pytest.mark.parametrize("mark", [UNFINISHED, HALF])
def test_one_that_was_not_restored_to_its_end_is_refused(
    server: Any, committed_db: str, incoming: str, mark: str
) -> None:
    server.execute(f"COMMENT ON DATABASE \"{incoming}\" IS '{mark}'")
    with pytest.raises(BackupError, match="was not restored to its end"):
        swap("default", incoming)
    assert not is_told(committed_db)
