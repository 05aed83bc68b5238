"""Imports that are strange, simultaneous or killed: never a traceback, never a half."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration import importing
from configuration.editing import EditError
from configuration.enums import ConfigCategory, ConfigScope, ConfigValueType
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.transfer import NAMES, TransferError, entries_of

from .conftest import start

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.text(max_size=12) | st.sampled_from(["5", "60", "true", "0.5", "[]", '{"a": 1}', "2026-08-31", "#fff"])
RULES = st.dictionaries(
    st.sampled_from(["min", "max", "minLength", "maxLength", "pattern", "integer", "format"]),
    st.integers(-5, 50) | st.booleans() | st.sampled_from(["(", "^a+$", "email", "2026-01-01"]),
    max_size=3,
)
FACTS: dict[str, st.SearchStrategy[Any]] = {
    "value": TEXTS,
    "defaultValue": st.none() | TEXTS,
    "valueType": st.sampled_from(ConfigValueType.values),
    "minValue": st.none() | st.floats(allow_nan=False) | st.integers(-5, 50),
    "maxValue": st.none() | st.floats(allow_nan=False) | st.integers(-5, 50),
    "validValues": st.none() | st.lists(TEXTS, max_size=3),
    "validationRules": st.none() | RULES,
    "category": st.sampled_from(ConfigCategory.values),
    "tags": st.none() | st.lists(st.text(max_size=5) | st.just("secret"), max_size=2),
    "description": st.none() | st.text(max_size=10),
    "sortOrder": st.integers(-(2**33), 2**33),
    "isActive": st.booleans(),
    "isEditable": st.booleans(),
}
ENTRY = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["MAX_LOGIN_ATTEMPTS", "SYSTEM_NAME", "NEW_KEY"]) | st.text(max_size=5),
        "scope": st.sampled_from(["SYSTEM", "SYSTEM", *ConfigScope.values]),
    },
    optional={**FACTS, "of": st.none() | st.text(max_size=5)},
)
SPOILT = st.dictionaries(st.sampled_from([*NAMES, "of", "more"]), ANYTHING, max_size=4) | ANYTHING


def everything() -> tuple[list[Any], int]:
    names = [field.attname for field in SystemConfiguration._meta.concrete_fields]
    return list(SystemConfiguration.objects.order_by("pk").values(*names)), ConfigurationHistory.objects.count()


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ENTRY | SPOILT, max_size=3))
def test_whatever_a_file_says_it_is_taken_or_refused_in_words(entries: list[Any]) -> None:
    content = json.dumps({"format": "whitecross-settings", "version": 1, "settings": entries}).encode()
    before = everything()
    with transaction.atomic():
        plan, said = planned(content)
        assert everything() == before
        if plan is None:
            assert said
        else:
            importing.apply(plan, reason="x")
            taken = everything()
            again, _ = planned(content)
            assert again
            assert not again.to_do
            importing.apply(again, reason="x")
            assert everything() == taken
        transaction.set_rollback(True)


def planned(content: bytes) -> tuple[importing.Plan | None, str]:
    """The plan of a file, or what is said against it."""
    try:
        return importing.plan_of(entries_of(content)), ""
    except (TransferError, EditError) as error:
        return None, str(error)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_that_are_no_file_are_refused_in_words(content: bytes) -> None:
    with pytest.raises(TransferError) as caught:
        entries_of(content)
    assert all(caught.value.problems)


def write(folder: Path, name: str, *values: tuple[str, str]) -> str:
    entries = [{"key": key, "scope": "SYSTEM", "value": value} for key, value in values]
    path = folder / name
    path.write_text(json.dumps({"format": "whitecross-settings", "version": 1, "settings": entries}))
    return str(path)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def test_of_two_imports_at_once_each_is_whole(committed_db: str, tmp_path: Path) -> None:
    files = [
        write(tmp_path, f"{value}.json", ("MAX_LOGIN_ATTEMPTS", value), ("PASSWORD_MIN_LENGTH", f"1{value}"))
        for value in ("6", "7", "8")
    ]
    outcomes = [ended(one) for one in [start("import", file, "--yes", "--reason", file) for file in files]]
    assert 0 in [code for code, _ in outcomes]
    assert all(code == 0 or "Nothing was imported" in said for code, said in outcomes), outcomes
    values = dict(SystemConfiguration.objects.filter(category="SECURITY").values_list("key", "value"))
    assert values["PASSWORD_MIN_LENGTH"] == f"1{values['MAX_LOGIN_ATTEMPTS']}"
    chain = list(ConfigurationHistory.objects.filter(key="MAX_LOGIN_ATTEMPTS").order_by("history_date"))
    assert len(chain) == [code for code, _ in outcomes].count(0)
    assert [change.old_value for change in chain] == ["5", *(change.value for change in chain)][:-1]


def test_an_import_does_not_wait_for_ever_for_somebody_else(committed_db: str, tmp_path: Path) -> None:
    file = write(tmp_path, "settings.json", ("MAX_LOGIN_ATTEMPTS", "6"))
    with connection.cursor() as cursor:
        # Seconds unless the connection has a limit of its own, which stays.
        cursor.execute(f"ALTER DATABASE {committed_db} SET lock_timeout = '300ms'")
    with transaction.atomic():
        SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="Other")
        code, said = ended(start("import", file, "--yes", "--reason", "x"))
    assert code == 1
    assert "Somebody else is changing settings" in said
    assert said.count("\n") == 1


@pytest.mark.direct("looks at the server for the killed command's own connection")
@pytest.mark.parametrize("moment", ["trial", "writing"])
def test_an_import_killed_halfway_has_done_nothing(committed_db: str, tmp_path: Path, moment: str) -> None:
    """The second of its rows is held up by a trigger, in the trial or in the writing itself; there it is killed."""
    reason = "" if moment == "trial" else "Killed"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF coalesce(current_setting('whitecross.change', true)::jsonb ->> 'reason', '') = '{reason}' THEN
                    PERFORM pg_advisory_xact_lock(42);
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER zz_hold_up AFTER UPDATE ON system_configurations FOR EACH ROW
                WHEN (NEW.key = 'PASSWORD_MIN_LENGTH') EXECUTE FUNCTION hold_up();
            """
        )
    before = everything()
    file = write(tmp_path, "settings.json", ("MAX_LOGIN_ATTEMPTS", "6"), ("PASSWORD_MIN_LENGTH", "16"))
    with psycopg.connect(**server(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(42)")
        with start("import", file, "--yes", "--reason", "Killed") as process:
            (backend,) = wait_for(
                other,
                "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()",
            )
            assert other.execute(
                "SELECT count(*) FROM pg_locks WHERE pid = %s AND mode = 'RowExclusiveLock'"
                " AND relation = 'configuration_history'::regclass",
                [backend],
            ).fetchone() == (1,)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)
            other.execute("SELECT pg_advisory_unlock(42)")
            wait_for(other, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)", backend)
    assert everything() == before
    assert ended(start("import", file, "--yes", "--reason", "Again"))[0] == 0
    assert SystemConfiguration.objects.get(key="PASSWORD_MIN_LENGTH").value == "16"


def server() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in parameters if name not in ("cursor_factory", "context", "pool")}


def wait_for(other: "psycopg.Connection[Any]", question: str, *arguments: Any) -> Any:
    """The row that a question is answered with, once it is."""
    for _ in range(600):
        if row := other.execute(question, arguments).fetchone():
            return row
        time.sleep(0.1)
    raise AssertionError(f"No answer to: {question}")
