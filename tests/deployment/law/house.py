"""A package of migrations that a test writes and has judged."""

import importlib
from pathlib import Path

from django.db.migrations.loader import MigrationLoader

from tests.deployment.law.samples import BASE, text_of
from whitecross.deployment.law import check, released
from whitecross.deployment.law.checking import Checked
from whitecross.deployment.law.source import Source


class OneAppLoader(MigrationLoader):
    """The migrations of the samples alone."""

    def load_disk(self) -> None:
        super().load_disk()
        self.disk_migrations = {key: one for key, one in self.disk_migrations.items() if key[0] == "adoption"}


class House:
    """A package of migrations: the released one, and those of a sample."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.names = folder, ["0001_base"]
        (folder / "__init__.py").touch()
        self.path("0001_base").write_text(BASE)
        self.known = {("adoption", "0001_base"): released.content_hash(self.path("0001_base"))}

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.py"

    def write(self, *migrations: str, name: str = "a_deed", after: str | None = None) -> "House":
        """Migrations that are not released, each after the one before, or the first after another one."""
        for operations in migrations:
            new = f"{len(self.names) + 1:04}_{name}"
            self.path(new).write_text(text_of(operations, self.names[-1] if after is None else after))
            self.names.append(new)
            after = None
        importlib.invalidate_caches()
        return self

    def release(self, *migrations: str) -> "House":
        """Migrations that the running release has."""
        first = len(self.names)
        self.write(*migrations)
        self.known |= {("adoption", name): released.content_hash(self.path(name)) for name in self.names[first:]}
        return self

    def loader(self) -> MigrationLoader:
        return OneAppLoader(None)

    def check(self, *, asks_squawk: bool = False) -> Checked:
        sources = {("adoption", name): Source("adoption", name, self.path(name)) for name in self.names}
        return check(known=self.known, loader=self.loader(), sources=sources, asks_squawk=asks_squawk)

    def found(self) -> list[str]:
        """The findings as "rule: what"."""
        return [f"{one.rule}: {one.what}" for one in self.check().findings]

    def rules(self) -> list[str]:
        """The rules that are broken, each once, in their order."""
        return sorted({one.rule for one in self.check().findings})
