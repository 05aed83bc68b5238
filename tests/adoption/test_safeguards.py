"""What an adoption refuses, leaves alone or names, whatever else stands in the database."""

import io
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from configuration.editing import save
from configuration.models import SystemConfiguration
from tests.adoption.conftest import Legacy, execute, url_of, value
from tests.adoption.test_roads import adopt_from, adopt_in_place, is_as_a_fresh_migrate_leaves_it, undo
from tests.conftest import _let_go_of, _maintenance, drop_database
from whitecross.adoption import moving, undoing
from whitecross.adoption.adopting import RefusedError, StateError
from whitecross.adoption.planning import Choices, Plan, make_plan
from whitecross.adoption.rejects import retry
from whitecross.adoption.roads import Road

Dump = Callable[[str], bytes]


def plan(**choices: bool) -> Plan:
    """The plan for the database on which Django stands."""
    road = Road("default")
    with road.look():
        return make_plan(road, Choices(**choices))


def record() -> moving.Record:
    found = moving.read_record(connection)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        (["ALTER TABLE contacts RENAME TO old_contacts", "CREATE VIEW contacts AS SELECT * FROM old_contacts"], "view"),
        (
            ["ALTER TABLE contacts RENAME TO old_contacts",
             "CREATE TABLE contacts (LIKE old_contacts) PARTITION BY HASH (id)"],
            "partitioned table",
        ),
    ],
)  # fmt: skip
def test_a_table_that_is_none_any_more_is_not_passed_over(
    statements: list[str], kind: str, legacy: Legacy, dump: Dump
) -> None:
    url = legacy.elsewhere(3)
    with psycopg.connect(url, autocommit=True) as source:
        for statement in statements:
            source.execute(statement)
    before = dump(str(connection.settings_dict["NAME"]))
    with pytest.raises(RefusedError, match=f"contacts is a {kind}, of which no row can be brought over"):
        adopt_from(url)
    assert dump(str(connection.settings_dict["NAME"])) == before


def test_what_was_moved_aside_refuses_every_change_also_through_a_view(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    execute("CREATE VIEW every_district AS SELECT * FROM districts")
    before = dump(name)
    adopt_in_place()
    for statement in (
        "INSERT INTO every_district (name, code) VALUES ('Late', 'LATE')",
        "UPDATE whitecross_legacy.students SET grade = '1'",
        "DELETE FROM whitecross_legacy.allergies",
        "TRUNCATE whitecross_legacy.emergency_contacts",
    ):
        with pytest.raises(Exception, match="has been adopted by White Cross"):
            execute(statement)
    undo()
    assert dump(name) == before


def test_finish_drops_no_row_that_came_after_the_adoption(legacy: Legacy) -> None:
    legacy.in_place(3)
    adopt_in_place()
    execute(
        "ALTER TABLE whitecross_legacy.districts DISABLE TRIGGER ALL",
        "INSERT INTO whitecross_legacy.districts (name, code) VALUES ('Late', 'LATE')",
    )
    with pytest.raises(undoing.UndoError, match=r"districts holds \d+ rows, of which \d+ were adopted"):
        undoing.finish(connection, record())
    assert value("SELECT count(*) FROM whitecross_legacy.districts WHERE code = 'LATE'") == 1


def test_what_others_put_beside_the_predecessors_tables_is_not_dropped(legacy: Legacy) -> None:
    legacy.in_place(3)
    adopt_in_place()
    execute("CREATE TABLE whitecross_legacy.my_notes AS SELECT 1 AS note")
    for deed in (undoing.finish, undoing.undo):
        with pytest.raises(undoing.UndoError, match="my_notes"):
            deed(connection, record())
    assert value("SELECT count(*) FROM whitecross_legacy.my_notes") == 1
    assert value("SELECT count(*) FROM students") > 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        'CREATE DOMAIN "ConfigScope" AS text',
        "CREATE AGGREGATE search_text(text) (SFUNC = textcat, STYPE = text)",
        "CREATE FUNCTION configuration_value_problem(text, text, float8, float8, text[]) RETURNS text"
        " LANGUAGE sql AS 'SELECT NULL::text'",
        "CREATE TABLE knox_authtoken (id int)",
    ],
)
def test_a_name_that_white_cross_needs_stops_both_roads_before_anything_is_done(
    statement: str, legacy: Legacy, dump: Dump
) -> None:
    url = legacy.elsewhere(3)
    execute(statement)
    target = str(connection.settings_dict["NAME"])
    before = dump(target)
    with pytest.raises(StateError, match="a name that White Cross needs"):
        adopt_from(url)
    assert dump(target) == before
    legacy.in_place(3)
    execute(statement)
    assert any("bears a name that White Cross needs" in blocker for blocker in plan().blockers)


def test_undo_empties_no_table_of_somebody_elses(legacy: Legacy, pristine_database: str) -> None:
    url = legacy.elsewhere(3, template=pristine_database)
    execute(
        "CREATE TABLE lunches (id int PRIMARY KEY, student uuid REFERENCES students (id), soup text)",
        "INSERT INTO lunches VALUES (1, NULL, 'soup')",
    )
    adopt_from(url)
    with pytest.raises(undoing.UndoError, match="lunches: refers to rows that would go"):
        undo()
    assert value("SELECT count(*) FROM lunches") == 1
    assert value("SELECT count(*) FROM students") > 0


def test_retry_cuts_and_rounds_nothing(legacy: Legacy) -> None:
    legacy.in_place(7)
    district, signs = (str(value(f"SELECT id FROM {table} LIMIT 1")) for table in ("schools", "growth_measurements"))
    long = "x" * 300
    execute(
        "ALTER TABLE schools ALTER name TYPE text",
        f"UPDATE schools SET name = '{long}' WHERE id = '{district}'",
        f"UPDATE growth_measurements SET weight = 38.12345 WHERE id = '{signs}'",
    )
    adopt_in_place(set_aside=True)
    aside = value("SELECT count(*) FROM adoption_rejects")
    brought, remaining = retry("default")
    assert not brought
    assert len(remaining) == aside
    text = """SELECT data ->> '%s' FROM adoption_rejects WHERE "rowId" = '%s'"""
    assert value(text % ("name", district)) == long
    assert value(text % ("weight", signs)).startswith("38.12345")


def test_retry_leaves_a_setting_that_was_changed_here_since(legacy: Legacy) -> None:
    legacy.in_place(7)
    execute("UPDATE system_configurations SET value = '99' WHERE key = 'MAX_LOGIN_ATTEMPTS'")
    adopt_in_place(set_aside=True)
    here = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS", scope="SYSTEM")
    here.value = "7"
    save(here, reason="Fewer guesses")
    execute(
        """UPDATE adoption_rejects SET data = jsonb_set(data, '{value}', '"3"')
           WHERE data ->> 'key' = 'MAX_LOGIN_ATTEMPTS'"""
    )
    _, remaining = retry("default")
    (kept,) = [row for row in remaining if row.table == "system_configurations"]
    assert "changed here since" in kept.reasons[0]["why"]
    assert SystemConfiguration.objects.get(pk=here.pk).value == "7"
    assert is_as_a_fresh_migrate_leaves_it()  # no trigger was left silent


def test_what_a_database_sets_for_its_sessions_has_no_say(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(5)
    for setting in (
        "default_transaction_isolation = 'serializable'",
        "\"DateStyle\" = 'SQL, DMY'",
        "\"TimeZone\" = 'Asia/Kathmandu'",
        "extra_float_digits = -3",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
        "statement_timeout = '20s'",
    ):
        execute(f'ALTER DATABASE "{name}" SET {setting}')
    connection.close()
    with _maintenance() as server:
        _let_go_of(name, server)  # sessions that a pooler keeps were begun before
    before = dump(name)
    report = adopt_in_place()
    assert report["rows"]["there"] == report["rows"]["here"]
    connection.close()
    said = io.StringIO()
    call_command("adopt", "--status", stdout=said)
    assert "was adopted" in said.getvalue()
    undo()
    assert dump(name) == before


def test_going_on_with_another_source_is_refused(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    from whitecross.adoption import adopting

    another = url_of(legacy.in_place(3))
    url = legacy.elsewhere(3)

    def fail(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(adopting, "_load", fail)
        with pytest.raises(KeyboardInterrupt):
            adopt_from(url)
    with pytest.raises(StateError, match="--source names another database"):
        adopt_from(another)
    assert adopt_from(url)["rows"]["here"] > 0
    assert is_as_a_fresh_migrate_leaves_it()


def test_going_on_may_allow_more_than_before(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    from whitecross.adoption import adopting

    legacy.in_place(3)

    def fail(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(adopting, "_load", fail)
        with pytest.raises(KeyboardInterrupt):
            adopt_in_place()
    execute(
        "ALTER TABLE whitecross_legacy.appointments DISABLE TRIGGER ALL",
        "UPDATE whitecross_legacy.appointments SET duration = 0"
        " WHERE id = (SELECT id FROM whitecross_legacy.appointments LIMIT 1)",
    )
    with pytest.raises(RefusedError, match="1 row does not fit"):
        adopt_in_place()
    report = adopt_in_place(set_aside=True)
    assert report["rows"]["setAside"] == 1
    assert record().choices["set_aside"]


def test_a_target_of_another_version_is_refused(legacy: Legacy, pristine_database: str) -> None:
    url = legacy.elsewhere(3, template=pristine_database)
    execute("DELETE FROM django_migrations WHERE app = 'adoption'")
    with pytest.raises(StateError, match="migrated by another version"):
        adopt_from(url)
    execute("INSERT INTO django_migrations (app, name, applied) VALUES ('adoption', '0001_rejects', now())")
    execute("INSERT INTO django_migrations (app, name, applied) VALUES ('lunches', '0001_initial', now())")
    with pytest.raises(StateError, match="migrated by another version"):
        adopt_from(url)


def test_the_plan_names_whom_the_move_would_surprise(legacy: Legacy) -> None:
    name = legacy.in_place(3)
    role = f"{name}_reader"
    execute(f'CREATE ROLE "{role}"')
    try:
        execute(
            f'GRANT SELECT ON students TO "{role}"',
            f'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{role}"',
            "CREATE TABLE lunches (id int, student uuid REFERENCES students (id))",
            "ALTER TYPE enum_students_gender ADD VALUE 'UNHEARD_OF'",
        )
        notes = " ".join(plan().notes)
        assert f"{role} may read or write the predecessor's tables" in notes
        assert "ALTER DEFAULT PRIVILEGES gives" in notes
        assert "the foreign key lunches_student_fkey of lunches goes on to refer to the predecessor's table" in notes
        assert "enum_students_gender of students.gender has labels of its own: UNHEARD_OF" in notes
    finally:
        execute(f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"')


def test_a_unique_index_of_some_rows_or_half_built_is_not_relied_on(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute(
        'ALTER TABLE students DROP CONSTRAINT "students_studentNumber_key"',
        'DROP INDEX "students_studentNumber_unique"',
        'CREATE UNIQUE INDEX of_some ON students ("studentNumber") WHERE "isActive"',
        """UPDATE students SET "isActive" = false, "studentNumber" = 'TWICE'
           WHERE id IN (SELECT id FROM students LIMIT 2)""",
    )
    (reason,) = next(iter(plan().misfits.rows["students"].values()))
    assert reason.rule == "students_studentNumber_key"


def test_rows_that_dangle_behind_a_valid_foreign_key_are_found(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute(
        "SET session_replication_role = replica",
        """UPDATE allergies SET "studentId" = gen_random_uuid() WHERE id = (SELECT id FROM allergies LIMIT 1)""",
        "SET session_replication_role = origin",
    )
    ((reason,),) = plan().misfits.rows["allergies"].values()
    assert reason.rule == "allergies_studentId_fkey"


def test_what_is_wrong_with_a_setting_is_said_without_what_its_rules_hold(legacy: Legacy) -> None:
    legacy.in_place(5)
    execute(
        """UPDATE system_configurations SET value = 'none', "validValues" = '{s3cret-a,s3cret-b}'
           WHERE key = 'LOCAL_SETTING_1'"""
    )
    said = str(plan().as_json())
    assert "is not one of the valid values" in said
    assert "s3cret" not in said


def test_a_database_in_another_encoding_is_refused_in_one_sentence(legacy: Legacy, dump: Dump) -> None:

    url = legacy.elsewhere(3)
    name = f"{connection.settings_dict['NAME']}_latin1"
    with _maintenance() as server:
        server.execute(
            f"CREATE DATABASE \"{name}\" ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        )
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        with pytest.raises(CommandError, match="encoded in LATIN1, where White Cross needs UTF8"):
            call_command("adopt", "--source", url, "--yes", stdout=io.StringIO())
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
        drop_database(name)


def test_an_account_does_not_take_the_place_of_the_one_in_use(legacy: Legacy) -> None:
    legacy.in_place(3)
    used, unused = "018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"
    facts = '(id, email, password, "firstName", "lastName", "lastLogin", "failedLoginAttempts")'
    execute(
        f"INSERT INTO users {facts} VALUES ('{used}', 'one@example.org', 'x', 'A', 'B', now(), -1)",
        f"INSERT INTO users {facts} VALUES ('{unused}', 'One@example.org', 'x', 'A', 'B', NULL, 0)",
    )
    adopt_in_place(set_aside=True)
    brought, remaining = retry("default")
    assert not brought
    assert {row.row for row in remaining} == {used, unused}
    mended = """jsonb_set(data, '{failedLoginAttempts}', '"0"')"""
    execute(f"""UPDATE adoption_rejects SET data = {mended} WHERE "rowId" = '{used}'""")
    brought, remaining = retry("default")
    assert brought == {"users": 1}
    assert [row.row for row in remaining] == [unused]
    assert str(value("SELECT id FROM users WHERE upper(email) = 'ONE@EXAMPLE.ORG'")) == used


def test_a_column_that_white_cross_has_as_well_comes_over_as_any_other(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute(
        'ALTER TABLE appointments ADD "deletedAt" timestamptz',
        """UPDATE appointments SET "deletedAt" = '2025-01-02 03:04:05Z'""",
    )
    report = adopt_in_place()
    assert not report["columnsSetAside"]
    assert value("""SELECT count(*) FROM appointments WHERE "deletedAt" = '2025-01-02 03:04:05Z'""") > 0


def test_a_missing_value_that_an_expression_needs_is_found(legacy: Legacy) -> None:
    legacy.in_place(6)
    execute(
        'ALTER TABLE allergies ALTER "isActive" DROP NOT NULL',
        'UPDATE allergies SET "isActive" = NULL, active = true WHERE id = (SELECT id FROM allergies LIMIT 1)',
    )
    ((reason,),) = plan().misfits.rows["allergies"].values()
    assert reason.rule == "isActive_null"
