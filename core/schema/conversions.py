"""How a value of one PostgreSQL type becomes one of another, and whether it may lose something on the way. Pure."""

import re

NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
STRINGS = ("text", "character varying", "character")
MOMENTS = ("date", "timestamp without time zone", "timestamp with time zone")
INTEGERS = NUMBERS[:3]


def _family(type_: str) -> str:
    """A type without its length or precision, as in `numeric(8,3)` and `timestamp(3) with time zone`."""
    return re.sub(r"\(.*?\)", "", type_)


def _numbers_of(type_: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", type_.partition("(")[2].partition(")")[0])]


def conversion(value: str, actual: str, wanted: str) -> str:
    """How a value becomes one of the wanted type; empty where PostgreSQL assigns it, and refuses what is too long."""
    old, new = _family(actual), _family(wanted)
    # Not in the time zone of whoever types it: the application's sessions are in UTC.
    if {old, new} == set(MOMENTS[1:]):
        return f"{value} AT TIME ZONE 'UTC'"
    if (old, new) == ("timestamp with time zone", "date"):
        return f"({value} AT TIME ZONE 'UTC')::date"
    if (old, new) == ("date", "timestamp with time zone"):
        return f"{value}::timestamp AT TIME ZONE 'UTC'"
    if new in STRINGS or old == new or any({old, new} <= set(family) for family in (NUMBERS, MOMENTS)):
        return ""
    if {old, new} == {"json", "jsonb"}:
        return ""
    if {old, new} == {"boolean", "integer"}:
        return f"{value}::{wanted}"
    return f"{value}::text::{wanted}"


def are_numbers(*types: str) -> bool:
    """Whether all are numbers, which are equal whatever their digits: 1.50 is 1.5."""
    return all(_family(one) in NUMBERS for one in types)


def keeps_every_value(actual: str, wanted: str) -> bool:
    """Whether each value either stays what it is or is refused, whatever it is."""
    old, new = _family(actual), _family(wanted)
    if wanted == "text" or wanted.startswith('"'):  # a label that the enum type lacks is refused
        return True
    if old in INTEGERS and new in INTEGERS:
        return True  # one too large is refused
    narrow, wide = _numbers_of(actual), _numbers_of(wanted)
    if old == new == "numeric":
        return not wide or (bool(narrow) and len(narrow) == len(wide) == 2 and narrow[1] <= wide[1])
    if old == new == "character varying":
        return not wide or (bool(narrow) and narrow[0] <= wide[0])
    plain = not narrow and not wide
    return plain and {old, new} == set(MOMENTS[1:])
