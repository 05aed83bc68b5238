"""Changes of security settings are announced to administrators, whoever made them, and once over all processes.

A process that hears of a change looks into the history, and claims what nobody has announced: one statement, of which
the primary key of configuration_announcements lets one process succeed for each change. It announces what it has
claimed. So a change is announced at most once; a mail server that fails costs the message, not the evening.

A process looks after it has read changed settings, after it has written some itself (a command reads none), and at its
first request: that finds what psql did while no process ran.
"""

from typing import Any

from django.core.signals import request_started
from django.db import ProgrammingError, connection

from configuration.changing import settings_written
from configuration.enums import ConfigCategory
from configuration.live import settings_changed
from configuration.models import ConfigurationHistory
from configuration.parameters import DECLARED
from whitecross import notifications
from whitecross.notifications import outbox

# Older changes than a day are history. Ids are in the order of time, so the primary key finds the day without a look at
# the rest; a change that takes a setting out of its category is one of the category still, and what code declares as
# security stays security. What was changed in the predecessor came along when it was adopted.
CLAIM = """
INSERT INTO configuration_announcements (id)
SELECT change.id FROM configuration_history change
WHERE change.id >= (
        lpad(to_hex((extract(epoch FROM now() - interval '1 day') * 1000)::bigint), 12, '0') || '70008000000000000000'
    )::uuid
  AND change."createdAt" >= now() - interval '1 day'
  AND (change.category = 'SECURITY' OR change.before ->> 'category' = 'SECURITY' OR change."configKey" = ANY(%s))
  AND change."databaseRole" IS DISTINCT FROM 'pg_predecessor'
  AND NOT EXISTS (SELECT FROM configuration_announcements announced WHERE announced.id = change.id)
ORDER BY change.id
ON CONFLICT DO NOTHING
RETURNING id
"""


def announce() -> int:
    """Claim what nobody has announced, and announce it. Returns how many changes that were. Two queries."""
    with connection.cursor() as cursor:
        declared = [key for key, parameter in DECLARED.items() if parameter.category == ConfigCategory.SECURITY]
        cursor.execute(CLAIM, [declared])
        claimed = [pk for (pk,) in cursor.fetchall()]
    if claimed:
        changes = ConfigurationHistory.objects.filter(history_id__in=claimed).order_by("history_date", "history_id")
        notifications.security_setting_changed(changes)
    return len(claimed)


def announce_soon(**signal: Any) -> None:
    """Announce in the thread of notifications; several calls before it gets to it are one."""
    outbox.later_once(_announce_now)


def _announce_now() -> None:
    try:
        announce()
    except ProgrammingError as error:
        # Before the first migrate there is nothing to announce.
        if getattr(error.__cause__, "sqlstate", None) != "42P01":
            raise


def _at_first_request(**signal: Any) -> None:
    request_started.disconnect(dispatch_uid="announce")
    announce_soon()


settings_changed.connect(announce_soon, dispatch_uid="announce")
settings_written.connect(announce_soon, dispatch_uid="announce")
request_started.connect(_at_first_request, dispatch_uid="announce")
