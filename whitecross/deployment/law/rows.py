"""Statements that change rows of tables in use: all of them, or those that they name by a key."""

from whitecross.deployment.law.running import Running
from whitecross.deployment.locks import LockMode, Reading, Statement
from whitecross.deployment.locks.words import Words


def changed_at_large(statement: Statement, now: Running) -> set[str]:
    """The tables in use of which the statement changes or removes rows that it does not name one by one."""
    changed = {
        lock.table
        for lock in Reading().locks(statement)
        if lock.is_of_rows and lock.mode is LockMode.ROW_EXCLUSIVE and lock.table in now.tables
    }
    if len(changed) == 1 and statement.tokens[0].is_word("update", "delete"):
        (table,) = changed
        named = _named(Words(statement.tokens))
        if any(key <= named for key in now.keys.get(table, ())):
            return set()
    return changed


def _named(words: Words) -> frozenset[str]:
    """The columns that WHERE compares with literals, by `=` or IN."""
    where = words.after("where")
    if where is None or where.has("or"):
        return frozenset()
    named, rest = set[str](), where
    while True:
        following = rest.after("and")
        until = len(rest.rest) - len(following.rest) - 1 if following else len(rest.rest)
        condition = Words(rest.rest[:until])
        column = condition.name()
        if _compares_with_literals(condition):
            named.add(column)
        if following is None:
            return frozenset(named)
        rest = following


def _compares_with_literals(condition: Words) -> bool:
    if condition.take("in"):
        inside = condition.inside().rest if condition.opens() else []
        return bool(inside) and all(token.kind in ("string", "number") or token.text == "," for token in inside)
    if len(condition.rest) < 2 or condition.rest[0].text != "=":
        return False
    value = condition.rest[1:]
    is_parameter = value[0].text == "%" and len(value) > 1 and value[1].text == "s"
    return is_parameter or value[0].kind in ("string", "number")
