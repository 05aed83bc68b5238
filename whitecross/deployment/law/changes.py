"""What a statement changes in the schema, as far as the processes that run on it may notice."""

from collections.abc import Iterator
from dataclasses import dataclass

from whitecross.deployment.locks.alter_table import not_null
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
    elif words.at("create"):
        yield from _created(words)
    elif words.at("drop"):
        yield from _dropped(words)
    elif words.take("alter type"):
        name = words.name()
        if words.take("rename value"):
            yield Change("drop label", "", name)
        elif words.at("rename to", "set schema"):
            yield Change("drop type", "", name)
    elif words.take("alter index"):
        words.take("if exists")
        name = words.name()
        if words.at("rename to"):
            yield Change("rename index", "", name)
    elif words.take("alter schema"):
        name = words.name()
        if words.at("rename to"):
            yield Change("drop schema", "", name)
    elif words.take("truncate table", "truncate"):
        yield from (Change("empty table", part.table(), "") for part in words.parts())
    elif words.take("revoke"):
        yield _revoked(words.after("on"))


def _revoked(on: Words | None) -> Change:
    """Of a table, of a function, or (without names) of something else."""
    if on and on.take("function", "procedure", "routine"):
        return Change("revoke", "", on.name())
    if on and (on.take("table") or not on.at(*OTHERS_WITH_RIGHTS)):
        return Change("revoke", on.table(), "")
    return Change("revoke", "", "")


def _created(words: Words) -> Iterator[Change]:
    replaces = words.take("create or replace")
    words.take("create")
    if words.take("unique index concurrently", "unique index"):
        words.take("if not exists")
        name = "" if words.at("on") else words.name()
        words.take("on")
        yield Change("add unique", words.table(), name)
    elif words.take("constraint trigger", "trigger"):
        name = words.name()
        if on := words.after("on"):
            yield Change("add trigger", on.table(), name)
    elif words.take("function", "procedure"):
        yield Change("replace function" if replaces else "create function", "", words.name())
    elif words.take("policy"):
        name = words.name()
        if on := words.after("on"):
            yield Change("add rule", on.table(), name)


def _dropped(words: Words) -> Iterator[Change]:
    words.take("drop")
    if words.take("table"):
        yield from (Change("drop table", name, "") for name in _names(words))
    elif words.take("index concurrently", "index"):
        yield from (Change("drop index", "", name) for name in _names(words))
    elif words.take("type"):
        yield from (Change("drop type", "", name) for name in _names(words))
    elif words.take("schema"):
        yield from (Change("drop schema", "", name) for name in _names(words))
    elif words.take("function", "procedure"):
        yield from (Change("drop function", "", name) for name in _names(words))
    elif words.take("owned by"):
        yield Change("drop owned", "", words.name())
    elif words.take("trigger"):
        words.take("if exists")
        name = words.name()
        if words.take("on"):
            yield Change("drop trigger", words.table(), name)


def _names(words: Words) -> Iterator[str]:
    words.take("if exists")
    yield from (part.name() for part in words.parts())


def _of_table(table: str, action: Words) -> Iterator[Change]:
    if action.at("add constraint", "add check", "add unique", "add primary key", "add foreign key", "add exclude"):
        action.take("add constraint")
        name = "" if action.at("add") else action.name()
        yield from _constraint(table, name, action)
    elif action.take("add column", "add"):
        action.take("if not exists")
        name = action.name()
        is_required, fills_in = action.has("not null", "primary key"), _fills_in(action)
        if is_required:
            yield Change("add filled column" if fills_in else "add required column", table, name)
        else:
            yield Change("add defaulted column" if fills_in else "add column", table, name)
    elif action.take("drop constraint"):
        action.take("if exists")
        yield Change("drop constraint", table, action.name())
    elif action.take("drop column", "drop"):
        action.take("if exists")
        yield Change("drop column", table, action.name())
    elif action.at("rename to", "set schema"):
        yield Change("drop table", table, "")
    elif action.take("rename constraint"):
        yield Change("drop constraint", table, action.name())
    elif action.take("rename column", "rename"):
        yield Change("drop column", table, action.name())
    elif action.take("disable trigger", "disable rule"):
        yield Change("drop trigger", table, action.name())
    elif action.at("enable row level security", "force row level security"):
        yield Change("add rule", table, "row level security")
    elif action.take("alter column", "alter"):
        name = action.name()
        yield from (Change(kind, table, name) for phrase, kind in OF_COLUMNS.items() if action.at(phrase))


OTHERS_WITH_RIGHTS = ("all", "schema", "sequence", "database", "type", "domain", "language", "parameter", "foreign")
OF_COLUMNS = {
    "type": "alter type",
    "set data type": "alter type",
    "set not null": "set not null",
    "drop not null": "drop not null",
    "set default": "set default",
    "set default null": "drop default",  # after the one above, as both phrases stand there
    "add generated": "set default",
    "drop default": "drop default",
    "drop identity": "drop default",
    "drop expression": "drop default",
}


def _fills_in(column: Words) -> bool:
    """Whether the database fills the column where an INSERT does not name it."""
    default = column.after("default")
    if default is not None and not default.at("null"):
        return True
    return column.has("generated", "as identity") or column.at("serial", "bigserial", "smallserial")


def _constraint(table: str, name: str, definition: Words) -> Iterator[Change]:
    definition.take("add")
    if definition.has("using index"):  # which was told of when it was built
        return
    if definition.at("unique", "primary key"):
        yield Change("add unique", table, name)
    elif definition.take("check") and (column := not_null(definition)):
        yield Change("set not null", table, column)
    else:
        yield Change("add rule", table, name)
