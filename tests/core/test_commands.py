"""What all commands have in common."""

import pytest
from django.core.management import CommandError, call_command

COMMANDS = [
    *("adopt", "backup", "check_migrations", "doctor", "migrate", "migration_log", "restore"),
    *("upgrade", "verify_schema"),
]


@pytest.mark.parametrize("arguments", [*([name] for name in COMMANDS), ["backup", "list"], ["rollback", "zero"]])
def test_a_database_that_is_not_there_is_refused_with_those_that_are(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"invalid choice: 'nope' \(choose from '?default"):
        call_command(*arguments, "--database", "nope")
