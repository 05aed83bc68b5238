"""Each situation of docs/runbook.md is brought about, the page's commands are typed in order, and they print what the
page shows.

WHITECROSS_SHOW=1 with `pytest -s` prints what comes instead of comparing it, to be pasted into the page.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from tests.adoption.conftest import _standing_on, url_of
from tests.conftest import _maintenance, create_database, drop_database
from tests.docs.night import Night, drop_all
from tests.docs.pages import Section, masked, sections, shows
from tests.docs.roles import ROOT, Server, with_roles
from tests.docs.situations import SITUATIONS, fill
from tests.programs import tool

PAGE = (ROOT / "docs" / "runbook.md").read_text()
FIRST, *REST = sections(PAGE)
PREAMBLE = FIRST.commands[0].script

pytestmark = pytest.mark.direct("it ends sessions at the server, and restores")


@pytest.fixture(scope="module")
def release_before(pristine_database: str, django_db_blocker: Any) -> Iterator[str]:
    """A template: a database as a release left it that had some migrations less."""
    name = pristine_database.replace("pristine", "release_before")
    with django_db_blocker.unblock():
        create_database(name, pristine_database)
        with _standing_on(name):
            call_command("migrate", "configuration", "0005", verbosity=0)
        yield name
        drop_database(name)


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the site serves, collected once."""
    folder = tmp_path_factory.mktemp("static")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
        cwd=ROOT,
        env={
            **os.environ,
            "WHITECROSS_ENV": "production",
            "SECRET_KEY": "x" * 50,
            "ALLOWED_HOSTS": "x",
            "DATABASE_URL": "postgresql://x@/x",
            "STATIC_ROOT": str(folder),
        },
        check=True,
    )
    return folder


# Whoever vacuums a catalog deletes the file that a session begins with; the next one writes it anew, or, if the disk
# is full, ends. When that happens is up to autovacuum.
CATALOGS_LEFT_ALONE = """
SET allow_system_table_mods = on;
DO $$
DECLARE catalog regclass;
BEGIN
    FOREACH catalog IN ARRAY ARRAY(
        SELECT oid FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared)
    LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', catalog);
    END LOOP;
END $$
"""


# Those that the databases of a server share: after this autovacuum has nothing to do there for a while.
SHARED_SWEPT = """
VACUUM (ANALYZE) pg_shdepend, pg_authid, pg_auth_members, pg_database, pg_db_role_setting, pg_tablespace,
    pg_parameter_acl
"""


def leave_catalogs_alone(name: str) -> None:
    """Keep autovacuum from the catalogs of a database, so that on a full disk sessions still begin."""
    # The last session writes the file that the others have deleted.
    for statement in (CATALOGS_LEFT_ALONE, SHARED_SWEPT, "SELECT 1"):
        with psycopg.connect(url_of(name), autocommit=True) as there:
            there.execute(statement)


def hand_over(database: str, roles: Server | None) -> None:
    """Make a copy of a template the owner's, and give the others what is theirs."""
    if roles is not None:
        roles.give_to_owner(database)
        if database == roles.name:
            roles.roles()


@contextmanager
def small_disk(folder: Path, name: str, template: str, roles: Server | None) -> Iterator[None]:
    """A disk of 48 MB, with the night's database and one that a restore has kept. Below `folder` it is called disk."""
    with _maintenance() as server:
        row = server.execute(
            "SELECT current_setting('data_directory', true), current_setting('is_superuser')"
        ).fetchone()
        data = Path(row[0] or "") if row else Path()
        if os.geteuid() != 0 or not row or row[1] != "on" or not data.is_dir():
            pytest.skip("to make a disk takes root, and a server on this machine")
        mounted = Path(tempfile.mkdtemp(prefix="wc-disk-"))
        mounted.chmod(0o755)
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=48m", "none", mounted], capture_output=True, check=False
        )
        if made.returncode:
            mounted.rmdir()
            pytest.skip("no disk can be made here")
        try:
            (folder / "disk").symlink_to(mounted)
            owner = data.stat()
            (mounted / "data").mkdir()
            os.chown(mounted / "data", owner.st_uid, owner.st_gid)
            server.execute(f"CREATE TABLESPACE {name}_disk LOCATION '{mounted / 'data'}'")
            for one in (name, f"{name}_before_20261101t013000"):
                server.execute(f"DROP DATABASE IF EXISTS {one} WITH (FORCE)")  # roles.sql has made one
                server.execute(f"CREATE DATABASE {one} TEMPLATE {template} TABLESPACE {name}_disk STRATEGY file_copy")
                hand_over(one, roles)
                leave_catalogs_alone(one)
            yield
        finally:
            drop_all(name)
            server.execute(f"DROP TABLESPACE IF EXISTS {name}_disk")
            subprocess.run(["umount", mounted], check=True)
            mounted.rmdir()


@pytest.mark.parametrize("section", [pytest.param(one, id=one.title) for one in REST if one.commands])
def test_the_commands_of_the_runbook_do_what_it_says(
    section: Section,
    release_before: str,
    pristine_database: str,
    static: Path,
    django_db_blocker: Any,
    tmp_path: Path,
) -> None:
    situation = SITUATIONS[section.title]
    if tool("psql") is None:
        pytest.skip("dbshell needs psql")
    name = pristine_database.replace("pristine", "night")
    templates = {"empty": "template0", "up to date": pristine_database}
    with django_db_blocker.unblock(), ExitStack() as stack:
        roles = stack.enter_context(with_roles(name))
        stack.callback(drop_all, name)
        if "full disk" in situation.on:
            stack.enter_context(small_disk(tmp_path, name, release_before, roles))
        else:
            create_database(name, templates.get(situation.on, release_before))
            hand_over(name, roles)
        connection.close()
        night = Night(name, tmp_path, static, roles)
        seen = stack.enter_context(situation.brought_about(night))
        if seen is not None:
            assert section.symptom is not None
            assert_shows(section.symptom, seen)
        for command in section.commands:
            printed = night.types(PREAMBLE, command.script)
            if command.seen is None:
                assert "(exit code" not in printed, printed
            else:
                assert_shows(command.seen, printed)


def test_a_full_disk_that_lets_nobody_in_says_so_and_a_megabyte_is_enough(
    release_before: str, pristine_database: str, static: Path, django_db_blocker: Any, tmp_path: Path
) -> None:
    name = pristine_database.replace("pristine", "full")
    with (
        django_db_blocker.unblock(),
        with_roles(name) as roles,
        small_disk(tmp_path, name, release_before, roles),
    ):
        night, ballast = Night(name, tmp_path, static, roles), tmp_path / "disk" / "ballast"
        for begins_with in (tmp_path / "disk" / "data").rglob("pg_internal.init"):
            begins_with.unlink()
        fill(ballast)
        reason = r"\(could not write init file: No space left on device\)"
        assert re.fullmatch(
            rf'The database "\S+" at \S.* has no disk space left {reason}; free some on the server and run the command '
            r"again\.\n",
            night.printed("showmigrations"),
        )
        os.truncate(ballast, ballast.stat().st_size - 1_000_000)
        assert "[X] 0001_initial" in night.printed("showmigrations")


def test_each_situation_has_its_section() -> None:
    assert {one.title for one in REST if one.commands} == set(SITUATIONS)


def test_each_line_of_the_table_leads_to_a_section() -> None:
    anchors = {re.sub(r"[^a-z -]", "", one.title.lower()).replace(" ", "-") for one in REST}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("Done in 4.03 s.", "Done in 12 ms.", True),
        ("Done in 4.03 s.", "Failed in 4.03 s.", False),
        ("a\n…\nc", "a\nb\nb\nc", True),
        ("a\n…\nc", "a\nb\nd", False),
        ("a\nc", "a\nb\nc", False),
        ("a … c", "a (whatever) c", True),
        ("core.0003_notify: OK", "core.0003_forget: OK", False),
        ("(exit code 1)", "", False),
    ],
)
def test_what_differs_from_the_page_is_noticed(expected: str, actual: str, same: bool) -> None:
    assert shows(expected, actual) is same


def assert_shows(expected: str, actual: str) -> None:
    """Fail with both, where what came is not what the page shows."""
    if os.environ.get("WHITECROSS_SHOW"):
        print("<<<", expected[:40], actual, ">>>", sep="\n")
        return
    assert shows(expected, actual), f"the page shows\n{expected}\nand this came:\n{actual}\n{masked(actual)}"
