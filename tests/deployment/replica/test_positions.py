"""The cookies that carry the place of a browser's last write."""

from typing import Any

import pytest
from django.core import signing
from django.http import HttpRequest, HttpResponse

from tests.deployment.replica.conftest import Browser
from whitecross.replica import positions, primary
from whitecross.replica.middleware import ReadYourWritesMiddleware
from whitecross.replica.positions import COOKIE, UNKNOWN, Position
from whitecross.replica.primary import Place


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.REPLICA_MAX_LAG = 5


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where the log of a primary stands; grows with each question."""
    log = [0]

    def place() -> Place:
        log[0] += 1
        return Place(1, 2, Position(1, log[0]))

    monkeypatch.setattr(primary, "place", place)
    return log


serve = ReadYourWritesMiddleware(lambda request: HttpResponse())


def carried(browser: Browser) -> set[Position]:
    request = HttpRequest()
    request.COOKIES.update(browser.cookies)
    return set(positions.carried(request))


def test_a_browser_carries_the_place_of_its_last_write_alone(log: list[int]) -> None:
    browser = Browser()
    for number in range(1, 6):
        browser.post(serve)
        assert carried(browser) == {Position(1, number)}
    assert len(browser.cookies) == 1


def test_answers_in_the_other_order_do_not_take_it_away(log: list[int]) -> None:
    browser = Browser()
    answers = [browser.send("POST", serve) for _ in range(3)]
    for answer in reversed(answers):
        browser.take(answer)
    assert max(carried(browser)) == Position(1, 3)
    browser.get(serve)  # the next page tidies up
    assert carried(browser) == {Position(1, 3)}


def test_whatever_the_order_of_answers_the_highest_place_stays(log: list[int]) -> None:
    from itertools import permutations

    for order in permutations(range(4)):
        browser, first = Browser(), log[0]
        browser.post(serve)
        answers = [browser.send("POST", serve), browser.send("GET", serve), browser.send("POST", serve)]
        answers.append(browser.send("GET", serve))
        for number in order:
            browser.take(answers[number])
        assert max(carried(browser)) == Position(1, first + 3)


def test_the_cookie_is_signed_and_out_of_reach_of_scripts(log: list[int], settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    (cookie,) = Browser().post(serve).cookies.values()
    assert cookie.key == f"{COOKIE}1-1"
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 65


@pytest.mark.parametrize("value", ["1-1", "1-1:abc:def", "", "x" * 5000, "1-1:\x00"])
def test_a_forged_place_leads_to_the_primary(log: list[int], value: str) -> None:
    browser = Browser()
    browser.cookies[f"{COOKIE}1-1"] = value
    assert carried(browser) == {UNKNOWN}


@pytest.mark.parametrize("signed", ["nonsense", "1", "1-2-3", "G-1", "-"])
def test_a_place_that_cannot_be_read_leads_to_the_primary(log: list[int], signed: str) -> None:
    browser = Browser()
    browser.cookies[f"{COOKIE}1-1"] = signing.TimestampSigner(salt="whitecross.replica").sign(signed)
    assert carried(browser) == {UNKNOWN}


def test_a_name_that_is_no_place_is_forgotten(log: list[int]) -> None:
    browser = Browser()
    browser.cookies[f"{COOKIE}nonsense"] = "1"
    browser.post(serve)
    assert list(browser.cookies) == [f"{COOKIE}1-1"]


def test_an_old_place_no_longer_matters(log: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser()
    browser.post(serve)
    now = signing.time.time()  # type: ignore[attr-defined]
    monkeypatch.setattr(signing.time, "time", lambda: now + 65 + positions.CLOCKS_APART + 2)  # type: ignore[attr-defined]
    assert carried(browser) == set()


def test_where_the_place_cannot_be_known_the_browser_reads_from_the_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primary, "place", lambda: None)
    browser = Browser()
    browser.post(serve)
    assert carried(browser) == {UNKNOWN}


def test_a_place_is_read_as_it_was_written() -> None:
    for position in (Position(1, 0), Position(255, 2**63 - 1), UNKNOWN):
        assert Position.parse(str(position)) == position


def test_an_unknown_place_is_kept_whatever_else_the_browser_carries(
    log: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser()
    browser.post(serve)
    with monkeypatch.context() as silent:
        silent.setattr(primary, "place", lambda: None)
        browser.post(serve)
    for _ in range(3):
        browser.get(serve)
        assert UNKNOWN in carried(browser)
    browser.post(serve)  # a place behind the one that is unknown
    assert carried(browser) == {Position(1, 2)}


def test_of_two_unknown_places_the_later_is_not_taken_away_with_the_earlier(
    log: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, real = Browser(), primary.place
    monkeypatch.setattr(primary, "place", lambda: None)
    browser.post(serve)
    monkeypatch.setattr(primary, "place", real)
    known = browser.send("POST", serve)
    monkeypatch.setattr(primary, "place", lambda: None)
    browser.post(serve)
    browser.take(known)
    assert UNKNOWN in carried(browser)


def test_the_clocks_of_two_servers_may_differ_by_minutes(log: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser()
    browser.post(serve)
    now = signing.time.time()  # type: ignore[attr-defined]
    for apart in (-1800, 1800):
        monkeypatch.setattr(signing.time, "time", lambda moved=now + apart: moved)  # type: ignore[attr-defined]
        assert carried(browser) == {Position(1, 1)}
