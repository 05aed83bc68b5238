"""Runs pg_restore, fed through a pipe with a dump that is decrypted on the way.

Its complaints become sentences without a value of a row. The dump's beginning, with its table of contents, is kept in
memory for what is built by several at once, as a pipe cannot be read by several.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, cast

from whitecross.adoption.progress import Progress
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.extensions import without
from whitecross.deployment.backups.programs import Access, Programs
from whitecross.deployment.backups.verifying import Verified, pour
from whitecross.postgres.server import complaint_in

TOC_AT_MOST = 32 << 20  # bytes of a dump's beginning that are kept; the table of contents is a part of a megabyte


_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _end_with_us() -> None:
    """Whoever kills us ends pg_restore too: it would build indexes for hours, in a database that nobody could drop."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def beginning_in_memory() -> Iterator[int]:
    """A file in memory."""
    descriptor = os.memfd_create("backup")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def path_of(descriptor: int) -> str:
    """How a child opens a file that it inherits."""
    return f"/proc/self/fd/{descriptor}"


class _Pipe:
    """Takes the dump for pg_restore, and keeps its beginning."""

    def __init__(self, pipe: IO[bytes], beginning: int | None, progress: Progress) -> None:
        self._pipe, self._beginning, self._progress = pipe, beginning, progress
        self._kept = 0

    def write(self, data: bytes) -> int:
        if self._beginning is not None and self._kept < TOC_AT_MOST:
            self._kept += os.write(self._beginning, data)
        self._pipe.write(data)
        self._progress.advance(len(data))
        return len(data)

    def flush(self) -> None:
        pass


class _EnoughError(Exception):
    """No more of the dump is wanted."""


class _Beginning:
    """Takes of the dump as much as is kept of its beginning."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._kept = descriptor, 0

    def write(self, data: bytes) -> int:
        self._kept += os.write(self._descriptor, data)
        if self._kept >= TOC_AT_MOST:
            raise _EnoughError
        return len(data)

    def flush(self) -> None:
        pass


class PgRestore:
    """Runs pg_restore. `without`: extensions that are left out."""

    without: Sequence[str] = ()

    def __init__(self, programs: Programs, way: Access, arguments: list[str], verified: Verified) -> None:
        self._programs, self._way, self._verified = programs, way, verified
        self._command = [str(programs.folder / "pg_restore"), *arguments, "--dbname", way.conninfo]

    def feed(
        self, archive: Archive, keys: list[Any], arguments: list[str], beginning: int | None, progress: Progress
    ) -> None:
        """Restore from what the archive holds, as it is read."""
        with tempfile.TemporaryFile() as complaints, self._list(archive, keys) as wanted:
            chosen = [] if wanted is None else [f"--use-list={path_of(wanted)}"]
            inherited = [] if wanted is None else [wanted]
            process = self._start([*arguments, *chosen], complaints, subprocess.PIPE, *inherited)
            pipe = cast(IO[bytes], process.stdin)
            try:
                # Where pg_restore has ended before its input has, its complaint says why.
                with contextlib.suppress(BrokenPipeError):
                    pour(archive, keys, _Pipe(pipe, beginning, progress))
                    pipe.flush()
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
                process.wait()
            except BaseException:
                process.kill()
                process.wait()
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
                raise
            self._judge(process.returncode, complaints)

    def run(self, arguments: list[str], descriptor: int) -> None:
        """Restore from a file that can be read anywhere."""
        with tempfile.TemporaryFile() as complaints:
            process = self._start(arguments, complaints, subprocess.DEVNULL, descriptor)
            try:
                process.wait()
            except BaseException:
                process.terminate()  # it ends the others that build for it
                process.wait()
                raise
            self._judge(process.returncode, complaints)

    def can_read(self, descriptor: int) -> bool:
        """Whether the table of contents is whole."""
        return self._listed(descriptor) is not None

    def _listed(self, descriptor: int) -> str | None:
        """The table of contents; None where it is not whole."""
        program = [str(self._programs.folder / "pg_restore"), "--list", path_of(descriptor)]
        done = subprocess.run(  # noqa: S603
            program, capture_output=True, check=False, env=self._way.environment, pass_fds=[descriptor]
        )
        return None if done.returncode else done.stdout.decode(errors="surrogateescape")

    @contextmanager
    def _list(self, archive: Archive, keys: list[Any]) -> Iterator[int | None]:
        """What is to be restored, as a file in memory; None: everything."""
        if not self.without:
            yield None
            return
        with beginning_in_memory() as beginning, beginning_in_memory() as wanted:
            with contextlib.suppress(_EnoughError):
                pour(archive, keys, _Beginning(beginning))
            listed = self._listed(beginning)
            if listed is not None:
                os.write(wanted, without(listed, self.without).encode(errors="surrogateescape"))
            yield None if listed is None else wanted

    def _start(
        self, arguments: list[str], complaints: IO[bytes], stdin: int, *descriptors: int
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603
            [*self._command, *arguments],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=self._way.environment,
            bufsize=1 << 18,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C is for us, who end it
            preexec_fn=_end_with_us,
        )

    def _judge(self, code: int, complaints: IO[bytes]) -> None:
        if code == 0:
            return
        complaints.seek(0)
        said = complaint_in(complaints.read().decode(errors="replace"))
        if "COPY failed" in said or "invalid input" in said:
            said = said.partition("ERROR:")[0].rstrip(" :") or "a row"  # what follows may quote it
        said = said.removeprefix("could not execute query: ").removeprefix("ERROR:").strip().rstrip(".")
        less, or_else = "", ""
        if self.without:  # what it says may be that something needs one of them
            less, or_else = f" without {' and '.join(self.without)}", ", or restore as a superuser,"
        raise BackupError(
            f"pg_restore {self._programs.version} cannot restore {self._verified.path.name}{less} ({said}); set that "
            f"right{or_else} and run the command again."
        )
