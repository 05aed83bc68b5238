"""PostgreSQL's own programs: where they are, which of them fits a server, and how they get to it.

No password stands on a command line: it goes through the environment, which the operating system shows to nobody else.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.conninfo import make_conninfo

from whitecross.deployment.backups.errors import BackupError
from whitecross.postgres.home import EmbeddedServerError, wheel

# Where distributions put them, each version in a folder of its own.
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/postgresql*/bin")
# What the programs need of our environment: nothing of ours, which holds secrets.
PASSED_ON = re.compile(r"PATH|HOME|TMPDIR|LD_LIBRARY_PATH|KRB5\w*|SSL_\w+|PG(?!DATABASE$|OPTIONS$)\w+")


@dataclass(frozen=True)
class Programs:
    """A folder with pg_dump and pg_restore of one version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """As in 17."""
        return int(self.version.partition(".")[0])


@dataclass(frozen=True)
class Access:
    """How a program gets to a database: what stands on its command line, and its environment."""

    conninfo: str
    environment: dict[str, str]


def fitting(server: int, *, exactly: bool = False) -> Programs:
    """The programs for a server of this number (170010): of its major version, else the next newer. Raises BackupError.

    `exactly`: not newer, for pg_restore sends settings that an older server does not know, and of a newer pg_dump an
    older pg_restore reads nothing.
    """
    major = server // 10000
    found = list(_found(str(settings.WHITECROSS_PG_BIN)))
    fit = [one for one in found if one.major == major or (one.major > major and not exactly)]
    if fit:
        return min(fit, key=lambda one: one.major)
    where = f"in WHITECROSS_PG_BIN ({settings.WHITECROSS_PG_BIN})" if settings.WHITECROSS_PG_BIN else "on this machine"
    seen = ", ".join(sorted({one.version for one in found})) or "none"
    raise BackupError(
        f"The server is PostgreSQL {major}, and there is no pg_dump and pg_restore {major} {where} (found: {seen}); "
        f"install postgresql-client-{major}, or name its folder in WHITECROSS_PG_BIN."
    )


def access(connection: BaseDatabaseWrapper, *settings_there: str) -> Access:
    """How to get where this connection leads, with more settings for the session there. Raises BackupError."""
    given: dict[str, Any] = {
        name: value
        for name, value in connection.get_connection_params().items()
        if isinstance(value, str | int) and name not in ("prepare_threshold", "client_encoding")
    }
    if given.pop("sslpassword", None):
        raise BackupError(
            "DATABASE_URL has sslpassword, which pg_dump can be given on its command line only, for all to see; use a "
            "key file without a passphrase, readable by its owner alone."
        )
    given["options"] = " ".join([str(given.get("options") or ""), *(f"-c {one}" for one in settings_there)]).strip()
    password = given.pop("password", None)
    environment = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    environment["LC_ALL"] = "C"  # so that we understand what they say
    if password:
        environment["PGPASSWORD"] = str(password)
    return Access(make_conninfo("", **given), environment)


@cache
def _found(only: str) -> tuple[Programs, ...]:
    return tuple(filter(None, map(_look, dict.fromkeys(_folders(only)))))


def _folders(only: str) -> Iterator[Path]:
    if only:
        yield Path(only)
        return
    for place in PLACES:
        yield from sorted(Path("/").glob(place.lstrip("/")))
    with contextlib.suppress(EmbeddedServerError):  # it need not be installed where DATABASE_URL is set
        yield wheel()[0] / "bin"
    if program := shutil.which("pg_dump"):
        yield Path(program).parent


def _look(folder: Path) -> Programs | None:
    versions = set()
    for program in ("pg_dump", "pg_restore"):
        try:
            said = subprocess.run(  # noqa: S603
                [folder / program, "--version"], capture_output=True, text=True, check=True, timeout=30
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return None
        version = re.search(r"\(PostgreSQL\) (\d+[\w.]*)", said)
        versions.add(version[1] if version else None)
    (version_found,) = versions if len(versions) == 1 else (None,)
    number = re.match(r"\d+(\.\d+)?", version_found or "")
    return Programs(folder, number[0]) if number else None
