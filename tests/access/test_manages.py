"""Who may change whose account."""

import pytest

from core.access import manages, may
from core.enums import UserRole
from tests.factories import make_school, make_user

pytestmark = pytest.mark.django_db


def test_a_principal_changes_the_nurses_of_her_school_and_nobody_above() -> None:
    school = make_school()
    principal = make_user(UserRole.SCHOOL_ADMIN, school=school)
    nurse = make_user(UserRole.NURSE, school=school)
    peer = make_user(UserRole.SCHOOL_ADMIN, school=school)
    above = make_user(UserRole.DISTRICT_ADMIN, school=school, district=school.district)
    elsewhere = make_user(UserRole.NURSE, school=make_school())
    assert may(principal, "change", nurse)
    assert not any(may(principal, "change", staff) for staff in (principal, peer, above, elsewhere))


def test_a_superuser_is_above_everybody_whatever_the_role_says() -> None:
    school = make_school()
    principal = make_user(UserRole.SCHOOL_ADMIN, school=school)
    disguised = make_user(UserRole.NURSE, school=school, is_superuser=True)
    assert not manages(principal, disguised)
    assert not may(principal, "change", disguised)


def test_a_nurse_changes_nobodys_account() -> None:
    school = make_school()
    nurse, viewer = make_user(school=school), make_user(UserRole.VIEWER, school=school)
    assert may(nurse, "view", viewer)
    assert not may(nurse, "change", viewer)
