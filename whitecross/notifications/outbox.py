"""Messages on their way out: each channel as the recipient's settings say, in a thread of their own.

The thread ends with its queue. A process that ends first sends what is waiting.
"""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from typing import Any

from django.core.mail import EmailMessage
from django.db import connections

from configuration.declared import EMAIL_NOTIFICATION_ENABLED, SMS_NOTIFICATION_ENABLED
from core.models import User
from whitecross.notifications import sms
from whitecross.notifications.words import Message

logger = logging.getLogger(__name__)


class _Queue:
    """One thread, started when there is something to do. A forked child has a queue of its own."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: set[Future[None]] = set()
        self._once: set[Callable[[], None]] = set()

    def put(self, job: Callable[[], None]) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="notifications")
            try:
                waiting: Future[None] | None = self._thread.submit(_carry_out, job)
            except RuntimeError:  # the process is ending, and starts no threads any more
                waiting = None
            if waiting is not None:
                self._waiting.add(waiting)
        if waiting is None:
            _carry_out(job)
        else:
            waiting.add_done_callback(self._forget)

    def put_once(self, job: Callable[[], None]) -> None:
        def begin() -> None:
            with self._lock:
                self._once.discard(job)
            job()

        with self._lock:
            if job in self._once:
                return
            self._once.add(job)
        self.put(begin)

    def _forget(self, done: Future[None]) -> None:
        with self._lock:
            self._waiting.discard(done)

    def wait(self) -> None:
        while True:
            with self._lock:
                waiting = tuple(self._waiting)
            if not waiting:
                return
            wait_for(waiting)


def _carry_out(job: Callable[[], None]) -> None:
    try:
        job()
    except Exception as error:
        # The class alone: an error's words may hold an address.
        logger.error("Notifications could not be sent: %s.", type(error).__name__)  # noqa: TRY400
    finally:
        if threading.current_thread() is not threading.main_thread():
            connections.close_all()


_queue = _Queue()
later = _queue.put  # carry a job out, soon
later_once = _queue.put_once  # the same, unless it is due already and has not begun


def wait() -> None:
    """Return when everything that was due has been sent, or could not be."""
    _queue.wait()


def deliver_to_administrators(message: Message) -> None:
    """Send a message to every administrator who can sign in, now."""
    for user in User.objects.administrators().order_by("pk"):
        deliver(user, message)


def deliver(user: User, message: Message) -> None:
    """Send a message to a user now, by the channels that are open to her. What fails is logged."""
    if EMAIL_NOTIFICATION_ENABLED.get(user=user) and user.email:
        _try(user, "an email", partial(_send_email, user.email, message))
    if SMS_NOTIFICATION_ENABLED.get(user=user) and user.phone:
        _try(user, "an SMS", partial(sms.send, user.phone, message.short))


def _send_email(address: str, message: Message) -> None:
    EmailMessage(subject=message.subject, body=message.text, to=[address]).send()


def _try(user: User, what: str, send: Callable[[], Any]) -> None:
    try:
        send()
    except Exception as error:
        # Neither address nor content, and of the error its class alone: its words may hold both.
        logger.error("User %s could not be sent %s: %s.", user.pk, what, type(error).__name__)  # noqa: TRY400
