"""What the system tells people of its own accord: by email and, where they have a phone, by SMS.

    notifications.account_locked(user)
    notifications.security_setting_changed(changes)

Both return at once. The messages leave after the commit, from a thread of their own: a mail server that is slow or
gone holds nobody up, and nobody can tell by the time of an answer whether there was somebody to tell. What cannot be
sent is logged, and never raised. EMAIL_NOTIFICATION_ENABLED and SMS_NOTIFICATION_ENABLED decide for each recipient.

No message holds health information, a password or the value of a secret setting.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction

from whitecross.notifications import outbox, words
from whitecross.notifications.outbox import wait

__all__ = ["account_locked", "security_setting_changed", "wait"]


def account_locked(user: Any) -> None:
    """Tell a user that too many wrong passwords have locked her account, and until when."""

    def tell() -> None:
        outbox.deliver(user, words.account_locked(user))

    transaction.on_commit(partial(outbox.later, tell), robust=True)


def security_setting_changed(changes: Iterable[Any]) -> None:
    """Tell every administrator who can sign in of changes (rows of the settings' history, in their order)."""
    listed = list(changes)

    def tell() -> None:
        outbox.deliver_to_administrators(words.security_setting_changed(listed))

    if listed:
        transaction.on_commit(partial(outbox.later, tell), robust=True)
