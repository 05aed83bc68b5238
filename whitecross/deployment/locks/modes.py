"""PostgreSQL's locks on tables, and what they stop."""

import enum
from dataclasses import dataclass
from typing import Self

# Stands for a table that the text does not name: that of an index, the other end of a foreign key, any table.
UNNAMED = ""


class LockMode(enum.Enum):
    """The modes, the weakest first. The value is the name that LOCK TABLE takes."""

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @classmethod
    def from_catalog(cls, name: str) -> Self:
        """The mode that pg_locks calls AccessExclusiveLock and the like. Raises ValueError for another word."""
        words = {f"{mode.value.title().replace(' ', '')}Lock": mode.value for mode in cls}
        return cls(words.get(name, name))

    @property
    def strength(self) -> int:
        """The place in the order, from 0."""
        return list(LockMode).index(self)

    def conflicts_with(self, other: "LockMode") -> bool:
        """Whether two transactions cannot hold the two on one table at once."""
        return other in _CONFLICTS[self]

    @property
    def blocks_reads(self) -> bool:
        """Whether an application's SELECT has to wait."""
        return self.conflicts_with(LockMode.ACCESS_SHARE)

    @property
    def blocks_writes(self) -> bool:
        """Whether an application's INSERT, UPDATE and DELETE have to wait."""
        return self.conflicts_with(LockMode.ROW_EXCLUSIVE)


AS, RS, RE, SUE, S, SRE, E, AE = LockMode
# Table 13.2 of PostgreSQL's manual.
_CONFLICTS = {
    AS: {AE},
    RS: {E, AE},
    RE: {S, SRE, E, AE},
    SUE: {SUE, S, SRE, E, AE},
    S: {RE, SUE, SRE, E, AE},
    SRE: {RE, SUE, S, SRE, E, AE},
    E: {RS, RE, SUE, S, SRE, E, AE},
    AE: {AS, RS, RE, SUE, S, SRE, E, AE},
}


@dataclass(frozen=True)
class Lock:
    """A lock on a table: `is_long` where the statement scans, sorts or rewrites the table under it, `why` in words.

    Reading and writing rows is never long: its locks on the table stop neither readers nor writers. `is_of_rows` where
    a statement reads, changes or removes rows, which may be all that there are.
    """

    mode: LockMode
    table: str
    is_long: bool
    why: str
    is_of_rows: bool = False

    @property
    def stops_the_application(self) -> bool:
        """Whether somebody who writes, or reads, waits for as long as the work on the whole table takes."""
        return self.is_long and self.mode.blocks_writes
