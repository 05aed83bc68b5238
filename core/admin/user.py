"""Members of staff in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.forms import UserCreationForm

from core import access
from core.admin.columns import column
from core.admin.filters import LockedFilter, RelatedRecordFilter
from core.admin.forms import RecordForm
from core.admin.passwords import FOR_THE_FIRST_TIME, PasswordForAnotherForm, rules
from core.admin.record_admin import RecordAdmin
from core.admin.site import site
from core.enums import UserRole
from core.models import User

ADMINISTERS = ("role", "is_active", "is_staff", "is_superuser")
LAST_ADMINISTRATOR = "Nobody else could administer everything: make somebody an administrator first."
SIGN_IN_LATER = "The new member of staff can sign in once an administrator has set a password."


class StaffForm(RecordForm):
    """A member of staff; the role is one that the user may give."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._administered = not self.instance._state.adding and access.administers(self.instance)
        if "role" in self.fields:
            given = access.MANAGES.get(access.role_of(self.request.user) or "", ())
            self.fields["role"].choices = [  # type: ignore[attr-defined]
                (role.value, role.label) for role in UserRole if role in given
            ]

    def clean(self) -> dict[str, Any]:
        """Keep somebody who can administer everything."""
        cleaned = super().clean()
        wanted = User(**{name: cleaned.get(name, getattr(self.instance, name)) for name in ADMINISTERS})
        if self._administered and not access.administers(wanted) and not others_administer([self.instance]):
            raise ValidationError(LAST_ADMINISTRATOR)
        return cleaned


def others_administer(staff: list[Any]) -> bool:
    """Whether an administrator remains without these; locks the others, so that no two go at once."""
    pks = [user.pk for user in staff]
    with transaction.atomic():
        return bool(User.objects.administrators().select_for_update(no_key=True).exclude(pk__in=pks)[:1])


class NewStaffForm(StaffForm, UserCreationForm):  # type: ignore[misc]
    """A new member of staff, with a first password."""

    class Meta:
        model = User
        fields = ("email",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = rules(None)
        self.fields["password2"].help_text = FOR_THE_FIRST_TIME


@admin.register(User, site=site)
class UserAdmin(RecordAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    """Staff. Passwords are set, never shown; tokens and second factors appear nowhere."""

    hidden = (
        "password",
        "email_verification_token",
        "email_verification_expires",
        "password_reset_token",
        "password_reset_expires",
        "two_factor_secret",
        "groups",
        "user_permissions",
        "last_password_change",
    )
    form = StaffForm
    add_form = NewStaffForm
    change_password_form = PasswordForAnotherForm
    change_form_outer_before_template = "admin/user_account.html"
    actions = ["unlock"]
    list_display = ("last_name", "first_name", "email", "role", column("school"), column("district"), "is_active")
    list_display_links = ("last_name", "first_name")
    list_select_related = ("school", "district")
    list_filter = (
        ("role", ChoicesDropdownFilter),
        "is_active",
        ("school", RelatedRecordFilter),
        ("district", RelatedRecordFilter),
        LockedFilter,
    )
    filter_horizontal = ()
    ordering = ("last_name", "first_name")
    search_fields = ("last_name__istartswith", "first_name__istartswith", "email__istartswith")
    search_help_text = "Name or email"
    readonly_fields = (
        "lockout_until",
        "last_login",
        "email_verified",
        "password_changed_at",
        "failed_login_attempts",
        "two_factor_enabled",
    )
    fieldsets = (
        (None, {"fields": ("first_name", "last_name", "email", "phone")}),
        ("Role", {"fields": ("role", "school", "district")}),
        ("Account", {"fields": ("is_active", "is_staff", "is_superuser", "must_change_password")}),
        (
            "Sign-in",
            {
                "fields": (
                    "last_login",
                    "failed_login_attempts",
                    "lockout_until",
                    "email_verified",
                    "password_changed_at",
                    "two_factor_enabled",
                ),
            },
        ),
    )
    add_fieldsets = (
        (None, {"fields": ("first_name", "last_name", "email", "phone")}),
        ("Role", {"fields": ("role", "school", "district", "is_staff")}),
        ("Password", {"fields": ("password1", "password2")}),
    )

    def label(self, record: User) -> str:
        """The name and what she does."""
        return f"{record.get_full_name() or record.email} ({record.get_role_display()})"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Only ADMIN sees who is a superuser, and makes one; how somebody signs in is not for her colleagues."""
        groups = super().get_fieldsets(request, obj)
        if not access.is_scoped(request.user):
            return groups
        if obj is None:
            return [*groups[:-1], ("Password", {"fields": (), "description": SIGN_IN_LATER})]
        colleague = not self.has_change_permission(request, obj)
        return [
            (name, {**options, "fields": [field for field in options["fields"] if field != "is_superuser"]})
            for name, options in groups
            if not (colleague and name in ("Account", "Sign-in"))
        ]

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Whoever could change another's email could have her password sent to herself."""
        fixed = super().fixed_fields(request, obj)
        return (
            [*fixed, "email", "must_change_password"] if obj is not None and access.is_scoped(request.user) else fixed
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Only ADMIN sets the first password."""
        if obj is None and access.is_scoped(request.user):
            kwargs.setdefault("form", StaffForm)
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new account to which ADMIN gave no password cannot sign in; the one that she gave is for the first time."""
        if not change:
            if access.is_scoped(request.user):
                obj.set_unusable_password()
            obj.must_change_password = obj.has_usable_password()
        super().save_model(request, obj, form, change)

    def _what_depends_on(self, objs: list[Any]) -> list[str]:
        last = any(access.administers(user) for user in objs) and not others_administer(objs)
        return [*super()._what_depends_on(objs), *([LAST_ADMINISTRATOR] if last else [])]

    @admin.action(permissions=["change"], description="Unlock selected accounts")
    def unlock(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let the ticked ones sign in again, as far as the user may change them."""
        ticked = list(queryset.select_for_update(of=("self",), no_key=True))
        with_wrong = [user for user in ticked if user.has_wrong_passwords]
        unlocked = [user for user in with_wrong if self.has_change_permission(request, user)]
        for user in unlocked:
            user.unlock()
        self._log(request, unlocked, CHANGE, "Unlocked.")
        if unlocked:
            self.message_user(request, f"Unlocked, wrong passwords forgotten: {len(unlocked)}.", messages.SUCCESS)
        if others := len(with_wrong) - len(unlocked):
            self.message_user(request, f"Not yours to unlock: {others}.", messages.ERROR)
        if not with_wrong:
            self.message_user(request, "There was nothing to unlock.", messages.INFO)
        if "_from_page" in request.POST and len(ticked) == 1:
            return HttpResponseRedirect(reverse("admin:core_user_change", args=[ticked[0].pk]))
        return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page; for ADMIN with the way to a new password, for those who may change the account with the lock."""
        context = {**(extra_context or {}), "sets_passwords": not access.is_scoped(request.user)}
        return super().change_view(request, object_id, form_url, context)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By role, and only of those whom the role manages."""
        return super().has_change_permission(request, obj) and (obj is None or access.manages(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes herself."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.pk != request.user.pk)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Staff each of whose words begins a name or the email."""
        for word in search_term.split()[:5]:
            queryset = queryset.filter(
                Q(last_name__istartswith=word) | Q(first_name__istartswith=word) | Q(email__istartswith=word)
            )
        return queryset, False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set a password: ADMIN only, as whoever knows another's password sees what she sees."""
        if access.is_scoped(request.user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)
