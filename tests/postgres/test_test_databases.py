"""Django's own test databases work on the embedded server, also with several processes."""

from pathlib import Path

from .conftest import PROJECT, Run, is_running

TESTS = """
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection

@pytest.mark.django_db
@pytest.mark.parametrize("number", range(4))
def test_rows(number):
    assert connection.settings_dict["NAME"].startswith("test_whitecross_gw")
    ContentType.objects.create(app_label="x", model=f"m{number}")
    assert ContentType.objects.filter(app_label="x").count() == 1
"""


def test_processes_of_a_test_run_share_the_server_and_stop_it(data: Path, folder: Path, run: Run) -> None:
    (folder / "test_rows.py").write_text(TESTS)
    options = ("-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(folder), "-n", "2", "-q")
    result = run("-m", "pytest", *options, str(folder), data=data, cwd=PROJECT)
    assert "4 passed" in result.stdout, result.stdout + result.stderr
    assert not is_running(data)


def test_a_server_that_cannot_run_is_named_to_the_tester(folder: Path, run: Run) -> None:
    """Django would warn that there is no database `postgres`, and say nothing of why."""
    (folder / "test_rows.py").write_text(TESTS)
    (folder / "thesis.txt").touch()
    options = ("-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(folder), "-q")
    result = run("-m", "pytest", *options, str(folder), data=folder, cwd=PROJECT)
    assert "not empty and not its own" in result.stdout
    assert "Normally Django" not in result.stdout
