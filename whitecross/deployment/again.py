"""The command that does the same once more, for whoever has to type it."""

import shlex
from collections.abc import Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS

PATIENCE_S = 600.0  # for locks, unless another is said
WORDS = ("app_label", "migration_name", "migration")
FLAGS = {
    "fake": "--fake",
    "fake_initial": "--fake-initial",
    "run_syncdb": "--run-syncdb",
    "no_backup": "--no-backup",
    "allow_drift": "--allow-drift",
    "allow_long_locks": "--allow-long-locks",
}
VALUES = {"to_run": "--to-run", "backup_folder": "--backup-folder"}


def again(command: str, options: Mapping[str, Any]) -> str:
    """What was typed, as far as it says what is to be done: not how it is printed, and not a yes beforehand."""
    words = [str(options[name]) for name in WORDS if options.get(name)]
    words += [flag for name, flag in FLAGS.items() if options.get(name)]
    for name, flag in VALUES.items():
        if options.get(name) is not None:
            words += [flag, str(options[name])]
    if options.get("patience", PATIENCE_S) != PATIENCE_S:
        words += ["--patience", f"{options['patience']:g}s"]
    if options.get("database", DEFAULT_DB_ALIAS) != DEFAULT_DB_ALIAS:
        words += ["--database", options["database"]]
    return shlex.join(["python", "manage.py", command, *words])
