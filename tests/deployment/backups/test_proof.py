"""What a backup proves: no more than a dump carries, or it could never be restored; and no less."""

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from tests.adoption.conftest import url_of
from tests.deployment.backups.archives import rewritten
from tests.deployment.backups.conftest import Made
from tests.deployment.backups.programs import pg_dump_that
from whitecross.deployment.backups import BackupError, make_backup
from whitecross.deployment.backups.comparing import object_differences, row_differences, schema_differences
from whitecross.deployment.backups.connecting import connected
from whitecross.deployment.backups.contents import (
    Contents,
    Sequence,
    catalog_hash,
    measure,
)
from whitecross.deployment.backups.manifest import VERSION, Manifest
from whitecross.deployment.backups.restoring import restore
from whitecross.deployment.backups.verifying import verify

pytestmark = pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")


def execute(*statements: str) -> None:
    """In the database that Django stands on, each for itself."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def restored(path: Path, name: str, server: Any) -> Iterator[str]:
    """The database of that name, restored from a backup; it goes at the end."""
    try:
        restore("default", path, [], into=name)
        yield name
    finally:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_an_index_that_was_never_finished_is_in_no_dump_and_not_missed(
    committed_db: str, server: Any, tmp_path: Path
) -> None:
    execute("CREATE TABLE twice (a int)", "INSERT INTO twice VALUES (1), (1)")
    with psycopg.connect(url_of(committed_db), autocommit=True) as there, pytest.raises(psycopg.Error):
        there.execute("CREATE UNIQUE INDEX CONCURRENTLY never ON twice (a)")
    path = make_backup("default", tmp_path).path
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there:
        found = there.execute("SELECT to_regclass('twice') IS NOT NULL, to_regclass('never')").fetchone()
    assert found == (True, None)


def test_foreign_keys_that_were_switched_off_come_back_switched_on(
    committed_db: str, server: Any, tmp_path: Path
) -> None:
    execute(
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (id int REFERENCES parent)",
        "ALTER TABLE child DISABLE TRIGGER ALL",
    )
    path = make_backup("default", tmp_path).path
    refused = pytest.raises(psycopg.errors.ForeignKeyViolation)
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there, refused:
        there.execute("INSERT INTO child VALUES (1)")


def test_what_a_setting_holds_is_sealed(committed_db: str, identity: Any, tmp_path: Path) -> None:
    execute(f"ALTER DATABASE \"{committed_db}\" SET app.jwt_secret TO 'hush hush'")
    with override_settings(WHITECROSS_BACKUP_RECIPIENTS=[str(identity.to_public())]):
        path = make_backup("default", tmp_path).path
    assert b"hush" not in path.read_bytes()
    sound = verify(path, [identity])
    assert sound.manifest.settings == [[None, "app.jwt_secret", "hush hush"]]
    assert "hush" not in json.dumps(sound.as_json())


def test_a_backup_of_the_first_format_is_read_restored_and_its_settings_shown_to_nobody(
    made: Made, server: Any, tmp_path: Path, committed_db: str
) -> None:
    setting = [None, "app.jwt_secret", "hush hush"]

    def manifest(facts: dict[str, Any]) -> None:
        facts.update(version=1, settings=[*verify(made.plain, []).manifest.settings, setting])
        for name in ("server_id", "notes"):
            del facts[name]

    def contents(facts: dict[str, Any]) -> None:
        for name in ("settings", "schema", "catalog", "also"):
            del facts[name]
        for one in facts["sequences"].values():
            del one["begins"]

    path = rewritten(made.plain, tmp_path / "one", "manifest.json", manifest)
    path = rewritten(path, tmp_path / "first", "contents.json", contents)
    sound = verify(path, [])
    assert setting in sound.manifest.settings
    assert "hush" not in json.dumps(sound.as_json())
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there:
        assert there.execute("SHOW app.jwt_secret").fetchone() == ("hush hush",)


def test_whoever_adds_a_field_to_the_manifest_raises_its_version() -> None:
    names = (
        "created database server server_number pg_dump recipients catalog_hash migrations rows tables dump_bytes owner "
        "locale settings grants roles server_id notes"
    )
    assert (VERSION, {one.name for one in fields(Manifest)}) == (2, set(names.split()))


def test_a_newer_pg_dump_is_refused_as_pg_restore_could_not_read_what_it_writes(
    committed_db: str, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 99.1'\n")
        (folder / name).chmod(0o755)
    major = connection.pg_version // 10000  # type: ignore[attr-defined]
    wanted = rf"there is no pg_dump and pg_restore {major} .* \(found: 99.1\); install postgresql-client-{major}"
    with override_settings(WHITECROSS_PG_BIN=str(folder)), pytest.raises(BackupError, match=wanted):
        make_backup("default", tmp_path / "backups")


def meanwhile(committed_db: str, statement: str, folder: Path) -> AbstractContextManager[Path]:
    """Somebody else's statement, which comes between the backup's first look and pg_dump's."""
    return pg_dump_that(
        f"import psycopg; psycopg.connect({url_of(committed_db)!r}, autocommit=True).execute({statement!r})", folder
    )


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'", r" \(function body: one\(\)\)"),
        ("ALTER INDEX an_index RENAME TO another", ".*"),
        ("DROP FUNCTION one()", ""),
    ],
)
def test_a_schema_that_is_changed_meanwhile_fails_the_backup(
    committed_db: str, tmp_path: Path, statement: str, words: str
) -> None:
    execute(
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE ours (a int)",
        "CREATE INDEX an_index ON ours (a)",
    )
    wanted = rf"The schema of {committed_db} was changed while it was backed up{words}; run the command again .* left"
    with meanwhile(committed_db, statement, tmp_path / "bin"), pytest.raises(BackupError, match=wanted):
        make_backup("default", tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_sequences_whose_next_number_was_set_come_back_so(committed_db: str, server: Any, tmp_path: Path) -> None:
    execute(
        "CREATE SEQUENCE begun",
        "SELECT setval('begun', 500, false)",
        "CREATE SEQUENCE down INCREMENT -1",
        "SELECT setval('down', -70, false)",
    )
    path = make_backup("default", tmp_path).path
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there:
        assert there.execute("SELECT nextval('begun'), nextval('down')").fetchone() == (500, -70)


def test_a_sequence_that_is_set_back_meanwhile_makes_no_backup_that_cannot_be_restored(
    committed_db: str, server: Any, tmp_path: Path
) -> None:
    execute("CREATE SEQUENCE ours", "SELECT setval('ours', 500)")
    with meanwhile(committed_db, "SELECT setval('ours', 7)", tmp_path / "bin"):
        path = make_backup("default", tmp_path).path
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there:
        assert there.execute("SELECT nextval('ours')").fetchone() == (8,)


@pytest.mark.parametrize(
    ("was", "found", "behind"),
    [
        (Sequence(None, True, 500), Sequence(None, True, 1), True),
        (Sequence(None, True, 500), Sequence(None, True, 500), False),
        (Sequence(None, True, 500), Sequence(499, True), False),  # the next is 500
        (Sequence(None, False, -70), Sequence(-3, False), True),
        (Sequence(7, True), Sequence(None, True, 7), True),
        (Sequence(7, True), Sequence(None, True, 8), False),
        (Sequence(7, True), Sequence(9, True), False),
        (Sequence(7, True), Sequence(6, True), True),
        (Sequence(None, True), Sequence(None, True, 1), False),  # an older backup
        (Sequence(7, True), Sequence(None, True), True),
    ],
)
def test_a_sequence_that_would_give_a_number_again_is_behind(was: Sequence, found: Sequence, *, behind: bool) -> None:
    said = row_differences(Contents(sequences={"s": was}), Contents(sequences={"s": found}))
    assert said == (["sequence s is behind"] if behind else [])


def test_in_what_a_schema_differs_is_named(committed_db: str, tmp_path: Path) -> None:
    path = make_backup("default", tmp_path).path
    contents = verify(path, []).contents
    assert contents is not None
    execute("SET search_path TO pg_catalog")  # as in a database for which another one was set
    assert schema_differences(contents, connection) == []
    assert catalog_hash(connection, contents.schema) == verify(path, []).manifest.catalog_hash
    execute(
        "SET search_path TO public",
        "CREATE TABLE zebras (a int)",
        "ALTER TABLE students ADD COLUMN stripes int",
    )
    assert schema_differences(contents, connection) == [
        "column extra: students.stripes",
        "table zebras is there and should not be",
    ]
    execute("DROP FUNCTION uuidv7() CASCADE")  # the default of many a column
    said = schema_differences(contents, connection)
    assert said[0] == "function missing: uuidv7()"
    assert len(said) == 6
    assert said[5].endswith(" more in the schema")
    assert schema_differences(Contents(), connection) == []  # an older backup


EVERYTHING = (
    "CREATE SCHEMA other",
    "CREATE TABLE other.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text CHECK (a <> ''), b serial UNIQUE)",
    "CREATE VIEW other.v AS SELECT a FROM other.t",
    "CREATE MATERIALIZED VIEW other.m AS SELECT a FROM other.t",
    "CREATE INDEX ON other.m (a)",
    "CREATE INDEX ON other.t (lower(a))",
    "CREATE FUNCTION other.f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE AGGREGATE other.total (int) (SFUNC = int4pl, STYPE = int)",
    "CREATE PROCEDURE other.p() LANGUAGE sql AS ''",
    "CREATE FUNCTION other.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
    "CREATE TRIGGER g BEFORE INSERT ON other.t FOR EACH ROW EXECUTE FUNCTION other.g()",
    "CREATE RULE r AS ON DELETE TO other.t DO INSTEAD NOTHING",
    "CREATE POLICY p ON other.t USING (true)",
    "CREATE STATISTICS other.s ON a, b FROM other.t",
    "CREATE DOMAIN other.d AS text NOT NULL CONSTRAINT short CHECK (length(value) < 9)",
    "CREATE TYPE other.e AS ENUM ('a', 'b')",
    "CREATE TYPE other.r AS RANGE (subtype = int)",
    "CREATE TYPE other.c AS (a int, b other.e[])",
    'CREATE COLLATION other.l FROM "C"',
    "CREATE OPERATOR other.<=> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl, COMMUTATOR = OPERATOR(other.<=>))",
    "CREATE TABLE other.parted (id int, day date, t int REFERENCES other.t, PRIMARY KEY (id, day))"
    " PARTITION BY RANGE (day)",
    "CREATE TABLE other.part PARTITION OF other.parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "CREATE TABLE other.rest PARTITION OF other.parted DEFAULT",
    "CREATE TABLE other.refers (id int, day date, FOREIGN KEY (id, day) REFERENCES other.parted)",
    "CREATE INDEX ON other.parted (t)",
    "CREATE TRIGGER g BEFORE INSERT ON other.parted FOR EACH ROW EXECUTE FUNCTION other.g()",
    "CREATE TABLE other.base (a int CONSTRAINT positive CHECK (a > 0))",
    "CREATE TABLE other.heir (b int) INHERITS (other.base)",
    "CREATE UNLOGGED TABLE other.fleeting (a int)",
    "CREATE FOREIGN DATA WRAPPER nothing",
    "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing",
    "CREATE FOREIGN TABLE other.far (a int) SERVER nowhere",
    "COMMENT ON SCHEMA other IS 'of others'",
    "COMMENT ON COLUMN other.t.a IS 'what it is'",
    "COMMENT ON CONSTRAINT positive ON other.base IS 'why'",
    "COMMENT ON CONSTRAINT positive ON other.heir IS 'in no dump'",
    "COMMENT ON FUNCTION other.f(int, text[]) IS 'what it does'",
    "COMMENT ON INDEX other.t_pkey IS 'the key'",
    "COMMENT ON TYPE other.c IS 'two'",
    "COMMENT ON TRIGGER g ON other.t IS 'when'",
    "GRANT USAGE ON SCHEMA other TO pg_monitor WITH GRANT OPTION",
    "GRANT ALL ON other.t TO pg_monitor",
    "GRANT SELECT (a), UPDATE (a) ON other.v TO PUBLIC",
    "GRANT USAGE ON SEQUENCE other.t_b_seq TO pg_monitor",
    "REVOKE EXECUTE ON FUNCTION other.f(int, text[]) FROM PUBLIC",
    "REVOKE USAGE ON TYPE other.r FROM PUBLIC",
    "GRANT USAGE ON TYPE other.d TO pg_monitor",
    "GRANT SELECT ON other.base TO pg_monitor",
    "REVOKE SELECT ON other.base FROM pg_monitor",
    "ALTER TABLE other.base OWNER TO pg_database_owner",
    "ALTER FUNCTION other.f(int, text[]) OWNER TO pg_monitor",
    "ALTER TYPE other.r OWNER TO pg_monitor",
    "ALTER TYPE other.c OWNER TO pg_monitor",
    "SELECT lo_from_bytea(0, 'abc')",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT USAGE ON SEQUENCES TO pg_monitor WITH GRANT OPTION",
    "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
)


def test_of_all_that_a_database_can_hold_nothing_is_missed_that_came_back(
    committed_db: str, server: Any, tmp_path: Path
) -> None:
    execute(*EVERYTHING)
    path = make_backup("default", tmp_path).path
    wanted = verify(path, []).contents
    assert wanted is not None
    assert wanted.also is not None
    with restored(path, f"{committed_db}_back", server) as name, connected("default", name) as there:
        with there.cursor() as cursor:
            found = measure(cursor)
        assert row_differences(wanted, found) == []
        assert object_differences(wanted, found, owner=True, privileges=True) == []
        assert schema_differences(wanted, there) == []
    assert {"views", "types", "rules", "statistics", "operators"} < wanted.also.keys()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP VIEW other.v", "there are 0 views instead of 1"),
        ("ALTER VIEW other.v RENAME TO w", "the 1 views are others than there were"),
        ("DROP INDEX other.t_lower_idx", r"there are \d+ indexes instead of \d+"),
        ("ALTER TABLE other.t DROP CONSTRAINT t_a_check", r"there are \d+ constraints instead of \d+"),
        ("ALTER DOMAIN other.d DROP CONSTRAINT short", r"there are \d+ constraints instead of \d+"),
        ("CREATE OR REPLACE PROCEDURE other.p() LANGUAGE sql AS 'SELECT 1'", r"the \d+ functions are others than .*"),
        ("COMMENT ON COLUMN other.t.a IS NULL", r"there are \d+ comments instead of \d+"),
        ("SELECT lo_from_bytea(0, 'more')", "there are 2 large objects instead of 1"),
        ("DROP EXTENSION plpgsql CASCADE", "extension plpgsql is missing"),
        ("SELECT setval('other.t_b_seq', 1, false)", "sequence other.t_b_seq is behind"),
        ("GRANT DELETE ON other.v TO pg_monitor", r"there are \d+ grants instead of \d+"),
        (
            "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM pg_monitor",
            r"there are \d+ default privileges instead of \d+",
        ),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT USAGE ON SEQUENCES TO PUBLIC",
            r"there are \d+ default privileges instead of \d+",
        ),
        ("ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC", r"there are \d+ default privileges .*"),
        ("ALTER VIEW other.v OWNER TO pg_monitor", r"the \d+ owners are others than there were"),
    ],
)
def test_what_did_not_come_back_is_named(committed_db: str, statement: str, words: str) -> None:
    execute(*EVERYTHING, "SELECT setval('other.t_b_seq', 7)")
    with connection.cursor() as cursor:
        wanted = measure(cursor)
        cursor.execute(statement)
        found = measure(cursor)
    said = row_differences(wanted, found) + object_differences(wanted, found, owner=True, privileges=True)
    assert any(re.fullmatch(words, one) for one in said), said
    of_no_concern = r" (grants|owners|default privileges) " if re.search("OWNER|GRANT|PRIVILEGES", statement) else "$."
    assert not any(re.search(of_no_concern, one) for one in object_differences(wanted, found))


def test_what_pg_dump_warns_of_is_told(committed_db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "pg_dump: warning: a thing\\npg_dump: detail: of it\\nWARNING:  another\\n"
    folder = tmp_path / "backups"
    with pg_dump_that(f"sys.stderr.write('{said}')", tmp_path / "bin"):
        call_command("backup", folder=folder)
    printed = " ".join(capsys.readouterr().out.split())
    assert "warning of pg_dump: a thing detail: of it warning of pg_dump: another" in printed
    (path,) = folder.iterdir()
    assert verify(path, []).manifest.notes == ["a thing detail: of it", "another"]
