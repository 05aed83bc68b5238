"""Roles with few rights, and names that somebody else uses."""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import connection

from tests.adoption import predecessor
from tests.adoption.command.running import REPORT, SECRET, Dump, Ended, adopt, counts
from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, url_of, value


@dataclass(frozen=True)
class Role:
    """A role of the server's that is no superuser, and its URL for the database on which Django stands."""

    name: str
    url: str

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Django connects as this role."""
        facts, parameters = connection.settings_dict, connection.get_connection_params()
        before = {key: facts[key] for key in ("USER", "PASSWORD", "EMBEDDED", "HOST", "PORT")}
        connection.close()
        place = {"HOST": parameters.get("host") or "", "PORT": str(parameters.get("port") or "")}
        facts |= {"USER": self.name, "PASSWORD": SECRET, "EMBEDDED": None, **place}
        try:
            yield
        finally:
            connection.close()
            facts |= before

    def owns(self, schema: str = "public") -> None:
        """Make it the owner of the predecessor's tables and types."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT format('ALTER TABLE %%I.%%I OWNER TO %%I', schemaname, tablename, %(role)s)"
                " FROM pg_tables WHERE schemaname = %(schema)s"
                " UNION ALL SELECT format('ALTER TYPE %%I.%%I OWNER TO %%I', %(schema)s, typname, %(role)s)"
                " FROM pg_type WHERE typnamespace = %(schema)s::regnamespace AND typtype = 'e'",
                {"role": self.name, "schema": schema},
            )
            statements = [statement for (statement,) in cursor.fetchall()]
        execute(*statements)


@pytest.fixture
def role(legacy: Legacy) -> Iterator[Role]:
    """A role without any right in a database of the predecessor's, on which Django stands."""
    database = legacy.in_place(3)
    name = f"{database}_role"
    if not value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        pytest.skip("only a superuser makes roles here")
    execute(f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    yield Role(name, re.sub(r"//[^@]*@", f"//{name}:{SECRET}@", url_of(database)))
    execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER", f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def in_the_way(ended: Ended) -> list[str]:
    assert ended.code == 1
    return [line.removeprefix("In the way: ") for line in ended.out.splitlines() if line.startswith("In the way: ")]


def test_a_role_without_rights_gets_a_plan_that_says_which_it_needs(role: Role, dump: Dump) -> None:
    name = str(connection.settings_dict["NAME"])
    execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role.name}")
    before = dump(name)
    with role.connected():
        plan, done = adopt("--plan"), adopt("--yes")
    assert in_the_way(plan) == in_the_way(done)
    *grants, owner = in_the_way(plan)
    assert grants == [
        f'{role.name} may not make a schema: GRANT CREATE ON DATABASE "{name}" TO {role.name}.',
        f'{role.name} may not make tables: GRANT CREATE ON SCHEMA "public" TO {role.name}.',
    ]
    assert owner.startswith(f"{role.name} does not own allergies, ")
    assert owner.endswith(": run this as their owner.")
    assert dump(name) == before
    execute(*(grant.partition(": ")[2].rstrip(".") for grant in grants))
    with role.connected():
        assert in_the_way(adopt("--plan")) == [owner]
    with on_a_database_of_its_own("template0"):
        assert adopt("--plan", "--source", role.url).code == 0, "of a source it only reads"


def test_a_source_that_the_role_may_not_read_is_a_sentence(role: Role) -> None:
    with on_a_database_of_its_own("template0"):
        ended = adopt("--plan", "--source", role.url)
    assert (ended.code, ended.out) == (1, "")
    assert ended.said.startswith("The database of --source, ")
    assert "permission denied for table" in ended.said
    assert SECRET not in ended.said


def test_the_owner_of_the_database_adopts_without_being_a_superuser(role: Role, dump: Dump) -> None:
    name = str(connection.settings_dict["NAME"])
    role.owns()
    execute(f'ALTER DATABASE "{name}" OWNER TO {role.name}')
    before = dump(name)
    with role.connected():
        report = adopt("--yes", "--json")
        assert report.json.keys() == REPORT
        assert report.json["by"] == role.name
        assert value("SELECT count(*) FROM students") == 60
        assert adopt("--undo", "--yes").err == ""
    assert dump(name) == before


def test_the_grant_that_a_plan_asks_for_can_be_run_as_it_stands(role: Role) -> None:
    execute(f'ALTER ROLE {role.name} RENAME TO "{role.name}-2"')
    try:
        execute(f"""ALTER ROLE "{role.name}-2" PASSWORD '{SECRET}'""")
        execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{role.name}-2"')
        with dataclasses.replace(role, name=f"{role.name}-2").connected():
            grant, *_ = in_the_way(adopt("--plan"))
        execute(grant.partition(": ")[2].rstrip("."))
    finally:
        execute(f'ALTER ROLE "{role.name}-2" RENAME TO {role.name}')


def needed(what: str) -> str:
    return f"the {what} bears a name that White Cross needs: rename it."


def test_what_bears_a_name_that_is_needed_is_in_the_way(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    execute(
        "CREATE TABLE auth_group (id int)",
        "CREATE VIEW knox_authtoken AS SELECT 1 AS one",
        "CREATE SEQUENCE django_migrations_id_seq",
        "CREATE TABLE lunches (id int)",
        "CREATE INDEX users_name_idx ON lunches (id)",
        "CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    )
    before = dump(name)
    plan, done = adopt("--plan"), adopt("--yes")
    assert in_the_way(done) == in_the_way(plan)
    assert set(in_the_way(plan)) == {
        needed("table auth_group"),
        needed("view knox_authtoken"),
        needed("sequence django_migrations_id_seq"),
        needed("index users_name_idx"),
        needed("function set_updated_at()"),
    }
    assert "note: unknown table lunches: stays where it is, untouched" in plan.out
    assert dump(name) == before
    with on_a_database_of_its_own("template0"):
        assert adopt("--plan", "--source", url_of(name)).code == 0, "there it stands in nobody's way"


def test_any_type_that_bears_a_needed_name_is_in_the_way(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute('CREATE DOMAIN "FollowUpStatus" AS text', 'CREATE TABLE "AllergyType" (id int)')
    named = " ".join(in_the_way(adopt("--plan")))
    assert "FollowUpStatus" in named
    assert "AllergyType" in named


def test_the_way_back_drops_nothing_that_somebody_else_made(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    execute('CREATE DOMAIN "FollowUpStatus" AS text')
    before = dump(name)
    adopt("--yes")
    adopt("--undo", "--yes")
    assert dump(name) == before


@pytest.mark.direct("says its search_path at the start of the connection, in options")
def test_tables_in_another_schema_come_over_where_it_is_the_first_of_the_search_path(empty_db: str, dump: Dump) -> None:
    execute("CREATE SCHEMA nurse", "SET search_path = nurse")
    with connection.cursor() as cursor:
        predecessor.create(cursor, 3)
        predecessor.fill(cursor, 3)
    execute(f'ALTER DATABASE "{empty_db}" SET search_path = public, nurse')
    connection.close()
    before = dump(empty_db)
    assert in_the_way(adopt("--plan")) == [
        "the tables stand in the schema nurse, which is not the first of the search_path."
    ]
    assert in_the_way(adopt("--yes")) == in_the_way(adopt("--plan"))
    assert dump(empty_db) == before
    with on_a_database_of_its_own("template0"):
        assert adopt("--plan", "--source", url_of(empty_db)).code == 0
    execute(f'ALTER DATABASE "{empty_db}" SET search_path = nurse')
    connection.close()
    assert adopt("--yes").err == ""
    assert counts("nurse", state=3) == counts("whitecross_legacy", state=3)
    assert adopt("--undo", "--yes").err == ""
    execute(f'ALTER DATABASE "{empty_db}" SET search_path = public, nurse')
    connection.close()
    assert dump(empty_db) == before
