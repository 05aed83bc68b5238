"""Settings are for ADMIN alone, and take whatever is sent to them without failing."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.models import ConfigurationHistory, SystemConfiguration
from core.enums import UserRole
from tests.admin.conftest import SignIn
from tests.admin.pages import address, form_on
from tests.admin.settings import CHANGE, LIST, SETTING, key_history, make_admin, make_setting, page_of, restore_page
from tests.factories import make_district, make_school, make_user

OTHERS = [role for role in UserRole if role != UserRole.ADMIN]


def every_address(setting: Any) -> list[str]:
    """Every page of settings and of their history."""
    change = setting.history.latest()
    return [
        LIST,
        f"{LIST}add/",
        f"{LIST}add/?key=SYSTEM_NAME",
        f"{LIST}add/?key=API_REQUESTS_PER_MINUTE",
        f"{LIST}add/?key=CLINIC&scope=SCHOOL",
        page_of(setting),
        address(SETTING, "delete", setting.pk),
        address(SETTING, "history", setting.pk),
        key_history("CLINIC"),
        key_history("NO_SUCH_KEY"),
        restore_page(change),
        restore_page(change, before=True),
        address(CHANGE, "changelist"),
        address(CHANGE, "change", change.pk),
        address(CHANGE, "history", change.pk),
    ]


def test_every_page_is_among_those_that_are_tested(db: None) -> None:
    tested = every_address(make_setting())
    for model_admin in (SystemConfiguration, ConfigurationHistory):
        for page in ("changelist", "change", "history"):
            label = model_admin._meta.label
            args = [] if page == "changelist" else ["x"]
            ending = address(label, page, *args).rsplit("x", 1)[-1]
            assert any(url.endswith(ending) for url in tested)
    for name in ("keyhistory", "restore"):
        args = ["x"] if name == "restore" else []
        start = reverse(f"admin:configuration_systemconfiguration_{name}", args=args).removesuffix("x/")
        assert any(url.startswith(start) for url in tested)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("role", OTHERS)
def test_no_other_role_gets_in(db: None, sign_in: SignIn, role: str, method: str) -> None:
    school = make_school()
    place = {"district": school.district} if role == UserRole.DISTRICT_ADMIN else {"school": school}
    client = sign_in(make_user(role, **place))
    setting = make_setting(value="abcd-1")
    for url in every_address(setting):
        response = getattr(client, method)(url, {"value": "x", "reason": "x"} if method == "post" else None)
        assert response.status_code == 403, url
        assert "abcd" not in response.content.decode()
    assert SystemConfiguration.objects.get(pk=setting.pk).value == "abcd-1"


def test_nobody_gets_in_without_signing_in(db: None) -> None:
    for url in every_address(make_setting()):
        assert Client().get(url)["Location"].startswith("/admin/login/"), url


def test_an_administrator_gets_in_everywhere(db: None, sign_in: SignIn) -> None:
    client = sign_in(make_admin())
    for url in every_address(make_setting()):
        assert client.get(url).status_code in (200, 302), url


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "head", "trace"])
def test_foreign_methods_change_nothing(db: None, sign_in: SignIn, method: str) -> None:
    client, setting = sign_in(make_admin()), make_setting()
    for url in every_address(setting):
        assert getattr(client, method)(url).status_code < 500, url
    assert SystemConfiguration.objects.get(pk=setting.pk).value == "on"
    assert setting.history.count() == 1


IDS = ["x", "1", "\x00", "\u2028", "../..", "%00", "'", str(uuid.UUID(int=0)), "9" * 300]


@pytest.mark.parametrize("pk", IDS)
def test_ids_that_are_none_lead_to_a_list(db: None, sign_in: SignIn, pk: str) -> None:
    client = sign_in(make_admin())
    for label, page in [(SETTING, "change"), (SETTING, "delete"), (SETTING, "history"), (CHANGE, "change"),
                        (CHANGE, "history")]:  # fmt: skip
        for method in (client.get, client.post):
            assert method(address(label, page, pk)).status_code in (302, 403, 404)
    for method in (client.get, client.post):
        assert method(f"{LIST}restore/{pk.strip('./')}/").status_code in (302, 404)


@pytest.mark.parametrize("key", ["", "x", "\x00", "a/b?c#d&e", "é" * 300, "SYSTEM_NAMES", "'; --", "<b>"])
def test_unknown_keys_lead_to_the_list_with_what_may_be_meant(db: None, sign_in: SignIn, key: str) -> None:
    client = sign_in(make_admin())
    url = reverse("admin:configuration_systemconfiguration_keyhistory")
    page = client.get(url, {"key": key}, follow=True)
    assert page.redirect_chain == [(LIST, 302)]
    assert ("Did you mean SYSTEM_NAME?" in page.content.decode()) == (key == "SYSTEM_NAMES")
    assert "<b>" not in page.content.decode().split("<main")[1]
    for query in ({"key": key}, {"key": key, "scope": "SCHOOL"}, {"key": key, "value_type": "x"}, {"scope": key}):
        assert client.get(f"{LIST}add/", query).status_code == 200
        assert client.post(f"{LIST}add/", query).status_code == 200


def test_keys_of_any_characters_have_their_pages(db: None, sign_in: SignIn) -> None:
    client = sign_in(make_admin())
    key = "a/b?c#d&e=\"f'<b> é%00"
    setting = make_setting(key)
    make_setting(key, "x", scope="SCHOOL", scope_id=make_school().pk)
    html = client.get(LIST).content.decode()
    assert "<b> é" not in html
    found = client.get(reverse("admin:configuration_systemconfiguration_keyhistory"), {"key": key})
    assert len(found.context["entries"]) == 2
    page = client.get(page_of(setting)).context
    assert client.get(f"{LIST}add/?scope=DISTRICT&key={page['line'].key_quoted}").context["line"].key == key


@pytest.mark.parametrize("value", ["bad", "\x00", "9" * 400, "-1", "1e9"])
def test_parameters_of_addresses_take_anything(db: None, sign_in: SignIn, value: str) -> None:
    client, setting = sign_in(make_admin()), make_setting()
    for url, names in [
        (
            LIST,
            ["category", "scope", "tag", "changed", "active", "restart", "readonly", "problems", "p", "q", "o", "e"],
        ),
        (address(CHANGE, "changelist"), ["key", "who", "period", "scope__exact", "p", "q", "o"]),
        (page_of(setting), ["overrides", "_to_field", "_popup"]),
        (address(SETTING, "history", setting.pk), ["p"]),
        (restore_page(setting.history.get()), ["before"]),
    ]:
        for name in names:
            assert client.get(url, {name: value}).status_code in (200, 302, 400, 404), (url, name)


GARBAGE = st.text(max_size=30) | st.sampled_from(["\x00", "[]", "{", "1e400", "on", "-", "9" * 50, "NaN", "2026-99-99"])
NAMES = [
    *("value", "is_active", "reason", "default_value", "min_value", "max_value", "valid_values", "validation_rules"),
    *("requires_restart", "display_name", "description", "category", "sub_category", "tags", "sort_order", "_version"),
    *("_confirmed", "_continue", "_saveasnew", "key", "scope", "scope_id", "value_type", "place", "confirmed"),
]


@pytest.mark.parametrize(
    "kind", ["STRING", "NUMBER", "JSON", "BOOLEAN", "DATETIME", "secret", "add", "place", "delete"]
)
def test_garbage_is_an_answer_in_words_never_a_failure(db: None, sign_in: SignIn, kind: str) -> None:
    client = sign_in(make_admin())
    values = {"NUMBER": "1", "JSON": "{}", "BOOLEAN": "true", "DATETIME": "2026-01-01T00:00:00Z"}
    value_type = kind if kind in values else "STRING"
    setting = make_setting(
        value=values.get(kind, "on"), value_type=value_type, tags=["secret"] if kind == "secret" else []
    )
    url = {
        "add": f"{LIST}add/?key=API_REQUESTS_PER_MINUTE",
        "place": f"{LIST}add/?key=CLINIC&scope=DISTRICT",
        "delete": address(SETTING, "delete", setting.pk),
    }.get(kind, page_of(setting))
    district = str(make_district().pk)

    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.dictionaries(st.sampled_from(NAMES), GARBAGE), st.booleans())
    def answers(sent: dict[str, str], honest: bool) -> None:
        sent = {name: text.encode(errors="replace").decode() for name, text in sent.items()}
        form = form_on(client, url) if honest else {}
        response = client.post(url, {**form, "place": district, **sent})
        assert response.status_code in (200, 302, 403)
        if kind == "delete" and not SystemConfiguration.objects.filter(pk=setting.pk).exists():
            SystemConfiguration.objects.bulk_create([setting])
        SystemConfiguration.objects.filter(key="API_REQUESTS_PER_MINUTE").delete()
        SystemConfiguration.objects.filter(scope="DISTRICT").delete()

    answers()
    assert client.get(LIST).status_code == 200
    assert client.get(key_history("CLINIC")).status_code == 200
