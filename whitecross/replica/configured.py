"""The settings of standbys."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from whitecross.postgres.url import parse

ALIAS = "replica"
# A standby that is gone costs a request no more than that. A pool waits by a clock of its own, whatever libpq is told.
CONNECTING = 2  # seconds
IMPATIENT = {
    "connect_timeout": str(CONNECTING),
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}


def is_standby(alias: str) -> bool:
    """Whether an alias of DATABASES is a standby's."""
    return alias == ALIAS or alias.startswith(f"{ALIAS}_")


def databases(urls: str, primary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of DATABASES for the URLs of standbys, which white space separates; connected to as to the primary.

    Raises ImproperlyConfigured.
    """
    if primary["EMBEDDED"]:
        raise ImproperlyConfigured(
            "REPLICA_DATABASE_URL names a standby, but DATABASE_URL no primary; set DATABASE_URL to the primary."
        )
    found = {}
    for number, url in enumerate(urls.split(), start=1):
        known = parse(url, setting="REPLICA_DATABASE_URL")
        pool = primary["OPTIONS"].get("pool")
        pooled = {"pool": {**pool, "timeout": CONNECTING}} if pool else {}
        found[ALIAS if number == 1 else f"{ALIAS}_{number}"] = {
            **primary,
            **known,
            "OPTIONS": {**IMPATIENT, **known["OPTIONS"], **pooled},
            # A pool's own check waits for ever for a standby that hangs; each reading begins with one that does not.
            "CONN_HEALTH_CHECKS": primary.get("CONN_HEALTH_CHECKS", False) and not pool,
            "ENGINE": "whitecross.replica",
            "TEST": {"MIRROR": "default"},  # tests make no database there
        }
    return found
