"""The server: WAL that is kept for nobody, settings that let records into its log or put them at risk, its version.

What a server of a developer's does is a note; production makes it what it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from core.schema.advice import literal, quoted
from whitecross.adoption.reporting import size
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken, note, warning
from whitecross.deployment.doctor.look import Look

KEPT_BYTES = 1024**3  # WAL that a slot may keep for a standby that is away for a while
# The minor releases that the tests of this release run on; what is older lacks repairs.
TESTED = {15: 18, 17: 10, 18: 4}

# Of every database: the WAL is the whole server's, and so is its disk.
SLOTS = """
SELECT slot_name AS name, nullif(database, current_database()) AS elsewhere, active,
       wal_status AS status, xmin IS NOT NULL AS keeps_rows,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                       restart_lsn)::bigint AS bytes,
       (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user) AS may_drop
FROM pg_replication_slots
WHERE NOT temporary
ORDER BY slot_name
"""
SETTINGS = "SELECT name, setting, source FROM pg_settings WHERE name = ANY(%(names)s) ORDER BY name"
CHECKSUMS = "SELECT current_setting('data_checksums') = 'on' AS there"
DAMAGE = """
SELECT coalesce(datname, 'shared tables') AS name, checksum_failures AS number FROM pg_stat_database
WHERE checksum_failures > 0 ORDER BY 1
"""

TELLING = ("debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error")


@dataclass(frozen=True)
class Danger:
    """A setting, when it is dangerous, to what it should be set, and why."""

    when: Callable[[str], bool]
    safe: str
    why: str


QUOTES = "statements in the server's log hold health records as literals"
IN_THE_LOG = {
    "log_min_error_statement": Danger(
        lambda value: value in TELLING, "panic", f"each statement that fails is logged: {QUOTES}"
    ),
    "log_error_verbosity": Danger(
        lambda value: value != "terse", "terse", "the DETAIL of an error quotes the row that breaks a rule"
    ),
    "log_parameter_max_length_on_error": Danger(
        lambda value: value != "0", "0", "the parameters of a statement that fails are logged"
    ),
    "log_statement": Danger(lambda value: value in ("mod", "all"), "ddl", QUOTES),
    "log_min_duration_statement": Danger(lambda value: value != "-1", "-1", f"slow statements are logged: {QUOTES}"),
    "log_min_duration_sample": Danger(lambda value: value != "-1", "-1", f"slow statements are logged: {QUOTES}"),
    "log_transaction_sample_rate": Danger(lambda value: float(value) > 0, "0", QUOTES),
    "auto_explain.log_min_duration": Danger(
        lambda value: value != "-1", "-1", f"plans of slow statements are logged: {QUOTES}"
    ),
}
AT_RISK = {
    "fsync": Danger(lambda value: value == "off", "on", "a power cut may destroy the whole database"),
    "full_page_writes": Danger(lambda value: value == "off", "on", "a power cut may leave half-written pages"),
    "ignore_checksum_failure": Danger(
        lambda value: value == "on", "off", "damaged pages are read as if they were sound"
    ),
    "zero_damaged_pages": Danger(lambda value: value == "on", "off", "damaged pages are emptied instead of reported"),
}
LOSES_THE_LAST = {
    "synchronous_commit": Danger(
        lambda value: value == "off", "on", "a crash loses what was saved in the last moments"
    ),
}


@check("D21", Severity.WARNING, "Does a replication slot keep WAL for nobody?")
def slots(look: Look) -> Iterator[Finding]:
    """It keeps it until the disk is full."""
    for found in look.rows(SLOTS):
        kept = size(found.bytes or 0)
        say = "if its standby or reader is gone for good"
        if not found.may_drop:
            say += f"; {look.role} may not, this is for a superuser or a role with REPLICATION"
        step = Step(f"SELECT pg_drop_replication_slot({literal(found.name)});", say)
        if found.status in ("unreserved", "lost"):
            said = f"what it needs is removed or about to be ({found.status}): its standby has to be made anew"
            yield warning(f"slot {found.name}", said, step)
        elif not found.active:
            rows = " and dead rows" if found.keeps_rows else ""
            of = f" in the database {found.elsewhere}" if found.elsewhere else ""
            how_badly = warning if (found.bytes or 0) >= KEPT_BYTES else note
            yield how_badly(f"slot {found.name}", f"nobody reads it{of}; it keeps {kept} of WAL{rows}", step)


@check("D22", Severity.WARNING, "Do health records get into the server's log?")
def telling(look: Look) -> Iterator[Finding]:
    """By the settings that hold for this role's sessions."""
    yield from _dangers(look, IN_THE_LOG, warning)


@check("D23", Severity.BROKEN, "Can a crash destroy what was saved?")
def at_risk(look: Look) -> Iterator[Finding]:
    """By the settings that hold for this role's sessions."""
    yield from _dangers(look, AT_RISK, broken)
    yield from _dangers(look, LOSES_THE_LAST, warning)


def _dangers(look: Look, dangers: dict[str, Danger], how_badly: Callable[..., Finding]) -> Iterator[Finding]:
    for found in look.rows(SETTINGS, {"names": list(dangers)}):
        danger = dangers[found.name]
        if danger.when(found.setting):
            said = f"{found.setting}: {danger.why}"
            yield (how_badly if settings.PRODUCTION else note)(
                found.name, said, *setting_mended(look, found, danger.safe)
            )


def setting_mended(look: Look, found: Any, safe: str) -> Iterator[Step]:
    """Where it was set, it has to be mended. `found`: its name and source in pg_settings."""
    match found.source:
        case "client":
            say = "DATABASE_URL (options=) or PGOPTIONS sets it, for these sessions alone: take it out there; then look"
            yield Step(f"SHOW {found.name};", say)
        case "global":
            yield Step(f"ALTER ROLE ALL RESET {found.name};")
        case "database":
            yield Step(f"ALTER DATABASE {quoted(look.database)} RESET {found.name};")
        case "user":
            yield Step(f"ALTER ROLE {quoted(look.role)} RESET {found.name};")
        case "database user":
            yield Step(f"ALTER ROLE {quoted(look.role)} IN DATABASE {quoted(look.database)} RESET {found.name};")
        case _:
            yield Step(
                f"ALTER SYSTEM SET {found.name} = {literal(safe)};",
                "as a superuser; a provider's server has a page for it"
                + (
                    "; it is set on the server's command line, which comes first"
                    if found.source == "command line"
                    else ""
                ),
            )
            yield Step("SELECT pg_reload_conf();")


@check("D24", Severity.BROKEN, "Is damage on the disk noticed, and was there any?")
def checksums(look: Look) -> Iterator[Finding]:
    """Without checksums, a bad disk changes records and nobody knows."""
    (found,) = look.rows(CHECKSUMS)
    if not found.there:
        step = Step('pg_checksums --enable --pgdata="$PGDATA"', "while the server is stopped, on its machine")
        yield note("data_checksums", "off: damage on the disk is not noticed", step)
    for damaged in look.rows(DAMAGE):
        said = f"{damaged.number:,} damaged pages were read: the disk fails; restore from a backup beside it"
        step = Step("SELECT datname, checksum_failures, checksum_last_failure FROM pg_stat_database;", "to see when")
        yield broken(f"database {damaged.name}", said, step)


@check("D25", Severity.NOTE, "Is the server older than what this release was tested on?")
def version(look: Look) -> Iterator[Finding]:
    """Of the same major version."""
    major, minor = divmod(look.version, 10_000)
    if minor < TESTED.get(major, 0):
        said = f"this release was tested on {major}.{TESTED[major]}, which has more repairs"
        step = Step(f"apt-get install --only-upgrade postgresql-{major}", "on the server's machine, if it is a Debian")
        yield note(f"PostgreSQL {major}.{minor}", said, step)
