"""Which code this is."""

import re
import subprocess
from pathlib import Path

from django.conf import settings


def code_version() -> str:
    """The version of pyproject.toml and, in a clone, the commit: `0.1.0 (1fe63b9)`."""
    root = Path(settings.BASE_DIR)
    try:
        found = re.search(r'^version = "([^"]+)"', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    version = found[1] if found else "unknown"
    commit = _commit(root)
    return f"{version} ({commit})" if commit else version


def _commit(root: Path) -> str | None:
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude", "*"],  # noqa: S607 - whichever git the operator uses
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
