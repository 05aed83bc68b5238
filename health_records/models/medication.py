"""Medications in stock."""

import datetime as dt
from typing import Self

from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Q

from core import days
from core.db import GinIndex, Index
from core.models.record import AuditedQuerySet, AuditedRecord, updated_at_trigger


class MedicationQuerySet(AuditedQuerySet["Medication"]):
    """Medications, in the phrases of whoever keeps the shelf."""

    def low(self) -> Self:
        """In use, and at or below their minimum: to be ordered, the emptiest first."""
        return self.filter(LOW).order_by("stock_quantity", "name", "pk")

    def expiring(self, day: dt.date, *, within: int = 30) -> Self:
        """In use, and expired by the end of the day that is `within` days after `day`, the first first."""
        return self.filter(_expired_after(day, within)).order_by("expiration_date", "name", "pk")

    def low_or_expiring(self, day: dt.date, *, within: int = 30) -> Self:
        """In use, and low or expiring: what the shelf needs, the first to expire first."""
        return self.filter(LOW | _expired_after(day, within)).order_by("expiration_date", "name", "pk")


LOW = Q(is_active=True, stock_quantity__lte=F("minimum_stock"))


def _expired_after(day: dt.date, within: int) -> Q:
    return Q(is_active=True, expiration_date__lt=days.end_of(day + dt.timedelta(days=within)))


class Medication(AuditedRecord):
    """A medication as it stands on the shelf. No student is named here, so this is no PHI."""

    name = models.CharField(max_length=200)
    generic_name = models.CharField(max_length=200, null=True, blank=True)
    dosage_form = models.CharField(max_length=100, null=True, blank=True)
    strength = models.CharField(max_length=50, null=True, blank=True)
    manufacturer = models.CharField(max_length=200, null=True, blank=True)
    ndc_code = models.CharField("NDC", max_length=20, null=True, blank=True, help_text="National Drug Code.")
    category = models.CharField(max_length=100, null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    requires_refrigeration = models.BooleanField(default=False, db_default=False)
    controlled_substance = models.BooleanField(default=False, db_default=False)
    stock_quantity = models.IntegerField(default=0, db_default=0, help_text="Units on the shelf.")
    minimum_stock = models.IntegerField(default=0, db_default=0, help_text="Units; at or below this, order.")
    expiration_date = models.DateTimeField(null=True, blank=True)
    lot_number = models.CharField(max_length=50, null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True)

    objects = MedicationQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "medications"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="medications_stock_quantity_check",
                condition=Q(stock_quantity__gte=0),
                violation_error_message="Stock quantity cannot be negative.",
            ),
            models.CheckConstraint(
                name="medications_minimum_stock_check",
                condition=Q(minimum_stock__gte=0),
                violation_error_message="Minimum stock cannot be negative.",
            ),
            updated_at_trigger("medications"),
        ]
        indexes = [
            Index(
                fields=["name"],
                name="medications_name_idx",
                serves="Medications in the order of their names.",
            ),
            Index(
                fields=["category", "is_active"],
                name="idx_medications_category_active",
                serves="Active medications of a category.",
            ),
            Index(
                fields=["expiration_date"],
                name="idx_medications_expiration",
                condition=Q(is_active=True, expiration_date__isnull=False),
                serves="What expires next.",
            ),
            Index(
                fields=["stock_quantity", "minimum_stock"],
                name="idx_medications_stock",
                condition=Q(is_active=True, stock_quantity__lte=F("minimum_stock")),
                serves="What has to be ordered.",
            ),
            GinIndex(
                SearchVector("name", "generic_name", config="english"),
                name="idx_medications_search",
                serves="Medications by words of their names.",
            ),
            Index(
                fields=["ndc_code"],
                name="medications_ndc_idx",
                condition=Q(ndc_code__isnull=False),
                serves="Which medication a National Drug Code names.",
            ),
            Index(
                fields=["name"],
                name="medications_controlled_idx",
                condition=Q(controlled_substance=True),
                serves="Controlled substances.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.strength}" if self.strength else self.name
