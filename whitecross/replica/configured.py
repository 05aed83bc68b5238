"""The settings of standbys."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from whitecross.postgres.url import parse

ALIAS = "replica"
# A standby that is gone costs a request no more than that.
IMPATIENT = {
    "connect_timeout": "2",
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
        pool = {"pool": primary["OPTIONS"]["pool"]} if "pool" in primary["OPTIONS"] else {}
        found[ALIAS if number == 1 else f"{ALIAS}_{number}"] = {
            **primary,
            **known,
            "OPTIONS": {**IMPATIENT, **known["OPTIONS"], **pool},
            "ENGINE": "whitecross.replica",
            "TEST": {"MIRROR": "default"},  # tests make no database there
        }
    return found
