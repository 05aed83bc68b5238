"""Extensions that only a superuser may create: the role that owns the database restores the rest all the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.deployment.backups.conftest import names_of
from whitecross.deployment.backups import BackupError, make_backup
from whitecross.deployment.backups.extensions import without
from whitecross.deployment.backups.rehearsing import rehearse
from whitecross.deployment.backups.restoring import Choices

pytestmark = pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")

# The one that doctor looks for, and one that whoever owns a database may create.
MADE = "CREATE EXTENSION pg_stat_statements; COMMENT ON EXTENSION pg_stat_statements IS 'ours'; CREATE EXTENSION hstore"
PLAIN = Choices(owner=False, privileges=False)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def as_an_owner(server: Any, committed_db: str) -> Iterator[dict[str, Any]]:
    """Options of a connection by which a role is no superuser, and may create databases."""
    role = f"{committed_db}_owner"
    server.execute(f'CREATE ROLE "{role}" CREATEDB')
    given = connection.settings_dict["OPTIONS"]
    yield {**given, "options": f"{given.get('options') or ''} -c role={role}"}
    connection.settings_dict["OPTIONS"] = given
    server.execute(f'DROP ROLE "{role}"')


def test_it_is_left_out_and_told_where_the_role_may_not_create_it(
    as_an_owner: dict[str, Any], server: Any, committed_db: str, tmp_path: Path
) -> None:
    run(MADE)
    path = make_backup("default", tmp_path).path
    before = names_of(server)
    assert rehearse("default", path, []).restored.notes == []
    connection.settings_dict["OPTIONS"] = as_an_owner
    said = [note for note in rehearse("default", path, [], choices=PLAIN).restored.notes if "dropped" not in note]
    assert said == [
        "without the extension pg_stat_statements, which only a superuser may create: "
        'CREATE EXTENSION "pg_stat_statements"'
    ]
    assert names_of(server) == before


def test_what_needs_it_makes_it_a_sentence_that_names_it(
    as_an_owner: dict[str, Any], committed_db: str, tmp_path: Path
) -> None:
    run(MADE)
    run("CREATE VIEW slow AS SELECT count(*) FROM pg_stat_statements")
    path = make_backup("default", tmp_path).path
    connection.settings_dict["OPTIONS"] = as_an_owner
    with pytest.raises(
        BackupError, match=r"without pg_stat_statements \(relation .* does not exist\); .* restore as a superuser, and"
    ):
        rehearse("default", path, [], choices=PLAIN)


def test_the_list_of_a_dump_loses_an_extension_and_the_comment_on_it_alone() -> None:
    kept = (
        ";\n; Archive created\n;\n4; 3079 16390 EXTENSION - hstore \n"
        "226; 1259 16400 TABLE public EXTENSION - pg_trgm postgres\n"
    )
    gone = (
        '2; 3079 16384 EXTENSION - uuid-ossp \n5000; 0 0 COMMENT - EXTENSION "uuid-ossp" \n'
        "3; 3079 16385 EXTENSION - pg_trgm \n5001; 0 0 COMMENT - EXTENSION pg_trgm \n"
    )
    assert without(kept + gone, ["uuid-ossp", "pg_trgm"]) == kept
