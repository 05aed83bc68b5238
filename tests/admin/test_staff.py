"""Staff: nobody raises herself, nobody sees a secret."""

from typing import Any

import pytest
from django.urls import reverse

from core.admin import site
from core.admin.user import LAST_ADMINISTRATOR
from core.enums import UserRole
from core.models import User
from tests.access.worlds import World
from tests.admin.conftest import SignIn
from tests.admin.pages import address, errors_on, form_on
from tests.factories import make_user

PASSWORD = "correct horse battery"


def new_user(**values: Any) -> dict[str, Any]:
    return {
        "first_name": "New",
        "last_name": "Colleague",
        "email": "new@example.org",
        "role": "NURSE",
        "is_staff": "on",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **values,
    }


def test_a_principal_adds_a_nurse_to_her_school(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.SCHOOL_ADMIN))
    url = address("core.User", "add")
    assert "can sign in once an administrator has set a password" in client.get(url).content.decode()
    response = client.post(url, new_user(school=str(world.here.school.pk)))
    assert response.status_code == 302, errors_on(response)
    nurse = User.objects.get(email="new@example.org")
    assert (nurse.role, nurse.school, nurse.is_superuser) == ("NURSE", world.here.school, False)
    assert not nurse.has_usable_password()


def test_admin_adds_a_nurse_with_a_password(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.ADMIN))
    response = client.post(address("core.User", "add"), new_user(school=str(world.here.school.pk)))
    assert response.status_code == 302, errors_on(response)
    assert User.objects.get(email="new@example.org").check_password(PASSWORD)


@pytest.mark.parametrize("role", [UserRole.SCHOOL_ADMIN, UserRole.DISTRICT_ADMIN])
def test_only_admin_sets_anothers_password_or_email(world: World, sign_in: SignIn, role: str) -> None:
    nurse = world.here.nurse
    client = sign_in(world.user(role))
    password = reverse("admin:auth_user_password_change", args=[nurse.pk])
    assert client.get(password).status_code == 403
    assert client.post(password, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 403
    url = address("core.User", "change", nurse.pk)
    assert password not in client.get(url).content.decode()
    form = form_on(client, url)
    assert "email" not in form
    assert client.post(url, {**form, "email": "mine@example.org", "phone": "5550100"}).status_code == 302
    before = nurse.email
    nurse.refresh_from_db()
    assert (nurse.email, nurse.phone) == (before, "5550100")
    assert not nurse.has_usable_password()


def test_colleagues_do_not_see_how_one_signs_in(world: World, sign_in: SignIn) -> None:
    url = address("core.User", "change", world.here.nurse.pk)
    words = ("Two factor", "Failed login", "Lockout", "Last login", "Must change")
    colleagues = (world.here.nurse, world.user(UserRole.NURSE), world.user(UserRole.VIEWER))
    for user in colleagues:
        page = sign_in(user).get(url).content.decode()
        assert world.here.nurse.email in page
        assert not any(word in page for word in words)
    page = sign_in(world.user(UserRole.SCHOOL_ADMIN)).get(url).content.decode()
    assert all(word in page for word in words)


def test_nobody_writes_how_one_signed_in(world: World, sign_in: SignIn) -> None:
    client, nurse = sign_in(world.user(UserRole.ADMIN)), world.here.nurse
    url = address("core.User", "change", nurse.pk)
    written = {"lockout_until_0": "2026-03-02", "lockout_until_1": "10:00", "failed_login_attempts": "3"}
    assert client.post(url, {**form_on(client, url), **written}).status_code == 302
    nurse.refresh_from_db()
    assert (nurse.lockout_until, nurse.failed_login_attempts) == (None, 0)


def test_setting_a_password_says_when(world: World) -> None:
    user = make_user(password=PASSWORD)
    user.refresh_from_db()
    assert user.password_changed_at
    assert user.password_changed_at == user.last_password_change
    assert make_user().password_changed_at is None


@pytest.fixture
def only_admin(world: World) -> User:
    """The one administrator there is."""
    User.objects.administrators().update(is_active=False)
    return world.user(UserRole.ADMIN, is_superuser=False)


@pytest.mark.parametrize("fields", [{"is_active": ""}, {"is_staff": ""}, {"role": "NURSE"}])
def test_the_last_administrator_stays_one(
    world: World, only_admin: User, sign_in: SignIn, fields: dict[str, str]
) -> None:
    client, url = sign_in(only_admin), address("core.User", "change", only_admin.pk)
    changed = {name: value for name, value in {**form_on(client, url), **fields}.items() if value}
    assert "Nobody else could administer" in errors_on(client.post(url, changed))
    world.user(UserRole.ADMIN, is_active=False)
    assert "Nobody else could administer" in errors_on(client.post(url, changed))
    world.user(UserRole.ADMIN)
    assert client.post(url, changed).status_code == 302


def test_nobody_deletes_herself_by_the_lists_action(world: World, only_admin: User, sign_in: SignIn) -> None:
    world.user(UserRole.ADMIN)
    other = make_user()
    data = {"action": "delete_selected", "_selected_action": [str(only_admin.pk), str(other.pk)], "post": "yes"}
    sign_in(only_admin).post(address("core.User", "changelist"), data)
    assert User.objects.filter(pk__in=[only_admin.pk, other.pk]).count() == 2
    data["_selected_action"] = [str(other.pk)]
    sign_in(only_admin).post(address("core.User", "changelist"), data)
    assert not User.objects.filter(pk=other.pk).exists()


def test_the_last_administrator_is_not_deleted(world: World, only_admin: User, sign_in: SignIn) -> None:
    # Reached where two administrators delete each other at once: herself nobody deletes anyway.
    model_admin: Any = site._registry[User]
    assert model_admin._what_depends_on([only_admin]) == [LAST_ADMINISTRATOR]
    world.user(UserRole.ADMIN)
    assert model_admin._what_depends_on([only_admin]) == []


def test_a_principal_adds_nobody_elsewhere(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.SCHOOL_ADMIN))
    response = client.post(address("core.User", "add"), new_user(school=str(world.near.school.pk)))
    assert "valid choice" in errors_on(response)
    response = client.post(address("core.User", "add"), new_user())
    assert "leave your school" in errors_on(response)


@pytest.mark.parametrize("role", ["ADMIN", "DISTRICT_ADMIN", "SCHOOL_ADMIN"])
def test_a_principal_gives_no_role_like_her_own_or_above(world: World, sign_in: SignIn, role: str) -> None:
    client = sign_in(world.user(UserRole.SCHOOL_ADMIN))
    data = new_user(school=str(world.here.school.pk), role=role)
    assert "valid choice" in errors_on(client.post(address("core.User", "add"), data))
    url = address("core.User", "change", world.here.nurse.pk)
    assert "valid choice" in errors_on(client.post(url, {**form_on(client, url), "role": role}))


@pytest.mark.parametrize("role", [UserRole.SCHOOL_ADMIN, UserRole.DISTRICT_ADMIN])
def test_only_admin_makes_superusers(world: World, sign_in: SignIn, role: str) -> None:
    client = sign_in(world.user(role))
    url = address("core.User", "change", world.here.nurse.pk)
    form = form_on(client, url)
    assert "is_superuser" not in form
    client.post(url, {**form, "is_superuser": "on"})
    world.here.nurse.refresh_from_db()
    assert not world.here.nurse.is_superuser
    admin = sign_in(world.user(UserRole.ADMIN, is_superuser=False))
    assert admin.post(url, {**form_on(admin, url), "is_superuser": "on"}).status_code == 302
    world.here.nurse.refresh_from_db()
    assert world.here.nurse.is_superuser


@pytest.mark.parametrize("role", [role for role in UserRole if role != UserRole.ADMIN])
def test_nobody_but_admin_changes_herself(world: World, sign_in: SignIn, role: str) -> None:
    user = world.user(role)
    response = sign_in(user).post(address("core.User", "change", user.pk), {"role": "ADMIN", "is_superuser": "on"})
    assert response.status_code == 403
    user.refresh_from_db()
    assert (user.role, user.is_superuser) == (role, False)


def test_secrets_appear_on_no_page(world: World, sign_in: SignIn) -> None:
    user = make_user(
        school=world.here.school,
        password=PASSWORD,
        password_reset_token="RESETTOKEN",
        email_verification_token="VERIFYTOKEN",
        two_factor_secret="TWOFACTOR",
    )
    admin, colleague = sign_in(world.user(UserRole.ADMIN)), sign_in(world.user(UserRole.NURSE))
    for client in (admin, colleague):
        for page, args in (("changelist", ()), ("change", (user.pk,)), ("history", (user.pk,))):
            text = client.get(address("core.User", page, *args)).content.decode()
            assert not any(secret in text for secret in ("RESETTOKEN", "VERIFYTOKEN", "TWOFACTOR", "argon2"))


def test_a_password_is_set_and_works(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.ADMIN))
    url = reverse("admin:auth_user_password_change", args=[world.here.nurse.pk])
    response = client.post(
        url, {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "set-password": "1"}
    )
    assert response.status_code == 302, response.context["form"].errors
    world.here.nurse.refresh_from_db()
    assert world.here.nurse.check_password(PASSWORD)


def test_the_change_page_leads_to_the_password(world: World, sign_in: SignIn) -> None:
    page = sign_in(world.user(UserRole.ADMIN)).get(address("core.User", "change", world.here.nurse.pk))
    assert reverse("admin:auth_user_password_change", args=[world.here.nurse.pk]) in page.content.decode()


def test_groups_and_single_permissions_open_nothing(world: World, sign_in: SignIn) -> None:
    from django.contrib.auth.models import Permission

    viewer = world.user(UserRole.VIEWER)
    viewer.user_permissions.set(Permission.objects.all())
    assert sign_in(viewer).get(address("core.Student", "add")).status_code == 403
    assert sign_in(world.user(UserRole.ADMIN)).get("/admin/auth/group/").status_code == 404
