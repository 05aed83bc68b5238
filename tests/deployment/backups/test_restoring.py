"""Restoring: every row, the schema, and what stands in no dump; or a sentence, and nothing is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyrage  # type: ignore[import-untyped]
import pytest
from django.db import connection

from core.schema.verify import verify as verify_schema
from tests.adoption.conftest import _standing_on, url_of
from tests.conftest import create_database
from tests.deployment.backups.archives import manifest, rewritten, write_archive
from tests.deployment.backups.conftest import Made, every_row, names_of
from whitecross.deployment.backups import BackupError, applying, databases, make_backup, pg_restore, restoring
from whitecross.deployment.backups.connecting import connected, maintenance
from whitecross.deployment.backups.databases import UNFINISHED
from whitecross.deployment.backups.rehearsing import rehearse
from whitecross.deployment.backups.restoring import Choices, restore
from whitecross.deployment.backups.sealing import new_identity

pytestmark = pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")


def of_the_database(server: Any, name: str) -> tuple[Any, ...]:
    """What a dump leaves out: locale, owner, grants and settings."""
    found = server.execute(
        "SELECT encoding, datlocprovider, datcollate, datctype, datdba,"
        " ARRAY(SELECT acl::text FROM unnest(datacl) AS acl ORDER BY 1),"
        " (SELECT setconfig FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0)"
        " FROM pg_database d WHERE datname = %s",
        [name],
    ).fetchone()
    assert found is not None
    return tuple(found)


def test_everything_comes_back(made: Made, server: Any, committed_db: str) -> None:
    name = f"{committed_db}_back"
    restored = restore("default", made.encrypted, [made.identity], into=name)
    try:
        assert every_row(name) == every_row(made.database)
        assert of_the_database(server, name) == of_the_database(server, made.database)
        assert [note for note in restored.notes if not note.startswith("dropped, ")] == []
        with _standing_on(name):
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE awkward")
            report = verify_schema("default")
            assert report.ok, report.differences
        with psycopg.connect(url_of(name)) as there, pytest.raises(psycopg.Error, match="configuration_history"):
            there.execute("TRUNCATE configuration_history")
        with psycopg.connect(url_of(name)) as there:
            there.execute("INSERT INTO django_content_type (app_label, model) VALUES ('a', 'b')")  # sequences go on
    finally:
        connection.close()
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def comment_on(server: Any, name: str) -> str:
    """What is said of a database."""
    found = server.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    return str(found[0]) if found else ""


def refuse_to_end() -> None:
    """As whoever presses Ctrl-C."""
    raise KeyboardInterrupt


def test_into_an_empty_database_too_and_with_a_table_of_contents_too_long_to_keep(
    made: Made, server: Any, empty_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pg_restore, "TOC_AT_MOST", 1)
    with monkeypatch.context() as breaking:
        breaking.setattr(restoring, "_prove", lambda *args: refuse_to_end())
        with pytest.raises(KeyboardInterrupt):
            restore("default", made.plain, [], into=empty_db)
    assert comment_on(server, empty_db) == databases.HALF  # so that nobody swaps it in
    create_database(empty_db)
    restored = restore("default", made.plain, [], into=empty_db)
    assert comment_on(server, empty_db).startswith(restoring.FINISHED)
    assert restored.rows == restored.manifest.rows
    with pytest.raises(BackupError, match=f"The database {empty_db} is not empty, and a restore never goes over"):
        restore("default", made.plain, [], into=empty_db)
    assert empty_db in names_of(server)


def refused(made: Made, server: Any, words: str, path: Path, keys: list[Any], **more: Any) -> None:
    """That a restore is refused in a sentence, and leaves no database."""
    before = names_of(server)
    with pytest.raises(BackupError) as error:
        restore("default", path, keys, into=f"{made.database}_refused", **more)
    assert words in str(error.value)
    assert str(error.value).endswith(".")
    assert names_of(server) == before


def test_without_the_key_or_with_another_nothing_is_restored(made: Made, server: Any) -> None:
    refused(made, server, "is encrypted; name the file that holds the identity", made.encrypted, [])
    another = pyrage.x25519.Identity.from_str(new_identity()[0])
    refused(made, server, "is encrypted for another key than the one given", made.encrypted, [another])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"server_number": 990001}, "is of PostgreSQL 99 and this server is"),
        (
            {"migrations": ["core.9999_of_tomorrow"]},
            "a newer White Cross, which has the migration core.9999_of_tomorrow",
        ),
        ({"roles": ["nobody at all"]}, "needs roles that this server does not have: nobody at all;"),
        ({"recipients": ["age1"]}, "is damaged"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_manifest_that_does_not_fit_is_refused(
    made: Made, server: Any, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = rewritten(made.plain, tmp_path / "other", "manifest.json", lambda facts: facts.update(change))
    refused(made, server, words, path, [])


def test_what_is_not_as_it_was_is_noticed(made: Made, server: Any, tmp_path: Path) -> None:
    def other_rows(facts: dict[str, Any]) -> None:
        facts["tables"]["public.awkward"]["rows"] += 1
        facts["tables"]["public.students"]["checksum"] = "0" * 16
        facts["sequences"]["public.django_migrations_id_seq"]["last"] += 1000
        facts["tables"]["public.zebras"] = {"rows": 0, "checksum": "0" * 16}

    path = rewritten(made.plain, tmp_path / "other rows", "contents.json", other_rows)
    path = rewritten(path, tmp_path / "other", "manifest.json", lambda facts: facts.update(catalog_hash="0"))
    refused(
        made,
        server,
        "What came from other is not what was backed up (table public.awkward has 2 rows instead of 3; table "
        "public.students has other values in its 50 rows; table public.zebras is missing, and 2 more)",
        path,
        [],
    )


def test_damage_is_refused_before_anything_is_made(made: Made, server: Any, tmp_path: Path) -> None:
    data = bytearray(made.encrypted.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "damaged"
    path.write_bytes(data)
    refused(made, server, "is damaged", path, [made.identity])


def test_a_dump_that_pg_restore_refuses_leaves_no_database(made: Made, server: Any, tmp_path: Path) -> None:
    said = manifest(server_number=connection.pg_version)  # type: ignore[attr-defined]
    path = write_archive(tmp_path / "broken", b"PGDMP" + b"\x01\x0e\x00 not a dump" * 1000, said)
    refused(made, server, "cannot restore broken (", path, [])


def test_a_role_that_may_not_create_databases_is_told_so(made: Made, server: Any, committed_db: str) -> None:
    server.execute(f'CREATE ROLE "{committed_db}_plain" LOGIN')
    options = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = {**options, "options": f"-c role={committed_db}_plain"}
    try:
        refused(made, server, "may not create databases; let a superuser say ALTER ROLE", made.plain, [])
    finally:
        connection.settings_dict["OPTIONS"] = options
        server.execute(f'DROP ROLE "{committed_db}_plain"')


def test_a_rehearsal_leaves_nothing_and_clears_what_a_killed_one_has_left(
    made: Made, server: Any, committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "UNFINISHED", "of this test")  # so that no restore beside it drops them
    before = names_of(server)
    killed, alive = (f"{committed_db}_restoring_20260302t12000{number}" for number in range(2))
    for name in (killed, alive):
        create_database(name)
        server.execute(f"COMMENT ON DATABASE \"{name}\" IS 'of this test'")
    with psycopg.connect(url_of(alive)):
        rehearsal = rehearse("default", made.plain, [], choices=Choices(jobs=1))
        assert names_of(server) == before | {alive}
    server.execute(f'DROP DATABASE "{alive}"')
    assert rehearsal.restored.rows == rehearsal.restored.manifest.rows
    assert set(rehearsal.restored.seconds) == {"verify", "rows", "indexes", "analyze", "compare"}
    assert rehearsal.as_json()["ok"] is True
    assert any(killed in note for note in rehearsal.restored.notes)


def test_what_bears_a_name_in_use_is_never_dropped(made: Made, server: Any, committed_db: str) -> None:
    """However it is marked: an older version restored under the name in use, and was killed before it said so."""
    named = f"{committed_db}_in_use"
    create_database(named)
    try:
        server.execute(f"COMMENT ON DATABASE \"{named}\" IS '{UNFINISHED}'")
        rehearse("default", made.plain, [], choices=Choices(jobs=1))
        assert named in names_of(server)
    finally:
        server.execute(f'DROP DATABASE "{named}"')


def test_until_it_is_proven_it_does_not_bear_its_name(
    made: Made, server: Any, committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody begins to use it, and then loses it: also where that is the name of the application's database."""
    into, seen = f"{committed_db}_lost", list[str]()
    prove = restoring._prove

    def look(*args: Any) -> Any:
        seen.extend(names_of(server))
        return prove(*args)

    monkeypatch.setattr(restoring, "_prove", look)
    restore("default", made.plain, [], into=into)
    try:
        assert into not in seen
        assert any(name.startswith(f"{into}_restoring_") for name in seen)
        assert into in names_of(server)
        assert not [name for name in names_of(server) if "_restoring_" in name]
    finally:
        server.execute(f'DROP DATABASE "{into}"')


@pytest.mark.parametrize("scratch", [False, True])
def test_a_second_restore_drops_nothing_of_the_first_whenever_it_begins(
    scratch: bool, made: Made, server: Any, committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time the first has opened or closed a connection, the second looks for what a killed one has left."""
    monkeypatch.setattr(databases, "UNFINISHED", f"of {committed_db}")  # so that none but this one's is found
    into = f"{committed_db}_first"
    looked = list[list[str]]()

    @contextmanager
    def watched(alias: str, database: str) -> Iterator[Any]:
        with connected(alias, database) as there:
            yield there
        with maintenance(alias) as second:
            looked.append(databases.drop_unfinished(second))

    monkeypatch.setattr(restoring, "connected", watched)
    try:
        restore("default", made.plain, [], into=into, scratch=scratch)
        assert len(looked) > 1
        # A scratch one never counts as finished, and by the last look it is proven, and about to be dropped.
        assert not any(looked[:-1] if scratch else looked)
    finally:
        server.execute(f'DROP DATABASE IF EXISTS "{into}"')


def test_where_only_the_schema_differs_the_rows_are_kept(
    made: Made, server: Any, committed_db: str, tmp_path: Path
) -> None:
    path = rewritten(made.plain, tmp_path / "other", "manifest.json", lambda facts: facts.update(catalog_hash="0" * 64))
    into, before = f"{committed_db}_kept", names_of(server)
    with pytest.raises(BackupError, match=rf"Every row of other is in {into} as it was, but not the schema") as refusal:
        restore("default", path, [], into=into)
    try:
        assert f"manage.py restore --swap-in {into}" in str(refusal.value)
        assert names_of(server) == before | {into}
        assert comment_on(server, into).startswith(restoring.DIFFERS)
        with pytest.raises(BackupError, match="came back as it was, but not the schema"):
            rehearse("default", path, [], choices=Choices(jobs=1))
        assert names_of(server) == before | {into}
    finally:
        server.execute(f'DROP DATABASE "{into}"')


def test_a_setting_of_the_database_itself_does_not_stand_in_the_way_of_the_proof(
    committed_db: str, server: Any, tmp_path: Path
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.one (id integer)")
    server.execute(f"ALTER DATABASE {committed_db} SET search_path = elsewhere, public")
    connection.close()
    # As before a move to another server, so that nothing is written after the last backup.
    server.execute(f"ALTER DATABASE {committed_db} SET default_transaction_read_only = on")
    connection.close()
    path, into = make_backup("default", tmp_path).path, f"{committed_db}_moved"
    rehearse("default", path, [], choices=Choices(jobs=1))
    restore("default", path, [], into=into, choices=Choices(jobs=1))
    assert comment_on(server, into).startswith(restoring.FINISHED)
    server.execute(f'DROP DATABASE "{into}"')


def test_a_rehearsal_whose_copy_stays_is_no_success(
    made: Made, server: Any, committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "UNFINISHED", "of a test")  # so that no other restore drops it
    dropped = databases.try_to_drop
    monkeypatch.setattr(databases, "try_to_drop", lambda *args: False)
    with pytest.raises(BackupError, match="holds a copy of the records and could not be dropped") as refusal:
        rehearse("default", made.plain, [], choices=Choices(jobs=1))
    (left,) = [name for name in names_of(server) if "_rehearsal_" in name]
    assert left in str(refusal.value)
    assert dropped("default", left)


def test_a_value_of_a_setting_that_cannot_be_set_is_not_shown() -> None:
    statement = applying._setting("whitecross", None, "app.secret", "s3cret TO nobody")
    assert "s3cret" in statement
    assert applying._without_value(statement) == 'ALTER DATABASE "whitecross" SET "app"."secret"'
    assert applying._without_value("GRANT CREATE ON DATABASE a TO b") == "GRANT CREATE ON DATABASE a TO b"
