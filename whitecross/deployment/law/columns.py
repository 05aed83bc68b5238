"""Which columns of the tables in use an INSERT has to name, as the statements of a release leave them one by one."""

from dataclasses import dataclass, replace

from whitecross.deployment.law.changes import Change
from whitecross.deployment.law.running import Running, has_default_in_database

Key = tuple[str, str]  # table, column

ADDED = {  # whether the column has to be filled in, whether the database does
    "add column": (False, False),
    "add defaulted column": (False, True),
    "add filled column": (True, True),
    "add required column": (True, False),
}


@dataclass(frozen=True)
class Column:
    """What an INSERT that leaves the column out would meet."""

    is_required: bool
    has_default: bool

    @property
    def must_be_named(self) -> bool:
        """Whether such an INSERT fails."""
        return self.is_required and not self.has_default


# Of a column that no model of the running release has, and that is there all the same, nothing is known.
UNKNOWN = Column(is_required=False, has_default=False)


class Columns:
    """The columns of the tables in use: at first those of the running release, then as each change leaves them."""

    def __init__(self, now: Running) -> None:
        self._found = {
            (table, name): Column(is_required=not one.null, has_default=has_default_in_database(one))
            for table, columns in now.columns.items()
            for name, one in columns.items()
        }

    def take_in(self, change: Change) -> None:
        """A statement has made this change."""
        key = change.table, change.name
        before = self._found.get(key, UNKNOWN)
        match change.kind:
            case kind if kind in ADDED:
                self._found[key] = Column(*ADDED[kind])
            case "set not null" | "drop not null":
                self._found[key] = replace(before, is_required=change.kind == "set not null")
            case "set default" | "drop default":
                self._found[key] = replace(before, has_default=change.kind == "set default")
            case "drop column":
                self._found.pop(key, None)

    def must_be_named(self, key: Key) -> bool:
        """Whether an INSERT that leaves the column out fails."""
        return self._found.get(key, UNKNOWN).must_be_named
