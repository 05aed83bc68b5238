"""REPLICA_DATABASE_URL and REPLICA_MAX_LAG, in a process of their own; without them nothing of this is there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[3]
SHOW = """
import json, sys
from whitecross import settings
print(json.dumps({
    "databases": {name: {key: entry[key] for key in ("ENGINE", "HOST", "NAME", "OPTIONS", "TEST", "CONN_MAX_AGE")
                         if key in entry} for name, entry in settings.DATABASES.items()},
    "routers": getattr(settings, "DATABASE_ROUTERS", []),
    "middleware": [name for name in settings.MIDDLEWARE if "replica" in name],
    "position": [name for name in settings.MIDDLEWARE].index("django.contrib.sessions.middleware.SessionMiddleware"),
    "lag": getattr(settings, "REPLICA_MAX_LAG", None),
    "loaded": sorted(name for name in sys.modules if name.startswith("whitecross.replica")),
}))
"""
PRIMARY, STANDBY = "postgresql://one@db1.example/whitecross", "postgresql://two@db2.example/whitecross"


def load(**environment: str) -> Any:
    ended = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        return ended.stderr.strip().splitlines()[-1]
    return json.loads(ended.stdout)


def test_without_a_standby_there_is_no_router_and_no_middleware() -> None:
    found = load(DATABASE_URL=PRIMARY)
    assert list(found["databases"]) == ["default"]
    assert (found["routers"], found["middleware"], found["lag"]) == ([], [], None)
    assert found["loaded"] == ["whitecross.replica", "whitecross.replica.configured"]


def test_several_standbys_are_each_a_database_that_tests_do_not_make() -> None:
    urls = f" {STANDBY}?sslmode=require\n postgresql://three@db3.example/whitecross?connect_timeout=9 "
    found = load(DATABASE_URL=PRIMARY, REPLICA_DATABASE_URL=urls, DB_CONN_MAX_AGE="60", REPLICA_MAX_LAG="2")
    assert list(found["databases"]) == ["default", "replica", "replica_2"]
    one, two = found["databases"]["replica"], found["databases"]["replica_2"]
    assert (one["HOST"], two["HOST"]) == ("db2.example", "db3.example")
    assert one["ENGINE"] == two["ENGINE"] == "whitecross.replica"
    assert one["OPTIONS"]["sslmode"] == "require"
    assert (one["OPTIONS"]["connect_timeout"], two["OPTIONS"]["connect_timeout"]) == ("2", "9")
    assert one["TEST"] == {"MIRROR": "default"}
    assert one["CONN_MAX_AGE"] == 60
    assert found["routers"] == ["whitecross.replica.router.ReplicaRouter"]
    assert found["middleware"] == ["whitecross.replica.middleware.ReadYourWritesMiddleware"]
    assert found["lag"] == 2


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_page_may_be_a_minute_old_at_most(seconds: int) -> None:
    assert load(DATABASE_URL=PRIMARY, REPLICA_DATABASE_URL=STANDBY, REPLICA_MAX_LAG=str(seconds))["lag"] == seconds


def test_standbys_have_a_pool_of_the_same_size() -> None:
    found = load(DATABASE_URL=PRIMARY, REPLICA_DATABASE_URL=STANDBY, DB_POOL_MAX_SIZE="7")
    assert found["databases"]["replica"]["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 7, "timeout": 2}
    assert found["databases"]["default"]["OPTIONS"]["pool"]["timeout"] == 30


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"REPLICA_DATABASE_URL": STANDBY}, "REPLICA_DATABASE_URL names a standby, but DATABASE_URL no primary"),
        (
            {"DATABASE_URL": PRIMARY, "REPLICA_DATABASE_URL": "mysql://u:secret@h/n"},
            "REPLICA_DATABASE_URL does not begin with postgresql://",
        ),
        (
            {"DATABASE_URL": PRIMARY, "REPLICA_DATABASE_URL": f"{STANDBY} postgresql://u:secret@h/"},
            "REPLICA_DATABASE_URL names no database",
        ),
        (
            {"DATABASE_URL": PRIMARY, "REPLICA_DATABASE_URL": STANDBY, "REPLICA_MAX_LAG": "61"},
            "REPLICA_MAX_LAG is not a whole number from 0 to 60; set it to one.",
        ),
    ],
)
def test_a_wrong_value_is_one_sentence_without_the_password(environment: dict[str, str], said: str) -> None:
    message = load(**environment)
    assert said in message
    assert "secret" not in message


@pytest.mark.parametrize(("mode", "warned"), [("require", False), ("prefer", True)])
def test_a_standby_that_is_asked_in_the_clear_is_warned_of(mode: str, warned: bool) -> None:
    code = (
        "import django; django.setup()\n"
        "from whitecross.checks import check_the_database_connection_is_encrypted as check\n"
        "print(*(found.msg for found in check()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "whitecross.settings",
            "DATABASE_URL": f"{PRIMARY}?sslmode=require",
            "REPLICA_DATABASE_URL": f"{STANDBY}?sslmode=require {STANDBY}?sslmode={mode}",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("REPLICA_DATABASE_URL points to another machine" in ended.stdout) is warned
    assert not ended.stdout.startswith("DATABASE_URL")
