"""What becomes of a column, by its type there and its type here.

Each conversion names the rules under which a value does not fit, so that the plan finds such rows before anything is
moved; where one of them holds, the expression does not fail, though it may be NULL. For the proof it has the value's
canonical text twice: from the raw value there, not from what it was converted to, and from the value here.
"""

import re
from dataclasses import dataclass

from whitecross.adoption.sql import literal, quoted

# What Python and Django can read; PostgreSQL's own calendar reaches further, and knows "infinity". A moment at its very
# ends has no clock in the time zones on the other side of Greenwich.
FIRST, LAST = "0001-01-01", "9999-12-31"
FIRST_MOMENT, LAST_MOMENT = "0001-01-02", "9999-12-30 23:59:59.999999"
UUID = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
TEXTS = ("text", "character varying", "character")
WHOLE = {"smallint": 15, "integer": 31, "bigint": 63}  # bits
TIMES = ("timestamp without time zone", "timestamp with time zone")
# In JSON without escaped backslashes, where every backslash that is left escapes what follows it: NUL, and halves of a
# surrogate pair without the other half.
NO_CHARACTER = r"\\u0000|\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f]"
NOT_ASCII = r"\\u(?!00[0-7])"
# In JSON without its strings: a number of a thousand digits or more, or close to it.
NO_NUMBER = "[0-9]e[+-]?[0-9]{4}|[0-9]{200}[0-9]{200}"
STRING = r'"(\\.|[^"\\])*"'


@dataclass(frozen=True)
class Rule:
    """A rule that a row may break. `broken` is a condition on the row; `why` a sentence for people."""

    id: str
    columns: tuple[str, ...]
    broken: str
    why: str


@dataclass(frozen=True)
class Conversion:
    """`sql` is the value here, an enum's as text. `there` and `here` are its canonical texts; {} is the column here."""

    sql: str
    there: str
    here: str = "{}"
    rules: tuple[Rule, ...] = ()
    how: str | None = None


def conversion(
    name: str,
    there: str,
    here: str,
    *,
    enums_there: dict[str, list[str]],
    enums_here: dict[str, list[str]],
    rounding: bool = False,
) -> Conversion | None:
    """What becomes of the column `name` of type `there` in a column of type `here`; None where nobody knows.

    The row there is called t. `rounding` lets a number with more decimals than the column here be rounded.
    """
    raw = f"t.{quoted(name)}"
    (base, sizes), (goal, room) = _parts(there), _parts(here)
    if base == "character":
        raw = f"{raw}::text"  # without the blanks that fill it up, which mean nothing
    labels_there, labels_here = enums_there.get(base), enums_here.get(goal)
    if labels_here is not None:
        if labels_there is not None or base in TEXTS:
            return _to_enum(name, raw, base, goal, labels_there, labels_here)
        return None
    if goal in TIMES or goal == "date":
        return _to_time(name, raw, base, goal)
    if goal == "numeric" and base in ("numeric", *WHOLE):
        return _to_numeric(name, raw, base, sizes, room, rounding=rounding)
    if goal == "jsonb" and base == "json":
        return _to_jsonb(name, raw)
    if goal == "uuid" and base in TEXTS:
        return _to_uuid(name, raw)
    if goal in TEXTS and base in (*TEXTS, "uuid"):
        return _to_text(name, raw, base, sizes, room)
    if goal in WHOLE and base in WHOLE:
        return _to_whole(name, raw, base, goal)
    if base == goal or (goal == "text[]" and base in ("character varying[]", "text[]")):
        return Conversion(raw, f"{raw}::text[]" if goal == "text[]" else raw)
    return None


def _parts(type_: str) -> tuple[str, tuple[int, ...]]:
    """numeric(8,3) -> numeric, (8, 3); timestamp(3) with time zone keeps its name alone; an enum loses its quotes."""
    if type_.endswith("[]"):
        return re.sub(r"\(.*?\)", "", type_), ()
    sizes = (
        tuple(int(size) for size in re.findall(r"\d+", found[1])) if (found := re.search(r"\((.*?)\)", type_)) else ()
    )
    return re.sub(r"\(.*?\)", "", type_).strip('"'), sizes


def guarded(sql: str, rules: tuple[Rule, ...]) -> str:
    """The expression where no rule is broken, else NULL."""
    if not rules:
        return sql
    return f"CASE WHEN ({' OR '.join(rule.broken for rule in rules)}) IS NOT TRUE THEN {sql} END"


def _to_enum(name: str, raw: str, base: str, goal: str, there: list[str] | None, here: list[str]) -> Conversion:
    text = f"{raw}::text"
    rules: tuple[Rule, ...] = ()
    if there is None or not set(there) <= set(here):
        known = ", ".join(map(literal, here))
        rules = (Rule(f"{name}_label", (name,), f"{text} NOT IN ({known})", f"{name}: none of the labels of {goal}"),)
    return Conversion(guarded(text, rules), text, rules=rules, how=None if base == goal else f"{base} to {goal}")


def _to_time(name: str, raw: str, base: str, goal: str) -> Conversion | None:
    if base not in (*TIMES, "date") or (goal == "date" and base != "date"):
        return None
    first, last = (FIRST, LAST) if goal == "date" else (FIRST_MOMENT, LAST_MOMENT)
    rule = Rule(
        f"{name}_calendar",
        (name,),
        f"{raw} NOT BETWEEN {literal(first)} AND {literal(last)}",
        f"{name}: not a day between the years 1 and 9999, which is all that programs can read",
    )
    if base == goal:
        return Conversion(raw, raw, rules=(rule,))
    # A date reaches further than a timestamp.
    canonical = raw if base != "date" else guarded(f"{raw}::timestamp", (rule,))
    return Conversion(
        f"({canonical} AT TIME ZONE 'UTC')",
        canonical,
        "({} AT TIME ZONE 'UTC')",
        (rule,),
        "date to a moment, midnight UTC" if base == "date" else "a time without zone, read as UTC",
    )


def _to_numeric(
    name: str, raw: str, base: str, sizes: tuple[int, ...], room: tuple[int, ...], *, rounding: bool
) -> Conversion:
    if not room or (base == "numeric" and sizes == room):
        return Conversion(f"{raw}::numeric", f"trim_scale({raw}::numeric)", "trim_scale({})")
    digits, decimals = room
    beyond = Rule(
        f"{name}_size",
        (name,),
        # NaN and infinity are beyond every number.
        f"(abs({raw}::numeric) >= {10 ** (digits - decimals)} - {5 * 10 ** -(decimals + 1):.{decimals + 1}f})",
        f"{name}: no number below {10 ** (digits - decimals):,}",
    )
    finer = Rule(
        f"{name}_decimals",
        (name,),
        f"({raw}::numeric <> round({raw}::numeric, {decimals}))",
        f"{name}: more than {decimals} decimals; --round lets it be rounded",
    )
    rules = (beyond,) if rounding or base != "numeric" else (beyond, finer)
    exact = f"round({raw}::numeric, {decimals})" if rounding else f"{raw}::numeric"
    return Conversion(
        guarded(f"{raw}::numeric({digits},{decimals})", rules),
        f"trim_scale({exact})",
        "trim_scale({})",
        rules,
        f"{base} to {decimals} decimals" + (", rounded" if rounding else ""),
    )


def _to_jsonb(name: str, raw: str) -> Conversion:
    text = f"{raw}::text"
    escapes = f"replace({text}, {literal(2 * chr(92))}, '.')"
    # The strings are taken out only where it matters, as that reads the whole document once more.
    numbers = f"regexp_replace({text}, {literal(STRING)}, '', 'g')"
    unreadable = Rule(
        f"{name}_json",
        (name,),
        # PostgreSQL keeps json as it was typed and judges jsonb: no NUL, surrogates in pairs, numbers of its own size,
        # escapes of characters that the database's encoding has.
        f"""({escapes} ~* {literal(NO_CHARACTER)}
            OR ({text} ~* {literal(NO_NUMBER)} AND {numbers} ~* {literal(NO_NUMBER)})
            OR (current_setting('server_encoding') <> 'UTF8' AND {escapes} ~* {literal(NOT_ASCII)}))""",
        f"{name}: JSON with a NUL character, half a character or a number beyond all bounds, which jsonb cannot hold",
    )
    # jsonb keeps the last of the values of a key that stands twice: the others would be lost.
    twice = Rule(
        f"{name}_keys",
        (name,),
        f"""(CASE WHEN {unreadable.broken} THEN false WHEN {text} ~ ':[^:]*:' THEN EXISTS (
            WITH RECURSIVE part (value) AS (
                SELECT {raw}
                UNION ALL
                SELECT child.value FROM part, LATERAL (
                    SELECT value FROM json_each(
                        CASE json_typeof(part.value) WHEN 'object' THEN part.value ELSE '{{}}' END)
                    UNION ALL
                    SELECT value FROM json_array_elements(
                        CASE json_typeof(part.value) WHEN 'array' THEN part.value ELSE '[]' END)
                ) AS child
            )
            SELECT FROM part, LATERAL (
                SELECT FROM json_object_keys(
                    CASE json_typeof(part.value) WHEN 'object' THEN part.value ELSE '{{}}' END) AS key
                GROUP BY key HAVING count(*) > 1
            ) AS doubled
        ) ELSE false END)""",
        f"{name}: JSON in which a key stands twice, of which jsonb keeps one",
    )
    value = guarded(f"{raw}::jsonb", (unreadable,))
    return Conversion(value, value, rules=(unreadable, twice), how="json to jsonb")


def _to_uuid(name: str, raw: str) -> Conversion:
    rule = Rule(f"{name}_uuid", (name,), f"{raw} !~ {literal(UUID)}", f"{name}: not a UUID")
    return Conversion(guarded(f"{raw}::uuid", (rule,)), f"lower({raw})", "{}::text", (rule,), "text to uuid")


def _to_text(name: str, raw: str, base: str, sizes: tuple[int, ...], room: tuple[int, ...]) -> Conversion:
    text = raw if base in TEXTS else f"{raw}::text"
    if not room or (sizes and sizes[0] <= room[0]):
        return Conversion(text, text)
    rule = Rule(
        f"{name}_length", (name,), f"char_length({text}) > {room[0]}", f"{name}: more than {room[0]} characters"
    )
    return Conversion(guarded(text, (rule,)), text, rules=(rule,))


def _to_whole(name: str, raw: str, base: str, goal: str) -> Conversion:
    if WHOLE[base] <= WHOLE[goal]:
        return Conversion(raw, raw)
    most = 2 ** WHOLE[goal]
    rule = Rule(f"{name}_size", (name,), f"{raw} NOT BETWEEN {-most} AND {most - 1}", f"{name}: beyond {goal}")
    return Conversion(guarded(f"{raw}::{goal}", (rule,)), raw, rules=(rule,), how=f"{base} to {goal}")
