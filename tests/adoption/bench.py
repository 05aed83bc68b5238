"""A bench on which a conversion is tried, many values in one statement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whitecross.adoption.conversions import conversion
from whitecross.adoption.sql import literal

T = TypeVar("T")
quick = settings(
    derandomize=True, max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Characters that text in PostgreSQL can hold.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters, max_size=12) | st.sampled_from(
    ["", " ", "NULL", "\\N", "O'Brien", '"', "%s", "😷", "e\u0301"]
)


def many(values: st.SearchStrategy[T], *, unique: bool = False) -> st.SearchStrategy[list[T]]:
    """Enough for one statement."""
    return st.lists(values, min_size=20, max_size=50, unique=unique)


@dataclass(frozen=True)
class Outcome:
    """What became of a value: the rules that it breaks, whether both canonical texts agree, and the value here."""

    broken: frozenset[str]
    is_same: bool
    value: Any


class Bench:
    """Two temporary tables, of the type there and of the type here, and a conversion between them."""

    def __init__(self, there: str, here: str, **choices: Any) -> None:
        enums = {"enums_there": {}, "enums_here": {}, **choices}
        made = conversion("v", there, here, **enums)
        assert made is not None, (there, here)
        self.made, self.there = made, there
        self.enum = here if here.strip('"') in enums["enums_here"] else None
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMP TABLE there (n int, v {there}); CREATE TEMP TABLE here (n int, v {here})")

    def outcomes(self, values: Sequence[str | None], shown: str = "h.v::text") -> list[Outcome]:
        """Convert values, given as texts, all at once; raises whatever the database does. `shown` is the value here."""
        rules = ", ".join(f"CASE WHEN {rule.broken} THEN {literal(rule.id)} END" for rule in self.made.rules)
        cast = f"::{self.enum}" if self.enum else ""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO there SELECT n, v::{self.there} FROM unnest(%s::text[]) WITH ORDINALITY AS g (v, n)",
                [list(values)],
            )
            cursor.execute(
                "CREATE TEMP TABLE made AS"
                f" SELECT n, array_remove(ARRAY[{rules}]::text[], NULL) AS broken, {self.made.sql} AS v FROM there AS t"
            )
            cursor.execute(f"INSERT INTO here SELECT n, v{cast} FROM made WHERE broken = '{{}}'")
            canonical = self.made.here.replace("{}", "h.v")
            cursor.execute(
                f"SELECT broken, ROW({self.made.there})::text = ROW({canonical})::text, {shown} FROM there AS t"
                " JOIN made USING (n) LEFT JOIN here AS h USING (n) ORDER BY n"
            )
            found = [Outcome(frozenset(broken), same, value) for broken, same, value in cursor.fetchall()]
            transaction.set_rollback(True)
        for value, outcome in zip(values, found, strict=True):
            # One of the two: it does not fit, or it is here, the same.
            assert outcome.broken or outcome.is_same, value
            assert (outcome.value is None) == (value is None or bool(outcome.broken)), value
        return found


def agrees(
    bench: Bench,
    values: st.SearchStrategy[Any],
    expected: Callable[[Any], Any],
    *,
    write: Callable[[Any], str] = str,
    read: Callable[[Any], Any] = lambda value: value,
    shown: str = "h.v::text",
    always: Sequence[Any] = (),
) -> None:
    """Whether the database says of each value what Python expects: a set of rules that it breaks, or the value here."""

    def check(some: Sequence[Any]) -> None:
        written = [None if value is None else write(value) for value in some]
        for value, outcome in zip(some, bench.outcomes(written, shown), strict=True):
            if value is None:
                assert outcome.broken == set()
                continue
            wanted = expected(value)
            if isinstance(wanted, set):
                assert outcome.broken == wanted, value
            else:
                assert outcome.broken == set(), value
                assert read(outcome.value) == wanted, value

    check([None, *always])
    quick(given(many(values | st.none()))(check))()
