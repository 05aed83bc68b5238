"""What was begun and not ended: taking over the predecessor's records."""

from collections.abc import Iterator

from whitecross.adoption.moving import RECORD
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, note, warning
from whitecross.deployment.doctor.look import Look

THERE = "SELECT to_regclass(%(name)s) IS NOT NULL AS there"
ADOPTION = f"SELECT in_place, adopted IS NOT NULL AS done, begun::date AS day FROM {RECORD}"  # noqa: S608 - a constant


@check("D26", Severity.WARNING, "Was an adoption begun and not finished?")
def adoption(look: Look) -> Iterator[Finding]:
    """docs/adoption.md."""
    (table,) = look.rows(THERE, {"name": RECORD})
    for found in look.rows(ADOPTION) if table.there else ():
        if found.done:
            step = Step("python manage.py adopt --finish", "when nobody will go back; it drops what was left there")
            yield note("adoption", f"begun on {found.day} and done; the way back is still kept", step)
        else:
            source = "" if found.in_place else " --source URL"
            step = Step(f"python manage.py adopt{source}", "it goes on where it stopped")
            yield warning("adoption", f"begun on {found.day}, and not ended: records are missing here", step)
