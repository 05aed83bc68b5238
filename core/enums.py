"""Labels of the enum types of the core tables. Each class is a type of that name in PostgreSQL."""

from django.db.models import TextChoices


class UserRole(TextChoices):
    """What a member of staff does; `core.access` says what that opens."""

    ADMIN = "ADMIN", "Administrator"
    NURSE = "NURSE", "Nurse"
    SCHOOL_ADMIN = "SCHOOL_ADMIN", "School administrator"
    DISTRICT_ADMIN = "DISTRICT_ADMIN", "District administrator"
    VIEWER = "VIEWER", "Viewer"
    COUNSELOR = "COUNSELOR", "Counselor"


class Gender(TextChoices):
    """As the student, or those who enrol the student, state it."""

    MALE = "MALE", "Male"
    FEMALE = "FEMALE", "Female"
    OTHER = "OTHER", "Other"
    PREFER_NOT_TO_SAY = "PREFER_NOT_TO_SAY", "Prefer not to say"


class ContactType(TextChoices):
    """What a contact is to the school."""

    GUARDIAN = "GUARDIAN", "Guardian"
    PARENT = "PARENT", "Parent"
    EMERGENCY = "EMERGENCY", "Emergency"
    PROVIDER = "PROVIDER", "Provider"
    VENDOR = "VENDOR", "Vendor"
    STAFF = "STAFF", "Staff"
    OTHER = "OTHER", "Other"
