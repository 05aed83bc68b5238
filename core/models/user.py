"""Members of staff, who sign in."""

import datetime as dt
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone

from core.db import EnumField, GinIndex, Index
from core.enums import UserRole
from core.models.district import District
from core.models.record import Record, RecordQuerySet, updated_at_trigger
from core.models.school import School


class UserManager(BaseUserManager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    """Creates users and finds them by email."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A member of staff. Without a password the account cannot sign in until one is set."""
        user: User = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.must_change_password = fields.get("must_change_password", False)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An administrator of everything."""
        return self.create_user(
            email, password, **{"role": UserRole.ADMIN, **fields, "is_staff": True, "is_superuser": True}
        )

    def administrators(self) -> Any:
        """Those who may do everything and can sign in."""
        return self.filter(Q(role=UserRole.ADMIN) | Q(is_superuser=True), is_active=True, is_staff=True)

    def locked(self) -> Any:
        """Those whom too many wrong passwords have locked out for now."""
        return self.filter(lockout_until__gt=timezone.now())

    def get_by_natural_key(self, email: str | None) -> "User":
        """The user who signs in with this email, whatever its case. Raises User.DoesNotExist."""
        user: User = self.get(email__iexact=email)
        return user


class User(Record, AbstractBaseUser, PermissionsMixin):
    """A member of staff. The email signs in, whatever its case."""

    email = models.EmailField(max_length=255)
    password = models.CharField(max_length=255, help_text="A hash.")
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)

    role = EnumField(UserRole, default=UserRole.NURSE, db_default=UserRole.NURSE)
    school = models.ForeignKey(School, models.SET_NULL, null=True, blank=True, related_name="staff", db_index=False)
    district = models.ForeignKey(District, models.SET_NULL, null=True, blank=True, related_name="staff", db_index=False)
    is_active = models.BooleanField(default=True, db_default=True)
    is_staff = models.BooleanField(default=False, db_default=False, help_text="May enter the admin.")
    is_superuser = models.BooleanField(default=False, db_default=False, help_text="May do everything.")

    phone = models.CharField(max_length=20, null=True, blank=True)
    email_verified = models.BooleanField(default=False, db_default=False)
    email_verification_token = models.CharField(max_length=255, null=True, blank=True)
    email_verification_expires = models.DateTimeField(null=True, blank=True)

    must_change_password = models.BooleanField(default=False, db_default=False)
    password_changed_at = models.DateTimeField(null=True, blank=True)
    last_password_change = models.DateTimeField(null=True, blank=True)
    password_reset_token = models.CharField(max_length=255, null=True, blank=True)
    password_reset_expires = models.DateTimeField(null=True, blank=True)
    failed_login_attempts = models.IntegerField(default=0, db_default=0)
    lockout_until = models.DateTimeField(null=True, blank=True)
    two_factor_enabled = models.BooleanField(default=False, db_default=False)
    two_factor_secret = models.CharField(max_length=255, null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["first_name", "last_name"]

    class Meta:
        db_table = "users"
        verbose_name = "member of staff"
        verbose_name_plural = "staff"
        ordering = ["last_name", "first_name"]
        constraints = [
            # UPPER, as that is what Django's iexact compares: sign-in uses this index.
            models.UniqueConstraint(
                Upper("email"),
                name="users_email_key",
                violation_error_message="Another user signs in with this email.",
            ),
            models.CheckConstraint(
                name="users_failed_login_attempts_check",
                condition=Q(failed_login_attempts__gte=0),
                violation_error_message="Failed sign-in attempts cannot be negative.",
            ),
            updated_at_trigger("users"),
        ]
        indexes = [
            Index(fields=["school"], name="users_schoolId_idx", serves="A school's staff."),
            Index(fields=["district"], name="users_districtId_idx", serves="A district's staff."),
            Index(fields=["role", "is_active"], name="idx_users_role_active", serves="Active staff of a role."),
            GinIndex(
                SearchVector("first_name", "last_name", "email", config="simple"),
                name="idx_users_search",
                serves="Staff by words of name and email.",
            ),
            Index(
                fields=["last_name", "first_name"],
                name="users_name_idx",
                serves="Staff in the order of their names.",
            ),
            Index(
                fields=["password_reset_token"],
                name="users_reset_token_idx",
                condition=Q(password_reset_token__isnull=False),
                serves="Whose password a reset link may change.",
            ),
            Index(
                fields=["email_verification_token"],
                name="users_verify_token_idx",
                condition=Q(email_verification_token__isnull=False),
                serves="Whose email a verification link confirms.",
            ),
            Index(
                fields=["lockout_until"],
                name="users_lockout_idx",
                condition=Q(lockout_until__isnull=False),
                serves="Accounts that are locked.",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def set_password(self, raw_password: str | None) -> None:
        """Set the password and when that was; None leaves an account that cannot sign in. Does not save.

        A new password fulfils the demand for one (`must_change_password`).
        """
        super().set_password(raw_password)
        self.password_changed_at = self.last_password_change = None if raw_password is None else timezone.now()
        self.must_change_password = False

    def check_password(self, raw_password: str | None) -> bool:
        """Whether the password is right. Where its hash is of an older kind it is hashed anew: no new password."""

        def hash_anew(right: str) -> None:
            self.password = make_password(right)
            self.save(update_fields=["password"])

        return check_password(raw_password, self.password, hash_anew)

    async def acheck_password(self, raw_password: str | None) -> bool:
        """As check_password."""
        return await sync_to_async(self.check_password)(raw_password)

    @property
    def password_set_at(self) -> dt.datetime:
        """Since when the password holds; since the account was made where the predecessor has not said."""
        known = [moment for moment in (self.password_changed_at, self.last_password_change) if moment]
        return max(known, default=self.created_at)

    @property
    def is_locked(self) -> bool:
        """Whether too many wrong passwords have locked the account, for now."""
        return self.lockout_until is not None and self.lockout_until > timezone.now()

    @property
    def has_wrong_passwords(self) -> bool:
        """Whether there is something for `unlock` to forget."""
        return bool(self.failed_login_attempts) or self.lockout_until is not None

    def unlock(self) -> None:
        """Let the account sign in again, and forget the wrong passwords. Saves."""
        self.failed_login_attempts, self.lockout_until = 0, None
        self.save(update_fields=["failed_login_attempts", "lockout_until"])

    def get_full_name(self) -> str:
        """First and last name, as staff lists show them."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """The first name."""
        return self.first_name
