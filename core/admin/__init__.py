"""The admin of who and where; `site` is where the other apps register theirs."""

from core.admin.contact import ContactAdmin
from core.admin.district import DistrictAdmin
from core.admin.school import SchoolAdmin
from core.admin.site import site
from core.admin.student import StudentAdmin
from core.admin.user import UserAdmin

__all__ = ["ContactAdmin", "DistrictAdmin", "SchoolAdmin", "StudentAdmin", "UserAdmin", "site"]
