"""doctor says who may end what it names, where the role that asks may not."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.utils import ProgrammingError

from configuration.live import parameters
from tests.deployment.doctor.conftest import ask, on, run
from tests.waiting import until
from whitecross.deployment.doctor.finding import Step

pytestmark = pytest.mark.direct("says its role when it connects, which a pooler does not pass on")


@pytest.fixture
def idler(one_db: None, role: str) -> Iterator[str]:
    """An ordinary role that may sign in."""
    name = f"{role}_idler"
    run(f"CREATE ROLE {name} LOGIN PASSWORD 'idle'")
    yield name
    run(f"DROP ROLE {name}")


@pytest.fixture
def asker(role: str, idler: str) -> Iterator[str]:
    """A role that sees what others do; `default` is of that role."""
    run(f"GRANT pg_read_all_stats TO {role}")
    as_role = {**connection.settings_dict["OPTIONS"], "options": f"-c role={role}"}
    with on(OPTIONS=as_role):
        yield role


@pytest.fixture
def idling() -> Iterator[Any]:
    """Begins a session that forgets to end its transaction; yields what D17 says to do about it."""
    with ExitStack() as stack:

        def begin(**who: str) -> Step:
            session: psycopg.Connection[Any] = psycopg.connect(**{**parameters(), "options": "", **who})
            stack.callback(session.close)
            session.execute("SELECT 1")
            name = f"session {session.info.backend_pid}"
            steps: list[Step] = until(
                lambda: [found.steps[0] for _, found in ask("D17", minutes=0).found if found.object == name]
            )
            return steps[0]

        yield begin


def test_a_superusers_session_is_for_a_superuser(asker: str, idling: Any) -> None:
    step = idling()
    assert step.say == f"{asker} may not end it; this is for a superuser"
    with pytest.raises(ProgrammingError):
        run(step.run)


def test_another_roles_session_is_for_that_role_too_or_for_one_that_may_signal(
    asker: str, idler: str, idling: Any
) -> None:
    step = idling(user=idler, password="idle")
    assert step.say == (f"{asker} may not end it; this is for a superuser, {idler}, or a role with pg_signal_backend")
    with pytest.raises(ProgrammingError):
        run(step.run)


def test_to_a_role_that_may_signal_nothing_is_said_but_of_a_superusers_session(
    role: str, idler: str, idling: Any
) -> None:
    run(f"GRANT pg_read_all_stats, pg_signal_backend TO {role}")
    with on(OPTIONS={**connection.settings_dict["OPTIONS"], "options": f"-c role={role}"}):
        step = idling(user=idler, password="idle")
        assert step.say == ""
        run(step.run)
        assert idling().say == f"{role} may not end it; this is for a superuser"


def test_a_slot_is_for_a_superuser_or_a_role_that_replicates(asker: str, one_db: None) -> None:
    name = f"slot_of_{asker}"
    with psycopg.connect(**{**parameters(), "options": ""}, autocommit=True) as superuser:
        superuser.execute("SELECT pg_create_physical_replication_slot(%s, true)", [name])
        try:
            (finding,) = [one for _, one in ask("D21").found if one.object == f"slot {name}"]
            assert finding.steps[0].say == (
                "if its standby or reader is gone for good; "
                f"{asker} may not, this is for a superuser or a role with REPLICATION"
            )
        finally:
            superuser.execute("SELECT pg_drop_replication_slot(%s)", [name])
