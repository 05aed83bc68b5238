"""EMAIL_URL: from a URL to Django's settings.

smtp+tls://user:password@host:587 (STARTTLS), smtp+ssl://user:password@host:465, smtp://host:25 (in the clear),
filemail:///folder (a file for each email), consolemail:// (stdout).
"""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 587, "smtp+ssl": 465}
OTHERS = ("filemail", "consolemail", "memorymail", "dummymail")
EXAMPLE = "write it like smtp+tls://user:password@host:587"


def parse(url: str) -> dict[str, Any]:
    """Django's EMAIL_ settings. Raises ImproperlyConfigured, which never repeats the URL: it may hold a password."""
    scheme = url.partition(":")[0].lower()
    if scheme not in PORTS and scheme not in OTHERS:
        raise ImproperlyConfigured(f"EMAIL_URL is of none of the kinds {', '.join([*PORTS, *OTHERS])}; {EXAMPLE}.")
    try:
        config: dict[str, Any] = environ.Env.email_url_config(url)
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(f"EMAIL_URL cannot be read; {EXAMPLE}.") from None
    if scheme == "filemail" and not config["EMAIL_FILE_PATH"]:
        raise ImproperlyConfigured("EMAIL_URL names no folder; write it like filemail:///var/spool/whitecross.")
    if scheme in PORTS:
        if not config["EMAIL_HOST"]:
            raise ImproperlyConfigured(f"EMAIL_URL names no host; {EXAMPLE}.")
        config["EMAIL_PORT"] = config["EMAIL_PORT"] or PORTS[scheme]
    # urlparse leaves the first slash of a path out.
    config["EMAIL_FILE_PATH"] = f"/{config['EMAIL_FILE_PATH']}" if config["EMAIL_FILE_PATH"] else None
    return {
        name: config[name]
        for name in (
            "EMAIL_BACKEND",
            "EMAIL_HOST",
            "EMAIL_PORT",
            "EMAIL_HOST_USER",
            "EMAIL_HOST_PASSWORD",
            "EMAIL_FILE_PATH",
            "EMAIL_USE_TLS",
            "EMAIL_USE_SSL",
        )
        if config.get(name) is not None
    }
