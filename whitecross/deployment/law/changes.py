"""What a statement changes in the schema, as far as the processes that run on it may notice."""

from collections.abc import Iterator
from dataclasses import dataclass

from whitecross.deployment.locks.statements import statements
from whitecross.deployment.locks.words import Words


@dataclass(frozen=True)
class Change:
    """One change: `kind` of what, on which table, and the name of the column, constraint, index, type or label."""

    kind: str
    table: str
    name: str


def changes_of(sql: str) -> list[Change]:
    """The changes that a text of statements makes, in its order."""
    return [change for one in statements(sql) for change in _changes(Words(one.tokens))]


def _changes(words: Words) -> Iterator[Change]:
    if words.take("alter table"):
        table = words.table()
        for action in words.parts():
            yield from _of_table(table, action)
    elif words.take("drop table"):
        words.take("if exists")
        yield from (Change("drop table", name, "") for name in (part.name() for part in words.parts()))
    elif words.take("drop index concurrently", "drop index"):
        words.take("if exists")
        yield from (Change("drop index", "", part.name()) for part in words.parts())
    elif words.take("create unique index concurrently", "create unique index"):
        words.take("if not exists")
        name = words.name()
        words.take("on")
        yield Change("add unique", words.table(), name)
    elif words.take("create constraint trigger", "create or replace trigger", "create trigger"):
        name = words.name()
        if on := words.after("on"):
            yield Change("add trigger", on.table(), name)
    elif words.take("drop type"):
        words.take("if exists")
        yield from (Change("drop type", "", part.name()) for part in words.parts())
    elif words.take("alter type"):
        name = words.name()
        if words.take("rename value"):
            yield Change("rename label", "", name)
        elif words.take("rename to"):
            yield Change("drop type", "", name)


def _of_table(table: str, action: Words) -> Iterator[Change]:
    if action.at("add constraint", "add check", "add unique", "add primary key", "add foreign key", "add exclude"):
        action.take("add constraint")
        name = "" if action.at("add") else action.name()
        if action.has("using index"):
            return
        yield Change("add unique" if action.at("unique", "add unique") else "add rule", table, name)
    elif action.take("add column", "add"):
        action.take("if not exists")
        name = action.name()
        has_default = action.has("default", "generated", "as identity")
        if action.has("not null", "primary key") and not has_default and not action.at("serial", "bigserial"):
            yield Change("add required column", table, name)
        else:
            kind = "add filled column" if action.has("not null", "primary key") else "add column"
            yield Change(kind, table, name)
    elif action.take("drop constraint"):
        action.take("if exists")
        yield Change("drop constraint", table, action.name())
    elif action.take("drop column", "drop"):
        action.take("if exists")
        yield Change("drop column", table, action.name())
    elif action.take("rename to"):
        yield Change("drop table", table, "")
    elif action.at("rename constraint"):
        return
    elif action.take("rename column", "rename"):
        yield Change("drop column", table, action.name())
    elif action.take("alter column", "alter"):
        name = action.name()
        kinds = {
            "type": "alter type",
            "set data type": "alter type",
            "set not null": "set not null",
            "drop default": "drop default",
        }
        yield from (Change(kind, table, name) for phrase, kind in kinds.items() if action.at(phrase))
