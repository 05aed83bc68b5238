"""Which value holds, who decides, and what is hidden."""

import uuid

from configuration.models import SystemConfiguration
from tests.api.client import SETTINGS, problem
from tests.api.conftest import client_of
from tests.factories import make_school, make_user

EFFECTIVE = f"{SETTINGS}/effective"
KEY = "SESSION_TIMEOUT_MINUTES"


def test_the_narrowest_scope_decides_and_hides_the_others(committed_db: str) -> None:
    api, school = client_of(make_user("ADMIN")), make_school()
    system = SystemConfiguration.objects.get(key=KEY)
    body = {"key": KEY, "scope": "SCHOOL", "scopeId": str(school.pk), "value": 20, "reason": "Library"}
    assert api.send("post", SETTINGS, body).status_code == 201
    for query in ({"school": str(school.pk)}, {"user": str(make_user(school=school).pk)}):
        (found,) = [one for one in api.read(EFFECTIVE, **query)["results"] if one["key"] == KEY]
        assert (found["value"], found["source"], found["scopeId"]) == (20, "SCHOOL", str(school.pk))
        assert found["hidden"][0] == {"source": "SYSTEM", "scopeId": None, "value": 60}
    (everybody,) = [one for one in api.read(EFFECTIVE)["results"] if one["key"] == KEY]
    assert (everybody["value"], everybody["source"]) == (60, "SYSTEM")
    category = api.read(EFFECTIVE, category=str(system.category))["results"]
    assert KEY in {one["key"] for one in category}
    assert "SYSTEM_NAME" not in {one["key"] for one in category}
    for query in ({"school": str(uuid.uuid4())}, {"user": "x"}, {"category": "NONE"}, {"page": "1"}):
        problem(api.get(EFFECTIVE, query), 400)
