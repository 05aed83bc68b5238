"""What the migrations of this release have done so far, as it counts for those after them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from whitecross.deployment.law.changes import Change
from whitecross.deployment.law.columns import Columns, Key
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.running import Running
from whitecross.deployment.law.source import Source
from whitecross.deployment.locks import Reading


@dataclass
class Release:
    """The unreleased migrations while they are judged one after the other, against the running release."""

    now: Running
    reading: Reading = field(init=False)
    columns: Columns = field(init=False)
    functions: set[str] = field(default_factory=set)  # that it has created
    triggers: set[Change] = field(default_factory=set)  # that it has added
    unfilled: set[Key] = field(default_factory=set)  # columns that were told of
    forgotten: dict[Key, tuple[Source, int]] = field(default_factory=dict)  # columns that only the models have lost

    def __post_init__(self) -> None:
        self.reading = Reading(self.now.tables)
        self.columns = Columns(self.now)

    @property
    def created(self) -> set[str]:
        """Tables that nobody uses yet."""
        return self.reading.known.created

    def finish(self) -> Iterator[Finding]:
        """What can be said only at its end: which of its own rows the new release could not insert."""
        for (table, column), (source, line) in self.forgotten.items():
            if self.columns.must_be_named((table, column)):
                what = f'this release leaves {table}."{column}" out, which has no default'
                yield source.find("M09", line, what)
