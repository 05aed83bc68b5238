"""docs/verify-schema.md names every kind of difference, and its commands run."""

import contextlib
import io
import re
import shlex
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from core.schema import history, verify
from core.schema.advice import ADVICE
from tests.core.schema.conftest import Look

PAGE = (Path(settings.BASE_DIR) / "docs" / "verify-schema.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|sql)\n(.*?)```", PAGE, flags=re.DOTALL)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_every_kind_is_explained() -> None:
    beside = {
        kind
        for module in (history, verify)
        for kind in re.findall(r'Difference\(\s*"([^"]+)"', Path(str(module.__file__)).read_text(encoding="utf-8"))
    }
    assert "migration unapplied" in beside
    explained = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))
    assert (ADVICE.keys() | beside) - explained == set()


def test_no_kind_is_explained_that_does_not_exist() -> None:
    named = {
        kind for row in re.findall(r"^\| (`.*?) \|", PAGE, flags=re.MULTILINE) for kind in re.findall(r"`([^`]+)`", row)
    }
    assert named - ADVICE.keys() - {"triggers silenced", "setting missing"} == set()


def test_the_commands_of_the_page_mend_what_they_are_for(committed_db: str, look: Look) -> None:
    role = f"monitor_{committed_db}"  # roles belong to the whole server
    run("""ALTER TYPE "Gender" ADD VALUE 'NEW'""")
    run("ALTER FUNCTION refuse_delete() SECURITY DEFINER")
    run("DELETE FROM system_configurations WHERE key = 'SYSTEM_NAME'")
    try:
        for language, block in BLOCKS:
            if language == "sql":
                run(block.replace("wc_monitor", role))
            elif "--write-expected" not in block:  # test_expected.py runs it
                run_command(block.strip())
        assert look().differences == []
    finally:
        run(f"DROP OWNED BY {role}")
        run(f"DROP ROLE {role}")


def run_command(line: str) -> None:
    """A line of the page: a command of ours, whose output goes to dbshell where the line says so."""
    command, _, pipe = line.partition(" | ")
    words = shlex.split(command)
    assert words[:2] == ["python", "manage.py"]
    out = io.StringIO()
    with contextlib.suppress(SystemExit):  # verify_schema's 1, as the database has been tampered with
        call_command(*words[2:], stdout=out)
    assert out.getvalue()
    if pipe:
        assert pipe == "python manage.py dbshell"
        run(out.getvalue())
