"""People and organisations that a school is in touch with."""

from django.db import models
from django.db.models import Q

from core.db import EnumField, Index
from core.enums import ContactType
from core.models.record import PHIRecord, phi_triggers
from core.models.student import Student


class Contact(PHIRecord):
    """A guardian, provider, vendor or other contact; `relation_to` names the student, if there is one."""

    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    type = EnumField(ContactType)
    relation_to = models.ForeignKey(
        Student,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="contacts",
        db_column="relationTo",
        db_index=False,
    )
    relationship_type = models.CharField(max_length=50, null=True, blank=True)

    organization = models.CharField(max_length=200, null=True, blank=True)
    title = models.CharField(max_length=100, null=True, blank=True)
    email = models.EmailField(max_length=255, null=True, blank=True)
    phone = models.CharField(max_length=20, null=True, blank=True)
    address = models.CharField(max_length=255, null=True, blank=True)
    city = models.CharField(max_length=100, null=True, blank=True)
    state = models.CharField(max_length=50, null=True, blank=True)
    zip = models.CharField("ZIP code", max_length=20, null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    custom_fields = models.JSONField(null=True, blank=True, default=dict, db_default={})
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "contacts"
        ordering = ["last_name", "first_name"]
        base_manager_name = "all_objects"
        constraints = phi_triggers("contacts")
        indexes = [
            Index(fields=["email"], name="contacts_email_idx", serves="Who writes from an address."),
            Index(
                fields=["last_name", "first_name"],
                name="contacts_name_idx",
                serves="Contacts in the order of their names.",
            ),
            Index(
                fields=["relation_to", "type"],
                name="contacts_relation_idx",
                condition=Q(relation_to__isnull=False),
                serves="A student's contacts.",
            ),
            Index(
                fields=["type", "last_name"],
                name="contacts_type_idx",
                condition=Q(is_active=True),
                serves="Active contacts of a type in the order of their names.",
            ),
        ]
