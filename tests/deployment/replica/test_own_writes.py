"""Whoever wrote reads what she wrote, however far the standby lags; most others are read to from the standby."""

import os
import random
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from django.db import connections, router
from django.http import HttpRequest, HttpResponse

from core.db import uuid7
from health_records.models import Allergy
from tests.deployment.replica.conftest import Browser, Site
from tests.factories import make_student
from whitecross.replica import standby as standby_module

# As many as time allows; docs/scaling.md tells of 10,000.
PAIRS, VISITORS = int(os.environ.get("WRITES_READ_BACK", "2000")), 20
TOGGLES = 0.1  # the probability that the standby stops or goes on, before each request


class Visitor(Browser):
    """Writes a number into a row of her own, and reads it back. In SQL: it is not the ORM's speed that is tried."""

    def __init__(self, pk: Any, served: Counter[str]) -> None:
        super().__init__()
        self.pk, self.served, self.written = pk, served, "0"

    def write(self, request: HttpRequest) -> HttpResponse:
        """The view that saves."""
        with connections[router.db_for_write(Allergy)].cursor() as cursor:
            cursor.execute("UPDATE allergies SET notes = %s WHERE id = %s", [self.written, self.pk])
        return HttpResponse()

    def read(self, request: HttpRequest) -> HttpResponse:
        """The view that shows."""
        alias = router.db_for_read(Allergy)
        self.served[alias] += 1
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT notes FROM allergies WHERE id = %s", [self.pk])
            return HttpResponse(cursor.fetchone()[0])


def lag(site: Site, chance: random.Random) -> Generator[None, None, None]:
    """Stop the standby's replay and let it go on, at random, each time that something is asked of this."""
    stands = False
    with site.standby.connect() as server:
        try:
            while True:
                if chance.random() < TOGGLES:
                    stands = not stands
                    server.execute(f"SELECT pg_wal_replay_{'pause' if stands else 'resume'}()")
                yield
        finally:
            server.execute("SELECT pg_wal_replay_resume()")


def stale_reads(site: Site, pairs: int, seed: int) -> tuple[int, Counter[str]]:
    """Write and read back so often, by many visitors in turn. How often the row was old, and who read it."""
    chance, served = random.Random(seed), Counter[str]()  # noqa: S311 - decides what is disturbed
    rows = [Allergy(pk=uuid7(), student=make_student(), allergen="Nut", notes="0") for _ in range(VISITORS)]
    visitors = [Visitor(row.pk, served) for row in Allergy.objects.bulk_create(rows)]
    site.wait_for_standby()
    stale, number, disturbed = 0, 0, lag(site, chance)
    while number < pairs:
        several = chance.sample(visitors, chance.randint(1, VISITORS))
        for visitor in several:
            next(disturbed)
            number += 1
            visitor.written = str(number)
            visitor.post(site.serve(visitor.write))
        for visitor in chance.sample(several, len(several)):
            next(disturbed)
            stale += visitor.get(site.serve(visitor.read)).content.decode() != visitor.written
    disturbed.close()
    return stale, served


def test_of_thousands_of_writes_all_are_read_back(site: Site) -> None:
    stale, served = stale_reads(site, PAIRS, seed=1)
    assert stale == 0
    assert sum(served.values()) >= PAIRS
    assert served["replica"] > PAIRS // 10, served
    assert served["default"] > PAIRS // 20, "the standby never lagged, so this has proved nothing"


def test_without_asking_the_standby_how_far_it_is_reads_are_stale(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby_module.Standing, "has", lambda standing, place: True)
    stale, served = stale_reads(site, 300, seed=1)
    assert stale > 0
    assert set(served) == {"replica"}


def test_without_its_cookies_a_browser_reads_stale_rows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Browser, "take", lambda browser, answer: None)
    stale, _ = stale_reads(site, 300, seed=1)
    assert stale > 0
