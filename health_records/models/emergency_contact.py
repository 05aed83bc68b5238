"""Emergency contacts."""

from django.db import models
from django.db.models import Q

from core.db import Index
from core.models import Student
from core.models.record import phi_triggers
from health_records.models.student_record import StudentRecord


class EmergencyContact(StudentRecord):
    """Whom to call for a student, in the order of `priority`."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="emergency_contacts", db_index=False)

    name = models.CharField(max_length=200)
    relationship = models.CharField(max_length=100)
    primary_phone = models.CharField(max_length=20)
    secondary_phone = models.CharField(max_length=20, null=True, blank=True)
    email = models.EmailField(max_length=255, null=True, blank=True)
    address = models.TextField(null=True, blank=True)
    priority = models.IntegerField(default=1, db_default=1, help_text="1 is called first.")
    is_primary = models.BooleanField(default=False, db_default=False)
    can_pick_up = models.BooleanField(default=True, db_default=True)
    can_make_decisions = models.BooleanField(default=False, db_default=False)
    notes = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "emergency_contacts"
        ordering = ["priority"]
        base_manager_name = "all_objects"
        constraints = [
            models.CheckConstraint(
                name="emergency_contacts_priority_check",
                condition=Q(priority__gte=1),
                violation_error_message="Priority: 1 or more; 1 is called first.",
            ),
            *phi_triggers("emergency_contacts"),
        ]
        indexes = [
            Index(
                fields=["student", "priority"],
                name="emergency_contacts_student_idx",
                serves="Whom to call for a student, in order.",
            ),
            Index(
                fields=["primary_phone"],
                name="emergency_contacts_primaryPhone_idx",
                serves="Whose contact calls from a number.",
            ),
        ]
