"""A server, a pooler or a network may end sessions that are idle: no run does, however long a part of it takes."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.deployment.procedure.conftest import command, execute, rollback
from whitecross.deployment import procedure
from whitecross.deployment.backups import make_backup
from whitecross.deployment.watch import Watch

pytestmark = pytest.mark.direct("it is the server that ends idle sessions, and a pooler keeps others than ours")

LIMIT_S, LONGER_S = 3, 4  # what a busy machine does in between takes less


@pytest.fixture
def impatient(committed_db: str, without_scratch: None) -> None:
    """A database of which no session may be idle for long."""
    execute(f"""ALTER DATABASE "{committed_db}" SET idle_session_timeout = '{LIMIT_S}s'""")
    connection.close()


def test_a_backup_may_take_longer(impatient: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def slowly(*arguments: Any) -> Any:
        time.sleep(LONGER_S)
        return make_backup(*arguments)

    monkeypatch.setattr(procedure, "make_backup", slowly)
    assert "Done in" in command("rollback", "knox.0009", "--yes", backup_folder=tmp_path)


def test_another_run_may_take_longer(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire = Watch.acquire

    def slowly(watch: Watch, *arguments: Any) -> bool:
        had_to_wait = acquire(watch, *arguments)
        time.sleep(LONGER_S)
        return had_to_wait

    monkeypatch.setattr(Watch, "acquire", slowly)
    assert "Done in" in rollback("knox.0009")
    assert "OK" in command("migrate")
