"""The schema as verify_schema sees it, in two parts: enum types, and the rest."""

import re
from collections.abc import Iterator

from core.schema.advice import ONLY_IF_NONE
from core.schema.compare import Difference
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken, warning
from whitecross.deployment.doctor.indexes import doubled
from whitecross.deployment.doctor.look import Look

# Other checks say these, for tables of yours too.
SAID_ELSEWHERE = (
    "constraint not validated",
    "constraint not enforced",
    "trigger disabled",
    "index invalid",
    "triggers silenced",
)
# What endangers rows comes first in docs/verify-schema.md; these kinds are all that do not.
KEEPS = re.compile(
    r"index|column (type|extra)|collation|nullability|default|identity|generated column|sequence|storage parameters"
    r"|(constraint|trigger|column) (renamed|extra)|setting missing|enum labels (extra|order)"
    r"|snapshot out of date|model without migration|migration unknown"
)
# What no migration mends.
OF_CODE = re.compile(r"migration unknown|snapshot out of date|model without migration|not readable")
_COMMAND = re.compile(
    r"(?P<say>.*?)[:,]?\s*(?:then )?(?P<run>"
    r"(?:ALTER|BEGIN|CREATE|DROP|GRANT|REINDEX|SELECT) .*;|BEGIN; .*;|python manage\.py .*)",
    re.DOTALL,
)


PREDECESSOR = """
SELECT to_regclass('"SequelizeMeta"') IS NOT NULL AND to_regclass('django_migrations') IS NULL AS is_it
"""


def _is_the_predecessors(look: Look) -> bool:
    (found,) = look.rows(PREDECESSOR)
    return bool(found.is_it)


@check("D04", Severity.BROKEN, "Is the schema as the models and migrations say?")
def drift(look: Look) -> Iterator[Finding]:
    """As verify_schema, without what other checks say. Of the predecessor's database all of it differs."""
    if _is_the_predecessors(look):
        step = Step("python manage.py adopt --plan", "see docs/adoption.md")
        yield broken(look.database, "its tables are the predecessor's, and not taken over yet", step)
        return
    if look.unapplied:
        yield from _behind(look)
        return
    doubles = {f"{other.relation}.{other.bare}" for _, other in doubled(look)}
    for difference in look.schema.differences:
        if difference.kind.startswith(("enum", *SAID_ELSEWHERE)):
            continue
        if difference.kind == "trigger mode" and difference.found == "in replica mode only":
            continue
        if difference.kind == "constraint missing" and difference.expected.startswith("PRIMARY KEY"):
            continue
        if difference.kind == "index extra" and difference.advice.startswith("a build that failed"):
            continue
        if difference.kind == "index extra" and difference.object in doubles:
            continue
        yield _finding(difference)


@check("D05", Severity.BROKEN, "Do the enum types have the labels that the code knows?")
def enums(look: Look) -> Iterator[Finding]:
    """As verify_schema."""
    if _is_the_predecessors(look) or look.unapplied:
        return
    for difference in look.schema.differences:
        if difference.kind.startswith("enum"):
            yield _finding(difference)


def _behind(look: Look) -> Iterator[Finding]:
    """The migrations alone: what they will make is missing, and whoever made it by hand would be in their way."""
    first, number = look.unapplied[0], len(look.unapplied)
    of_code = [one for one in look.schema.differences if OF_CODE.match(one.kind)]
    others = len(look.schema.differences) - number - len(of_code)
    they = f"{first.object} is" if number == 1 else f"{number} migrations, from {first.object} on, are"
    later = "; what else differs may be what they make, and is told once they are applied" if others else ""
    yield broken(look.database, f"{they} not applied{later}", Step("python manage.py upgrade"))
    yield from map(_finding, of_code)


def _finding(difference: Difference) -> Finding:
    said = f"{difference.kind}: expected {difference.expected}; found {difference.found}"
    how_badly = warning if KEEPS.match(difference.kind) else broken
    steps = commands_of(difference.advice)
    if not steps:  # there is nothing to type
        return how_badly(difference.object, f"{said}. To do: {difference.advice}")
    return how_badly(difference.object, said, *steps)


def commands_of(advice: str) -> list[Step]:
    """The commands of an advice, each with what is said before it; none where any part of it is a sentence alone."""
    first, _, then = advice.partition(ONLY_IF_NONE)
    parts = [first, f"{ONLY_IF_NONE.strip()} {then}"] if then else [first]
    commands = [_COMMAND.fullmatch(part) for part in parts]
    return [Step(command["run"], command["say"]) for command in commands if command] if all(commands) else []
