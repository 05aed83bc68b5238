"""ALTER TABLE: each of its actions, and the lock that it needs.

After the function AlterTableGetLockLevel of PostgreSQL's tablecmds.c, which is the same in versions 15 to 18.
"""

from dataclasses import dataclass, field

from whitecross.deployment.locks.modes import AE, SRE, SUE, UNNAMED, Lock, LockMode
from whitecross.deployment.locks.words import Words

# Where the definition of a column goes on after its default.
_CLAUSES = ("not", "null", "constraint", "check", "unique", "primary", "references", "generated", "collate")
# Functions whose value is one for the whole statement, so that ADD COLUMN need not compute it for each row. Any other
# may be volatile. In front of a parenthesis these can stand too: types, keywords.
_STEADY = {"now", "transaction_timestamp", "statement_timestamp", "current_timestamp", "localtimestamp"}
_STEADY |= {"current_setting", "current_schema", "coalesce", "nullif", "lower", "upper", "make_date", "make_interval"}
_STEADY |= {"to_jsonb", "jsonb_build_array", "jsonb_build_object", "array", "cast", "row", "in", "and", "or"}
_STEADY |= {"bit", "char", "character", "varying", "varchar", "numeric", "decimal", "interval"}
_STEADY |= {"time", "timetz", "timestamp", "timestamptz"}


@dataclass
class Known:
    """What the statements before have made and proven, and what whoever asks knows besides."""

    in_use: frozenset[str] = frozenset()  # tables that no statement creates, as they stand there
    created: set[str] = field(default_factory=set)
    checks: dict[tuple[str, str], str] = field(default_factory=dict)  # of CHECK (column IS NOT NULL): the column
    proven: set[tuple[str, str]] = field(default_factory=set)  # columns in which no row has a NULL
    # Of columns whose every value stays as it is stored when their type changes: what is done all the same, if anything
    widened: dict[tuple[str, str], str] = field(default_factory=dict)

    def create(self, table: str) -> None:
        """A statement makes this table."""
        if table not in self.in_use:
            self.created.add(table)


def alter_table(words: Words, known: Known) -> list[Lock]:
    """One lock on the table, the strongest that one of the actions needs, and those on other tables."""
    table = words.table()
    own, others = list[Lock](), list[Lock]()
    for action in words.parts():
        for lock in _action(table, action, known):
            (own if lock.table == table else others).append(lock)
    if not own:
        return others
    strongest = max((lock.mode for lock in own), key=lambda mode: mode.strength)
    longest = max(own, key=lambda lock: (lock.is_long, lock.mode.strength))
    return [Lock(strongest, table, longest.is_long, longest.why), *others]


def _action(table: str, action: Words, known: Known) -> list[Lock]:
    if action.take("add constraint"):
        return _add_constraint(table, action.name(), action, known)
    if action.at("add check", "add unique", "add primary key", "add foreign key", "add exclude", "add not null"):
        action.take("add")
        return _add_constraint(table, UNNAMED, action, known)
    if action.take("add column", "add"):
        return _add_column(table, action)
    if action.take("alter constraint"):
        return [Lock(AE, table, False, f"changes {action.name()}")]
    if action.take("alter column", "alter"):
        return _alter_column(table, action.name(), action, known)
    if action.take("validate constraint"):
        name = action.name()
        if column := known.checks.get((table, name)):
            known.proven.add((table, column))
        return [Lock(SUE, table, True, f"looks at every row for {name}")]
    if action.at("drop"):
        return _drop(table, action, known)
    if action.at("attach partition", "detach partition", "inherit", "no inherit"):
        return _lineage(table, action)
    if table in known.created and (renamed := action.after("rename to")):
        known.create(renamed.name())
    return [_of_the_whole(table, action)]


def _add_constraint(table: str, name: str, action: Words, known: Known) -> list[Lock]:
    what = name or "the constraint"
    is_long = not action.has("not valid")
    looks = f"looks at every row for {what}" if is_long else f"adds {what}, which later rows have to keep"
    if action.take("foreign key"):
        return [Lock(SRE, table, is_long, looks), *referenced(action, table, is_long=is_long)]
    if action.take("check"):
        if name and (column := not_null(action)):
            known.checks[table, name] = column
            if is_long:
                known.proven.add((table, column))
        return [Lock(AE, table, is_long, looks)]
    if action.take("not null"):
        return [Lock(AE, table, is_long, looks)]
    if action.has("using index"):
        return [Lock(AE, table, False, f"makes {what} of an index that stands there")]
    return [Lock(AE, table, True, f"builds the index of {what}")]


def not_null(check: Words) -> str:
    """The column of CHECK (column IS NOT NULL), after the word CHECK; what it is read from stays."""
    condition = check.inside() if check.opens() else Words(check.rest)
    while condition.opens():
        condition = condition.inside()
    column = condition.name()
    return column if condition.take("is not null") and not condition.rest else UNNAMED


def referenced(words: Words, table: str, *, is_long: bool) -> list[Lock]:
    """The locks on the tables that REFERENCES names: within or outside parentheses."""
    found = []
    for place, token in enumerate(words.rest):
        if token.is_word("references"):
            other = Words(words.rest[place + 1 :]).name()
            if other != table:
                why = f"looks up every row of {table} in it" if is_long else f"a foreign key of {table} refers to it"
                found.append(Lock(SRE, other, is_long, why))
    return found


def _add_column(table: str, action: Words) -> list[Lock]:
    action.take("if not exists")
    column = action.name()
    default = _default(action)
    is_filled = bool(default.rest) and not (default.at("null") and len(default.rest) == 1)
    why, is_long = f"adds the column {column}", True
    if action.at("serial", "bigserial", "smallserial") or action.has("generated by default", "as identity"):
        why = f"writes a number into every row for {column}"
    elif action.has("generated always as") and not action.has("virtual"):
        why = f"computes {column} in every row"
    elif _may_be_volatile(default):
        why = f"computes the default of {column} anew for every row"
    elif action.has("unique", "primary key"):
        why = f"builds the index of {column}"
    elif action.has("check"):
        why = f"looks at every row for the CHECK of {column}"
    elif action.has("not null") and not is_filled:
        why = f"looks whether there is a row, which would lack {column}"
    elif is_filled and action.has("references"):
        why = f"looks up the default of {column} for every row"
    else:
        is_long = False
    looks_up = is_filled and action.has("references")
    return [Lock(AE, table, is_long, why), *referenced(action, table, is_long=looks_up)]


def _default(action: Words) -> Words:
    """The expression after DEFAULT."""
    given = action.after("default")
    if given is None:
        return Words([])
    ends = (place for place in given.outside() if place and given.rest[place].is_word(*_CLAUSES))
    return Words(given.rest[: next(ends, len(given.rest))])


def _may_be_volatile(expression: Words) -> bool:
    calls = zip(expression.rest, expression.rest[1:], strict=False)
    return any(
        token.is_name and following.text == "(" and following.kind == "sign" and token.text not in _STEADY
        for token, following in calls
    )


def _alter_column(table: str, column: str, action: Words, known: Known) -> list[Lock]:
    if action.take("type", "set data type"):
        if (meanwhile := known.widened.get((table, column))) is not None:
            return [Lock(AE, table, bool(meanwhile), meanwhile or f"lets {column} hold more, which rewrites nothing")]
        return [Lock(AE, table, True, f"writes every row anew for the type of {column}, unless it only widens")]
    if action.take("set not null"):
        if (table, column) in known.proven:
            return [Lock(AE, table, False, f"makes {column} NOT NULL, which a CHECK has proven")]
        return [Lock(AE, table, True, f"looks at every row for a NULL in {column}")]
    if action.at("set expression"):
        return [Lock(AE, table, True, f"computes {column} anew in every row")]
    if action.take("set statistics") or (action.take("set", "reset") and action.opens()):
        return [Lock(SUE, table, False, f"changes what the planner is told of {column}")]
    return [Lock(AE, table, False, f"changes the column {column}")]


def _drop(table: str, action: Words, known: Known) -> list[Lock]:
    is_constraint = action.take("drop constraint")
    if not is_constraint:
        action.take("drop column", "drop")
    action.take("if exists")
    name = action.name()
    found = [Lock(AE, table, False, f"drops {name}" if is_constraint else f"drops the column {name}")]
    if is_constraint and (column := known.checks.pop((table, name), UNNAMED)):
        known.proven.discard((table, column))
        return found
    return [*found, Lock(AE, UNNAMED, False, f"the table that {name} refers to, if it is a foreign key")]


def _lineage(table: str, action: Words) -> list[Lock]:
    if action.take("inherit", "no inherit"):
        parent = action.name()
        return [Lock(AE, table, False, f"changes its parent {parent}"), Lock(SUE, parent, False, f"of {table}")]
    attaches = action.take("attach partition")
    if not attaches:
        action.take("detach partition")
    child = action.name()
    weak = attaches or action.at("concurrently", "finalize")
    why = "looks at every row for the bounds of the partition" if attaches else "is no partition any more"
    return [
        Lock(SUE if weak else AE, table, False, f"changes its partition {child}"),
        Lock(AE, child, attaches, why),
        Lock(AE, UNNAMED, False, f"the default partition of {table}, the tables that {table} refers to"),
    ]


def _of_the_whole(table: str, action: Words) -> Lock:
    what = " ".join(token.text.upper() for token in action.rest[:2] if token.kind == "word")
    if action.at("set logged", "set unlogged", "set tablespace", "set access method"):
        return Lock(AE, table, True, f"writes the whole table anew: {what}")
    if action.take("enable", "disable"):
        action.take("always", "replica")
        if action.at("trigger"):
            return Lock(SRE, table, False, "switches a trigger on or off")
        return Lock(AE, table, False, what)
    if action.at("cluster on", "set without cluster") or (action.take("set", "reset") and action.opens()):
        return Lock(SUE, table, False, "sets storage parameters")
    return Lock(AE, table, False, what)


def mode_named(words: Words) -> LockMode:
    """The mode that LOCK TABLE ... IN names; ACCESS EXCLUSIVE where it names none."""
    given = words.after("in")
    text = " ".join(token.text for token in given.rest).upper() if given else ""
    return next((mode for mode in reversed(LockMode) if text.startswith(f"{mode.value} MODE")), AE)
