"""Stand-ins for pg_dump, beside the real pg_restore."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from django.test import override_settings

from whitecross.deployment.backups.programs import _found, fitting


@contextmanager
def pg_dump_that(script: str, folder: Path) -> Iterator[Path]:
    """A pg_dump that runs some Python first, where `arguments` and `real` (the real one's path) are known."""
    real = fitting(connection.pg_version).folder  # type: ignore[attr-defined]
    folder.mkdir(exist_ok=True)
    (folder / "pg_restore").symlink_to(real / "pg_restore")
    program = folder / "pg_dump"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys, time\narguments, real = sys.argv[1:], {str(real / 'pg_dump')!r}\n"
        f"if '--version' not in arguments:\n"
        + "".join(f"    {line}\n" for line in script.splitlines())
        + "os.execv(real, [real, *arguments])\n"
    )
    program.chmod(0o755)
    _found.cache_clear()
    with override_settings(WHITECROSS_PG_BIN=str(folder)):
        yield folder
    _found.cache_clear()
