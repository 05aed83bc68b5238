"""Runs pg_restore, fed through a pipe with a dump that is decrypted on the way.

Its complaints become sentences without a value of a row. The dump's beginning, with its table of contents, is kept in
memory for what is built by several at once, as a pipe cannot be read by several.
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from whitecross.adoption.progress import Progress
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.programs import Access, Programs
from whitecross.deployment.backups.verifying import Verified, pour
from whitecross.postgres.server import complaint_in

TOC_AT_MOST = 32 << 20  # bytes of a dump's beginning that are kept; the table of contents is a part of a megabyte


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


class PgRestore:
    """Runs pg_restore."""

    def __init__(self, programs: Programs, way: Access, arguments: list[str], verified: Verified) -> None:
        self._programs, self._way, self._verified = programs, way, verified
        self._command = [str(programs.folder / "pg_restore"), *arguments, "--dbname", way.conninfo]

    def feed(
        self, archive: Archive, keys: list[Any], arguments: list[str], beginning: int | None, progress: Progress
    ) -> None:
        """Restore from what the archive holds, as it is read."""
        with tempfile.TemporaryFile() as complaints:
            process = self._start([*arguments], complaints, subprocess.PIPE)
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
        program = [str(self._programs.folder / "pg_restore"), "--list", path_of(descriptor)]
        return (
            subprocess.run(  # noqa: S603
                program, capture_output=True, check=False, env=self._way.environment, pass_fds=[descriptor]
            ).returncode
            == 0
        )

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
        )

    def _judge(self, code: int, complaints: IO[bytes]) -> None:
        if code == 0:
            return
        complaints.seek(0)
        said = complaint_in(complaints.read().decode(errors="replace"))
        if "COPY failed" in said or "invalid input" in said:
            said = said.partition("ERROR:")[0].rstrip(" :") or "a row"  # what follows may quote it
        said = said.removeprefix("could not execute query: ").removeprefix("ERROR:").strip().rstrip(".")
        raise BackupError(
            f"pg_restore {self._programs.version} cannot restore {self._verified.path.name} ({said}); set that right "
            "and run the command again."
        )
