"""Every page of every model, for every role: here, next door, far away. Read off the registry."""

from typing import Any

import pytest
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import reverse

from core import access
from core.admin import site
from core.enums import UserRole
from tests.access.worlds import LABELS, World, make_world
from tests.admin.conftest import SignIn
from tests.admin.pages import BY_LABEL, WITHOUT_PAGES, address

ROLES = [*UserRole]


def status(client: Client, url: str) -> int:
    return client.get(url).status_code


def opens(client: Client, url: str) -> bool:
    """Whether the page shows the record; another's record is answered like one that does not exist."""
    code = status(client, url)
    assert code in (200, 302, 403), (url, code)
    return code == 200


@pytest.fixture
def drawn_once(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is no administrator gets pages without their text, which takes most of the time."""
    if role != UserRole.ADMIN:
        monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


def test_every_model_with_pages_is_registered() -> None:
    assert set(BY_LABEL) == set(LABELS) - {model._meta.label for model in WITHOUT_PAGES}


@pytest.mark.parametrize("role", ROLES)
def test_lists_show_the_roles_own_part(world: World, sign_in: SignIn, role: str) -> None:
    user = world.user(role)
    client = sign_in(user)
    for label, model in BY_LABEL.items():
        response = client.get(address(label, "changelist"))
        if "view" not in access.LINES[label].rights[role]:
            assert response.status_code == 403, label
            continue
        shown = {row.pk for row in response.context["cl"].result_list}
        ours = {place.rows[label].pk for place in (world.here, world.near, world.far)}
        assert shown & ours == world.expected(role, label), label
        assert model._meta.label == label


@pytest.mark.parametrize("role", ROLES)
def test_record_pages_open_within_the_scope_only(world: World, sign_in: SignIn, drawn_once: None, role: str) -> None:
    client = sign_in(world.user(role))
    for label in BY_LABEL:
        seen = world.expected(role, label)
        for place in (world.here, world.near, world.far):
            pk = place.rows[label].pk
            assert opens(client, address(label, "change", pk)) == (pk in seen), (label, "change")
            if place is not world.near:
                assert opens(client, address(label, "history", pk)) == (pk in seen), (label, "history")


@pytest.mark.parametrize("role", ROLES)
def test_delete_pages_open_for_those_who_may_delete(world: World, sign_in: SignIn, drawn_once: None, role: str) -> None:
    client = sign_in(world.user(role))
    for label in BY_LABEL:
        may = "delete" in access.LINES[label].rights[role]
        for place in (world.here, world.near, world.far):
            pk = place.rows[label].pk
            assert opens(client, address(label, "delete", pk)) == (may and pk in world.expected(role, label)), label


@pytest.mark.parametrize("role", ROLES)
def test_add_pages_open_for_those_who_may_add(world: World, sign_in: SignIn, drawn_once: None, role: str) -> None:
    client = sign_in(world.user(role))
    for label in BY_LABEL:
        assert opens(client, address(label, "add")) == ("add" in access.LINES[label].rights[role]), label


@pytest.mark.parametrize("role", ROLES)
def test_change_pages_have_a_form_for_those_who_may_change(world: World, sign_in: SignIn, role: str) -> None:
    client = sign_in(world.user(role))
    for label in BY_LABEL:
        if "view" not in access.LINES[label].rights[role]:
            continue
        pk = world.here.rows[label].pk
        response = client.get(address(label, "change", pk))
        assert bool(response.context["adminform"].form.fields) == ("change" in access.LINES[label].rights[role]), label
        saved = client.post(address(label, "change", pk), {"notes": "x"})
        assert saved.status_code == (200 if "change" in access.LINES[label].rights[role] else 403), label


@pytest.mark.parametrize("role", ROLES)
def test_completion_offers_the_roles_own_part(world: World, sign_in: SignIn, role: str) -> None:
    client = sign_in(world.user(role))
    for model in BY_LABEL.values():
        for field in site._registry[model].get_autocomplete_fields(None):
            remote = model._meta.get_field(field).related_model
            label = remote._meta.label  # type: ignore[union-attr]
            query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field}
            response = client.get(reverse("admin:autocomplete"), query)
            if "view" not in access.LINES[label].rights[role]:
                assert response.status_code == 403, (model, field)
                continue
            offered = {result["id"] for result in response.json()["results"]}
            ours = {str(place.rows[label].pk) for place in (world.here, world.near, world.far)}
            assert offered & ours == {str(pk) for pk in world.expected(role, label)}, (model, field)


@pytest.mark.parametrize("role", ROLES)
def test_searches_find_the_roles_own_part(world: World, sign_in: SignIn, role: str) -> None:
    client = sign_in(world.user(role))
    for label in BY_LABEL:
        reached_by = access.LINES[label].reached_by
        if "view" not in access.LINES[label].rights[role] or reached_by in ("district", "school", "staff", "shared"):
            continue
        response = client.get(address(label, "changelist"), {"q": "O'Brien"})
        ours = {place.rows[label].pk for place in (world.here, world.near, world.far)}
        assert {row.pk for row in response.context["cl"].result_list} & ours == world.expected(role, label), label


@pytest.mark.parametrize("role", ROLES)
def test_actions_touch_the_roles_own_part(world: World, sign_in: SignIn, role: str) -> None:
    client = sign_in(world.user(role))
    for label, model in BY_LABEL.items():
        if not hasattr(model, "deleted_at") or "view" not in access.LINES[label].rights[role]:
            continue
        places = (world.here, world.near, world.far)
        ticked = [str(place.rows[label].pk) for place in places]
        data = {"action": "delete_selected", "_selected_action": ticked, "post": "yes", "select_across": "1"}
        client.post(address(label, "changelist"), data)
        rows = model._base_manager.filter(pk__in=ticked)
        gone = set(rows.filter(deleted_at__isnull=False).values_list("pk", flat=True))
        may = "delete" in access.LINES[label].rights[role]
        assert gone == (world.expected(role, label) if may else set()), label

        client.post(address(label, "changelist") + "?deleted=yes", {"action": "restore", "_selected_action": ticked})
        assert not rows.filter(deleted_at__isnull=False).exists(), label


def test_nobody_gets_in_without_signing_in(world: World) -> None:
    client = Client()
    for label in BY_LABEL:
        for page, args in (("changelist", ()), ("add", ()), ("change", (world.here.rows[label].pk,))):
            response = client.get(address(label, page, *args))
            assert response.status_code == 302, (label, page)
            assert response["Location"].startswith("/admin/login/"), (label, page)


@pytest.mark.parametrize("fields", [{"is_staff": False}, {"is_active": False}])
def test_nobody_gets_in_without_being_active_staff(world: World, sign_in: SignIn, fields: dict[str, Any]) -> None:
    client = sign_in(world.user(UserRole.NURSE, **fields))
    assert status(client, address("core.Student", "changelist")) == 302


def test_every_address_of_the_admin_is_known_to_these_tests() -> None:
    # Those of the past of settings are in test_settings_access.
    pages = {"changelist", "add", "change", "delete", "history", "", "keyhistory", "restore"}
    unknown = []
    for pattern in site.urls[0]:
        for inner in getattr(pattern, "url_patterns", []):
            name = inner.name or ""
            if name.rpartition("_")[2] not in pages and name != "auth_user_password_change":
                unknown.append(name)
    assert not unknown
    plain = {pattern.name for pattern in site.urls[0] if getattr(pattern, "name", None)}
    assert plain - {None} == {
        "search", "index", "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n",
        "app_list",
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_the_front_page_and_the_sidebar_show_what_the_role_opens(world: World, sign_in: SignIn, role: str) -> None:
    page = sign_in(world.user(role)).get(reverse("admin:index")).content.decode()
    for label in BY_LABEL:
        shown = f'href="{address(label, "changelist")}"' in page
        assert shown == ("view" in access.LINES[label].rights[role]), label


def test_the_sites_own_search_finds_pages_and_no_records(world: World, sign_in: SignIn) -> None:
    response = sign_in(world.user(UserRole.VIEWER)).get(reverse("admin:search"), {"s": "O'Brien"})
    assert b"Zo" not in response.content


__all__ = ["make_world"]
