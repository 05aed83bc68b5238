"""Signing in: wrong passwords are counted, and lock the account for a while.

Whoever guesses learns nothing of an account: a wrong password, an email that nobody has, a locked and a switched-off
account get the same answer after the same work.
"""

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeGuard

from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import get_hasher, get_hashers, identify_hasher
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from configuration.declared import LOCKOUT_DURATION_MINUTES, MAX_LOGIN_ATTEMPTS
from core.auth import RoleBackend
from core.models import User

logger = logging.getLogger(__name__)

AT_ONCE = 3  # attempts that a process judges at a time: each takes memory, a processor and a connection
LOCK_NOT_AVAILABLE = "55P03"
PATIENCE = "10s"  # for whoever has locked the account's row: it would take all turns

_turns = threading.BoundedSemaphore(AT_ONCE)
# Attempts with one email wait for each other, and so may take one turn only.
_of_email = [threading.Lock() for _ in range(64)]


class LockingBackend(RoleBackend):
    """As RoleBackend; MAX_LOGIN_ATTEMPTS wrong passwords in a row lock an account for LOCKOUT_DURATION_MINUTES."""

    @sensitive_variables("password", "kwargs")
    def authenticate(
        self, request: HttpRequest | None, username: Any = None, password: Any = None, **kwargs: Any
    ) -> User | None:
        """The user who signs in with this email and password; None for whoever may not. Commits the count.

        Raises RuntimeError within a transaction: its rollback would forget the count.
        """
        email = kwargs.get(User.USERNAME_FIELD) if username is None else username
        if not (_is_text(email) and _is_text(password)):
            return None
        try:
            with _in_turn(email), transaction.atomic(durable=True):
                _wait_for_other_attempts(email)
                user = User.objects.select_for_update(no_key=True).filter(email__iexact=email).first()
                if user is None or user.is_locked or not self.user_can_authenticate(user):
                    _hash_in_vain(password)
                    return None
                return _judge(user, password)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            logger.warning("A sign-in was refused unjudged: something else holds its account's row.")
            return None

    async def aauthenticate(
        self, request: HttpRequest | None, username: Any = None, password: Any = None, **kwargs: Any
    ) -> User | None:
        """As authenticate."""
        return await sync_to_async(self.authenticate)(request, username, password, **kwargs)


@contextmanager
def _in_turn(email: str) -> Iterator[None]:
    """Wait until few enough others are judged. Whoever waits holds no connection: guessing takes none from others."""
    with ExitStack() as held:
        for gate in (_of_email[hash(email.upper()) % len(_of_email)], _turns):
            if not gate.acquire(blocking=False):
                if not connection.in_atomic_block:
                    connection.close()
                gate.acquire()
            held.callback(gate.release)
        yield


def _is_text(given: Any) -> TypeGuard[str]:
    """Whether it is a text that the database can be asked for: JSON may bring anything."""
    if not isinstance(given, str) or "\x00" in given:
        return False
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wait_for_other_attempts(email: str) -> None:
    # The row's lock alone would be enough to count rightly. But without one for emails that nobody has, many attempts
    # at once would be answered one after the other only where there is an account.
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(upper(%s), 0))", [email])


@sensitive_variables("password")
def _judge(user: User, password: str) -> User | None:
    hash_before = user.password
    right = user.check_password(password)
    if not right:
        _hash_in_vain(password, besides=hash_before)
    # After a lockout that has passed, counting begins anew.
    before = 0 if user.lockout_until else user.failed_login_attempts
    # As many as the column holds: the predecessor counted on and on.
    attempts = 0 if right else min(before + 1, 2**31 - 1)
    locks = attempts >= MAX_LOGIN_ATTEMPTS.get(user=user)
    until = timezone.now() + dt.timedelta(minutes=LOCKOUT_DURATION_MINUTES.get(user=user)) if locks else None
    if (attempts, until) != (user.failed_login_attempts, user.lockout_until):
        user.failed_login_attempts, user.lockout_until = attempts, until
        user.save(update_fields=["failed_login_attempts", "lockout_until"])
    if locks:
        transaction.on_commit(lambda: _tell_of_lockout(user), robust=True)
    return user if right else None


@sensitive_variables("password")
def _hash_in_vain(password: str, besides: str | None = None) -> None:
    """Hash with every hasher in use, save the one that has just verified the hash `besides`.

    So a refusal takes the time of all hashers, also where an account has a hash of the predecessor's.
    """
    used = None
    if besides is not None:
        try:
            used = identify_hasher(besides).algorithm
        except ValueError:
            used = get_hasher().algorithm  # Django's own work in vain, for an account without a password
    for hasher in get_hashers():
        if hasher.algorithm != used:
            hasher.encode(password, hasher.salt())


def _tell_of_lockout(user: User) -> None:
    from whitecross import notifications

    notifications.account_locked(user)
