"""The locks of each kind of statement."""

from collections.abc import Callable, Collection
from dataclasses import replace

from whitecross.deployment.locks.alter_table import Known, alter_table, mode_named, referenced
from whitecross.deployment.locks.modes import AE, AS, RE, RS, SRE, SUE, UNNAMED, E, Lock, LockMode, S
from whitecross.deployment.locks.statements import Statement, Token, statements
from whitecross.deployment.locks.words import Words


class Reading:
    """Reads statements one after the other: what one has made or proven counts for those after it.

    A table created by one before is nobody's yet, so nothing is long on it; a column of which a validated CHECK says
    IS NOT NULL is not looked through again. `in_use`: tables that stand there, whatever a statement says of creating
    them.
    """

    def __init__(self, in_use: Collection[str] = ()) -> None:
        self.known = Known(in_use=frozenset(in_use))

    def locks(self, statement: Statement) -> list[Lock]:
        """The locks of the next statement."""
        return _locks(statement, self.known)


def locks_of(statement: str) -> list[Lock]:
    """The locks of one statement, or of several joined by `;`: one for each table and mode, in the order of the text.

    What a statement finds made or proven by one before it in the text counts, as for a Reading.
    """
    reading = Reading()
    found: dict[tuple[str, LockMode], Lock] = {}
    for one in statements(statement):
        for lock in reading.locks(one):
            key = lock.table, lock.mode
            if key not in found or (lock.is_long and not found[key].is_long):
                found[key] = lock
    return list(found.values())


def tables_created(statement: str) -> set[str]:
    """The tables that the statements create: not those that may stand there already, or stand in a schema apart."""
    reading = Reading()
    for one in statements(statement):
        reading.locks(one)
    return reading.known.created


def _locks(statement: Statement, known: Known) -> list[Lock]:
    words = Words(statement.tokens)
    if words.take("alter table"):
        found = alter_table(words, known)
        # A foreign key of a new table has no rows to look up in another.
        if found and found[0].table in known.created:
            return [_on_new(lock) for lock in found]
    elif words.at("create"):
        found = _create(words, known)
    else:
        found = next((read(words) for phrase, read in _READERS.items() if words.take(phrase)), [])
    return [_on_new(lock) if lock.table in known.created else lock for lock in found]


def _on_new(lock: Lock) -> Lock:
    return replace(lock, is_long=False, why=f"{lock.why}; the table is new") if lock.is_long else lock


def _create(words: Words, known: Known) -> list[Lock]:
    """Tables, indexes, triggers; types, functions, sequences and schemas lock no table."""
    words.take("create or replace", "create")
    words.take("global", "local")
    if words.take("temporary table", "temp table"):
        return []  # nobody else can see it
    words.take("temporary", "temp", "unlogged", "unique", "constraint", "recursive")
    if words.take("table"):
        return _create_table(words, known)
    if words.take("index"):
        return _create_index(words)
    if words.take("trigger"):
        name = words.name()
        return [*_on(words, SRE, f"adds the trigger {name}"), *_referenced_by_trigger(words)]
    if words.take("rule"):
        on = words.after("to")
        return [Lock(AE, on.name(), False, "adds a rule")] if on else []
    if words.take("policy"):
        return _on(words, AE, "adds a policy")
    if words.take("statistics"):
        on = words.after("from")
        return [Lock(SUE, on.name(), False, "adds statistics")] if on else []
    if words.take("view", "materialized view"):
        query = words.after("as")
        return _reads(query) if query else []
    return []


def _create_table(words: Words, known: Known) -> list[Lock]:
    may_stand = words.take("if not exists") or words.is_qualified()
    table = words.table()
    if not may_stand:
        known.create(table)
    found = [Lock(AE, table, False, "a new table, which nobody else sees")]
    if words.take("partition of"):
        found.append(Lock(AE, words.name(), False, f"{table} becomes a partition"))
        found.append(Lock(AE, UNNAMED, False, "the default partition, and the tables that the whole refers to"))
    elif parents := words.after("inherits"):
        found += [Lock(SUE, part.name(), False, f"{table} inherits from it") for part in parents.inside().parts()]
    elif query := words.after("as"):
        return found + _reads(query)
    return found + referenced(words, table, is_long=False)


def _create_index(words: Words) -> list[Lock]:
    concurrently = words.take("concurrently")
    words.take("if not exists")
    name = UNNAMED if words.at("on") else words.name()
    words.take("on")
    return [Lock(SUE if concurrently else S, words.table(), True, f"builds the index {name}".rstrip())]


def _referenced_by_trigger(words: Words) -> list[Lock]:
    """CREATE CONSTRAINT TRIGGER ... FROM another table."""
    on = words.after("on")
    if on is None:
        return []
    on.name()
    return [Lock(AS, on.name(), False, "a constraint trigger refers to it")] if on.take("from") else []


def _on(words: Words, mode: LockMode, why: str) -> list[Lock]:
    """The lock on the table that ON names."""
    on = words.after("on")
    return [Lock(mode, on.table(), False, why)] if on else []


def _drop_index(words: Words) -> list[Lock]:
    concurrently = words.take("concurrently")
    words.take("if exists")
    mode = SUE if concurrently else AE
    return [Lock(mode, UNNAMED, False, f"the table of the index {part.name()}") for part in words.parts()]


def _reindex(words: Words) -> list[Lock]:
    if words.opens():
        words = Words(words.rest[len(words.inside().rest) + 2 :])
    what = words.rest.pop(0).text if words.rest else ""
    mode = SUE if words.take("concurrently") else S
    name = words.name()
    if what == "table":
        return [Lock(mode, name, True, "builds its indexes anew")]
    if what == "index":
        return [Lock(mode, UNNAMED, True, f"the table of the index {name}, which is built anew")]
    return [Lock(mode, UNNAMED, True, f"every table of {what} {name}")]


def _comment(words: Words) -> list[Lock]:
    if words.take("table", "view", "materialized view"):
        return [Lock(SUE, words.name(), False, "a comment")]
    if words.take("column"):
        return [Lock(SUE, _table_of_column(words), False, "a comment")]
    return []


def _table_of_column(words: Words) -> str:
    """Of schema.table.column."""
    until = next((place for place, token in enumerate(words.rest) if token.is_word("is")), len(words.rest))
    names = [token.text for token in words.rest[:until] if token.is_name]
    return names[-2] if len(names) > 1 else UNNAMED


def _drop_table(words: Words) -> list[Lock]:
    words.take("if exists")
    names = [part.name() for part in words.parts()]
    others = Lock(AE, UNNAMED, False, f"the tables at the other end of foreign keys of {', '.join(names)}")
    return [*(Lock(AE, name, False, "drops the table") for name in names), others]


def _truncate(words: Words) -> list[Lock]:
    words.take("table")
    found = [Lock(AE, part.table(), False, "empties the table") for part in words.parts()]
    if any(token.is_word("cascade") for token in words.rest):
        found.append(Lock(AE, UNNAMED, False, "every table that refers to one of them is emptied too"))
    return found


def _lock_table(words: Words) -> list[Lock]:
    words.take("table")
    mode = mode_named(words)
    return [Lock(mode, part.table(), False, "LOCK TABLE") for part in words.parts()]


def _cluster(words: Words) -> list[Lock]:
    words.take("verbose")
    return [Lock(AE, words.name(), True, "writes the whole table anew in the order of an index")]


def _vacuum(words: Words) -> list[Lock]:
    options = words.inside() if words.opens() else words
    is_full = any(token.is_word("full") for token in options.rest)
    if words.opens():
        words = Words(words.rest[len(options.rest) + 2 :])
    while words.take("full", "freeze", "verbose", "analyze"):
        pass
    return [
        Lock(AE, part.name(), True, "writes the whole table anew")
        if is_full
        else Lock(SUE, part.name(), True, "looks for dead rows")
        for part in words.parts()
    ]


def _analyze(words: Words) -> list[Lock]:
    if words.opens():
        words = Words(words.rest[len(words.inside().rest) + 2 :])
    words.take("verbose")
    return [Lock(SUE, part.name(), True, "reads a sample of the rows") for part in words.parts()]


def _refresh(words: Words) -> list[Lock]:
    concurrently = words.take("concurrently")
    return [Lock(E if concurrently else AE, words.name(), True, "runs the query of the view")]


def _unknown(_: Words) -> list[Lock]:
    return [Lock(AE, UNNAMED, True, "a block of code may lock anything: its text does not say")]


_Reader = Callable[[Words], list[Lock]]
_CLAUSES_OF_FROM = {"extract", "substring", "trim", "overlay", "position"}


def _reads(query: Words) -> list[Lock]:
    """SELECT and what it reads."""
    return _rows(Words(query.rest))


def _rows(words: Words) -> list[Lock]:
    """Statements about rows: what they write, and what they read."""
    own = {
        token.text
        for token, *following in zip(words.rest, words.rest[1:], words.rest[2:], strict=False)
        if token.is_name and following[0].is_word("as") and (following[1].text == "(" or following[1].is_word("not"))
    }
    found, within = list[Lock](), list[str]()
    for place, token in enumerate(words.rest):
        before = words.rest[place - 1] if place else None
        rest = Words(words.rest[place + 1 :])
        if token.kind == "sign" and token.text in "()":
            _nest(within, token, before)
        elif token.is_word("into") and before and before.is_word("insert", "merge"):
            found.append(Lock(RE, rest.table(), False, "writes rows", is_of_rows=before.is_word("merge")))
        elif token.is_word("update") and not (before and before.is_word("for", "key", "do", "on", "then")):
            found.append(Lock(RE, rest.table(), False, "changes rows", is_of_rows=True))
        elif token.is_word("from") and before and before.is_word("delete"):
            found.append(Lock(RE, rest.table(), False, "removes rows", is_of_rows=True))
        elif token.is_word("from", "join", "using") and not _is_no_source(within, before):
            found += [Lock(AS, name, False, "reads rows", is_of_rows=True) for name in _sources(rest)]
    locking = words.has("for update", "for no key update", "for share", "for key share")
    return [
        replace(lock, mode=RS, why="locks rows") if locking and lock.mode is AS else lock
        for lock in found
        if lock.table and lock.table not in own
    ]


def _nest(within: list[str], token: Token, before: Token | None) -> None:
    if token.text == "(":
        within.append(before.text if before and before.is_name else "")
    elif within:
        within.pop()


def _is_no_source(within: list[str], before: Token | None) -> bool:
    return bool((within and within[-1] in _CLAUSES_OF_FROM) or (before and before.is_word("distinct")))


def _sources(words: Words) -> list[str]:
    """The tables of a list after FROM: not its subqueries, whose own FROM comes later, and not its functions."""
    names = []
    for part in words.parts():
        part.take("lateral")
        name = part.table()
        if name and not part.opens():
            names.append(name)
        if part.has("where", "group by", "order by", "limit", "on", "join", "set", "union", "returning"):
            break
    return names


def _statement(first: str) -> _Reader:
    return lambda words: _rows(Words([Token("word", first, 0, 0), *words.rest]))


_READERS: dict[str, _Reader] = {
    "drop index": _drop_index,
    "drop table": _drop_table,
    "drop trigger": lambda words: _on(words, AE, "drops a trigger"),
    "drop policy": lambda words: _on(words, AE, "drops a policy"),
    "drop rule": lambda words: _on(words, AE, "drops a rule"),
    "alter trigger": lambda words: _on(words, AE, "renames a trigger"),
    "alter policy": lambda words: _on(words, AE, "changes a policy"),
    "comment on": _comment,
    "truncate": _truncate,
    "lock": _lock_table,
    "reindex": _reindex,
    "cluster": _cluster,
    "vacuum": _vacuum,
    "analyze": _analyze,
    "refresh materialized view": _refresh,
    "do": _unknown,
    "call": _unknown,
    **{first: _statement(first) for first in ("select", "with", "insert", "update", "delete", "merge")},
}
