"""What stops says what to type next, with what was typed; not with a yes beforehand, and not for a machine."""

from pathlib import Path
from typing import Any

import pytest

from whitecross.deployment.again import again
from whitecross.deployment.management.commands import migrate, rollback, upgrade

COMMANDS: dict[str, Any] = {"migrate": migrate.Command, "rollback": rollback.Command, "upgrade": upgrade.Command}


@pytest.mark.parametrize(
    ("typed", "next_time"),
    [
        ("upgrade", "upgrade"),
        ("upgrade --yes --json --plan --patience 10m", "upgrade"),
        ("upgrade --allow-drift --patience 2h", "upgrade --allow-drift --patience 7200s"),
        ("upgrade --backup-folder /mnt/x --no-backup", "upgrade --no-backup --backup-folder /mnt/x"),
        ("rollback core.0003 --allow-long-locks", "rollback core.0003 --allow-long-locks"),
        ("rollback --yes --to-run 0", "rollback --to-run 0"),
        ("migrate", "migrate"),
        ("migrate core 0003 --fake", "migrate core 0003 --fake"),
        ("migrate --fake-initial --run-syncdb --verbosity 2", "migrate --fake-initial --run-syncdb"),
        ("migrate --patience 0.5", "migrate --patience 0.5s"),
    ],
)
def test_it_is_what_was_typed(typed: str, next_time: str) -> None:
    command, *arguments = typed.split()
    options = vars(COMMANDS[command]().create_parser("manage.py", command).parse_args(arguments))
    assert again(command, options) == f"python manage.py {next_time}"


def test_a_folder_with_a_space_can_be_typed() -> None:
    said = again("upgrade", {"backup_folder": Path("/mnt/a disk")})
    assert said == "python manage.py upgrade --backup-folder '/mnt/a disk'"
