"""Vaccinations."""

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from core import days
from core.db import EnumField, Index
from core.models import Student
from core.models.record import PHIManager, phi_triggers
from health_records.enums import (
    AdministrationRoute,
    AdministrationSite,
    VaccineComplianceStatus,
    VaccineType,
)
from health_records.models.health_record import HealthRecord
from health_records.models.student_record import StudentRecord, StudentRecordQuerySet


class VaccinationQuerySet(StudentRecordQuerySet["Vaccination"]):
    """Vaccinations, in the phrases of whoever follows them up."""

    def overdue_on(self, day: dt.date) -> Self:
        """Those after which a dose was due before a day, and has not been given; the longest overdue first.

        The date decides, because a recorded status does not change by itself when the date passes; the status OVERDUE
        decides where no date is recorded. Nothing is overdue in a complete series, for a student who is exempt from the
        vaccine, or after a later dose of it. The same vaccine: the same type, or the same name.
        """
        same_vaccine = Q(vaccine_type=OuterRef("vaccine_type")) | Q(vaccine_name=OuterRef("vaccine_name"))
        settled = Q(administration_date__gt=OuterRef("administration_date")) | EXEMPT
        due = Q(next_due_date__lt=days.start_of(day)) | Q(
            next_due_date__isnull=True, compliance_status=VaccineComplianceStatus.OVERDUE
        )
        return (
            self.filter(due, ~EXEMPT, series_complete=False)
            .filter(~Exists(Vaccination.objects.filter(same_vaccine, settled, student=OuterRef("student"))))
            .order_by("next_due_date", "pk")
        )


EXEMPT = Q(exemption_status=True) | Q(compliance_status=VaccineComplianceStatus.EXEMPT)


class Vaccination(StudentRecord):
    """A dose of a vaccine, or the exemption from it."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="vaccinations", db_index=False)
    health_record = models.ForeignKey(
        HealthRecord, models.SET_NULL, null=True, blank=True, related_name="vaccinations", db_index=False
    )

    vaccine_name = models.TextField()
    vaccine_type = EnumField(VaccineType, null=True, blank=True)
    manufacturer = models.TextField(null=True, blank=True)
    lot_number = models.TextField(null=True, blank=True)
    cvx_code = models.TextField("CVX code", null=True, blank=True, help_text="CDC code of the vaccine.")
    ndc_code = models.TextField("NDC", null=True, blank=True, help_text="National Drug Code.")
    dose_number = models.IntegerField(null=True, blank=True)
    total_doses = models.IntegerField(null=True, blank=True)
    series_complete = models.BooleanField(default=False, db_default=False)
    administration_date = models.DateTimeField()
    administered_by = models.TextField()
    administered_by_role = models.TextField(null=True, blank=True)
    facility = models.TextField(null=True, blank=True)
    site_of_administration = EnumField(AdministrationSite, null=True, blank=True)
    route_of_administration = EnumField(AdministrationRoute, null=True, blank=True)
    dosage_amount = models.TextField(null=True, blank=True)
    expiration_date = models.DateTimeField(null=True, blank=True, help_text="Of the vial.")
    next_due_date = models.DateTimeField(null=True, blank=True)
    reactions = models.TextField(null=True, blank=True)
    adverse_events = models.JSONField(null=True, blank=True)
    exemption_status = models.BooleanField(default=False, db_default=False)
    exemption_reason = models.TextField(null=True, blank=True)
    exemption_document = models.TextField(null=True, blank=True)
    compliance_status = EnumField(
        VaccineComplianceStatus,
        default=VaccineComplianceStatus.COMPLIANT,
        db_default=VaccineComplianceStatus.COMPLIANT,
    )
    vfc_eligibility = models.BooleanField(
        "VFC eligible", default=False, db_default=False, help_text="Vaccines for Children program."
    )
    vis_provided = models.BooleanField(
        "VIS provided", default=False, db_default=False, help_text="Vaccine Information Statement."
    )
    vis_date = models.DateTimeField("VIS date", null=True, blank=True, help_text="Edition of the statement.")
    consent_obtained = models.BooleanField(default=False, db_default=False)
    consent_by = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)

    objects = PHIManager.from_queryset(VaccinationQuerySet)()  # type: ignore[assignment,misc]
    all_objects = VaccinationQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "vaccinations"
        ordering = ["-administration_date"]
        base_manager_name = "all_objects"
        constraints = [
            models.CheckConstraint(
                name="vaccinations_dose_number_check",
                condition=Q(dose_number__gt=0),
                violation_error_message="Dose number: 1 or more.",
            ),
            models.CheckConstraint(
                name="vaccinations_total_doses_check",
                condition=Q(total_doses__gt=0),
                violation_error_message="Total doses: 1 or more.",
            ),
            models.CheckConstraint(
                name="vaccinations_doses_check",
                condition=Q(dose_number__lte=F("total_doses")),
                violation_error_message="Dose number: not more than the total doses of the series.",
            ),
            *phi_triggers("vaccinations"),
        ]
        indexes = [
            Index(
                fields=["student", "-administration_date"],
                include=["compliance_status", "vaccine_type", "exemption_status", "deleted_at"],
                name="idx_vaccinations_student",
                serves="A student's vaccinations, the latest first; a district's compliance.",
            ),
            Index(
                fields=["student", "next_due_date"],
                name="idx_vaccinations_overdue",
                condition=Q(series_complete=False, exemption_status=False),
                serves="Which doses a student still needs, and since when: a school's overdue vaccinations.",
            ),
            Index(
                fields=["vaccine_type", "compliance_status"],
                name="idx_vaccinations_compliance",
                serves="How a vaccine's compliance stands.",
            ),
            Index(
                fields=["next_due_date"],
                name="vaccinations_nextDueDate_idx",
                condition=Q(next_due_date__isnull=False, series_complete=False),
                serves="Doses that are due next.",
            ),
            Index(
                fields=["health_record"],
                name="vaccinations_healthRecordId_idx",
                condition=Q(health_record__isnull=False),
                serves="The vaccinations of a health record.",
            ),
            Index(
                fields=["lot_number"],
                name="vaccinations_lot_idx",
                condition=Q(reactions__isnull=False),
                serves="Lots that caused reactions.",
            ),
        ]
