"""Medications, orders, doses given, incidents and emergency contacts.

Reverse: drops the five tables with all that they hold, and their enum types.
"""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("health_records", "0001_health_records_core"),
    ]

    operations = [
        core.db.enums.CreateEnum(
            name="IncidentSeverity",
            labels=["LOW", "MEDIUM", "HIGH", "CRITICAL"],
        ),
        core.db.enums.CreateEnum(
            name="IncidentType",
            labels=[
                "INJURY",
                "ILLNESS",
                "ALLERGIC_REACTION",
                "MEDICATION_ERROR",
                "BEHAVIORAL",
                "ENVIRONMENTAL",
                "OTHER",
            ],
        ),
        migrations.CreateModel(
            name="Medication",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "created_by",
                    models.UUIDField(blank=True, db_column="createdBy", editable=False, null=True),
                ),
                (
                    "updated_by",
                    models.UUIDField(blank=True, db_column="updatedBy", editable=False, null=True),
                ),
                ("name", models.CharField(db_column="name", max_length=200)),
                (
                    "generic_name",
                    models.CharField(blank=True, db_column="genericName", max_length=200, null=True),
                ),
                (
                    "dosage_form",
                    models.CharField(blank=True, db_column="dosageForm", max_length=100, null=True),
                ),
                ("strength", models.CharField(blank=True, db_column="strength", max_length=50, null=True)),
                (
                    "manufacturer",
                    models.CharField(blank=True, db_column="manufacturer", max_length=200, null=True),
                ),
                (
                    "ndc_code",
                    models.CharField(
                        blank=True,
                        db_column="ndcCode",
                        help_text="National Drug Code.",
                        max_length=20,
                        null=True,
                        verbose_name="NDC",
                    ),
                ),
                ("category", models.CharField(blank=True, db_column="category", max_length=100, null=True)),
                ("description", models.TextField(blank=True, db_column="description", null=True)),
                (
                    "requires_refrigeration",
                    models.BooleanField(db_column="requiresRefrigeration", db_default=False, default=False),
                ),
                (
                    "controlled_substance",
                    models.BooleanField(db_column="controlledSubstance", db_default=False, default=False),
                ),
                (
                    "stock_quantity",
                    models.IntegerField(
                        db_column="stockQuantity", db_default=0, default=0, help_text="Units on the shelf."
                    ),
                ),
                (
                    "minimum_stock",
                    models.IntegerField(
                        db_column="minimumStock",
                        db_default=0,
                        default=0,
                        help_text="Units; at or below this, order.",
                    ),
                ),
                ("expiration_date", models.DateTimeField(blank=True, db_column="expirationDate", null=True)),
                ("lot_number", models.CharField(blank=True, db_column="lotNumber", max_length=50, null=True)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
            ],
            options={
                "db_table": "medications",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("stock_quantity__gte", 0)),
                        name="medications_stock_quantity_check",
                        violation_error_message="Stock quantity cannot be negative.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minimum_stock__gte", 0)),
                        name="medications_minimum_stock_check",
                        violation_error_message="Minimum stock cannot be negative.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE", function="set_updated_at", name="medications_set_updated_at"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StudentMedication",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "created_by",
                    models.UUIDField(blank=True, db_column="createdBy", editable=False, null=True),
                ),
                (
                    "updated_by",
                    models.UUIDField(blank=True, db_column="updatedBy", editable=False, null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, db_column="deletedAt", editable=False, null=True),
                ),
                (
                    "student",
                    models.ForeignKey(
                        db_column="studentId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="medications",
                        to="core.student",
                    ),
                ),
                (
                    "medication",
                    models.ForeignKey(
                        db_column="medicationId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="health_records.medication",
                    ),
                ),
                ("dosage", models.CharField(db_column="dosage", max_length=100)),
                ("frequency", models.CharField(db_column="frequency", max_length=100)),
                ("route", models.CharField(blank=True, db_column="route", max_length=50, null=True)),
                ("instructions", models.TextField(blank=True, db_column="instructions", null=True)),
                ("start_date", models.DateTimeField(db_column="startDate")),
                ("end_date", models.DateTimeField(blank=True, db_column="endDate", null=True)),
                ("prescribed_by", models.CharField(db_column="prescribedBy", max_length=200)),
                (
                    "prescribed_by_npi",
                    models.CharField(
                        blank=True,
                        db_column="prescribedByNpi",
                        max_length=20,
                        null=True,
                        verbose_name="prescriber's NPI",
                    ),
                ),
                ("side_effects", models.TextField(blank=True, db_column="sideEffects", null=True)),
                (
                    "requires_parent_consent",
                    models.BooleanField(db_column="requiresParentConsent", db_default=True, default=True),
                ),
                (
                    "consent_obtained",
                    models.BooleanField(db_column="consentObtained", db_default=False, default=False),
                ),
                ("consent_date", models.DateTimeField(blank=True, db_column="consentDate", null=True)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
            ],
            options={
                "verbose_name": "medication order",
                "verbose_name_plural": "medication orders",
                "db_table": "student_medications",
                "ordering": ["-start_date"],
                "base_manager_name": "all_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_date__gte", models.F("start_date"))),
                        name="student_medications_dates_check",
                        violation_error_message="End date: not before the start date.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("consent_obtained", False), ("consent_date__isnull", False), _connector="OR"
                        ),
                        name="student_medications_consent_check",
                        violation_error_message="Consent date: needed where consent was obtained.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE",
                        function="set_updated_at",
                        name="student_medications_set_updated_at",
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE",
                        function="refuse_delete",
                        name="student_medications_refuse_delete",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="MedicationLog",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "created_by",
                    models.UUIDField(blank=True, db_column="createdBy", editable=False, null=True),
                ),
                (
                    "updated_by",
                    models.UUIDField(blank=True, db_column="updatedBy", editable=False, null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, db_column="deletedAt", editable=False, null=True),
                ),
                (
                    "student_medication",
                    models.ForeignKey(
                        db_column="studentMedicationId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="doses",
                        to="health_records.studentmedication",
                    ),
                ),
                (
                    "nurse",
                    models.ForeignKey(
                        db_column="nurseId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="doses_given",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "witnessed_by",
                    models.ForeignKey(
                        blank=True,
                        db_column="witnessedBy",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="doses_witnessed",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("dosage_given", models.CharField(db_column="dosageGiven", max_length=100)),
                ("time_given", models.DateTimeField(db_column="timeGiven")),
                (
                    "reason_for_administration",
                    models.TextField(blank=True, db_column="reasonForAdministration", null=True),
                ),
                ("student_response", models.TextField(blank=True, db_column="studentResponse", null=True)),
                (
                    "adverse_reaction",
                    models.BooleanField(db_column="adverseReaction", db_default=False, default=False),
                ),
                ("reaction_details", models.TextField(blank=True, db_column="reactionDetails", null=True)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
            ],
            options={
                "verbose_name": "dose given",
                "verbose_name_plural": "doses given",
                "db_table": "medication_logs",
                "ordering": ["-time_given"],
                "base_manager_name": "all_objects",
                "constraints": [
                    core.db.Trigger(
                        event="BEFORE UPDATE",
                        function="set_updated_at",
                        name="medication_logs_set_updated_at",
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE", function="refuse_delete", name="medication_logs_refuse_delete"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="IncidentReport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "created_by",
                    models.UUIDField(blank=True, db_column="createdBy", editable=False, null=True),
                ),
                (
                    "updated_by",
                    models.UUIDField(blank=True, db_column="updatedBy", editable=False, null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, db_column="deletedAt", editable=False, null=True),
                ),
                (
                    "student",
                    models.ForeignKey(
                        db_column="studentId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incidents",
                        to="core.student",
                    ),
                ),
                (
                    "reported_by",
                    models.ForeignKey(
                        db_column="reportedById",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incidents_reported",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "parent_notified_by",
                    models.ForeignKey(
                        blank=True,
                        db_column="parentNotifiedBy",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incidents_told_to_parents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "type",
                    core.db.EnumField(
                        "IncidentType",
                        db_column="type",
                        labels=[
                            "INJURY",
                            "ILLNESS",
                            "ALLERGIC_REACTION",
                            "MEDICATION_ERROR",
                            "BEHAVIORAL",
                            "ENVIRONMENTAL",
                            "OTHER",
                        ],
                    ),
                ),
                (
                    "severity",
                    core.db.EnumField(
                        "IncidentSeverity", db_column="severity", labels=["LOW", "MEDIUM", "HIGH", "CRITICAL"]
                    ),
                ),
                ("occurred_at", models.DateTimeField(db_column="occurredAt")),
                ("location", models.CharField(blank=True, db_column="location", max_length=200, null=True)),
                ("description", models.TextField(db_column="description")),
                ("action_taken", models.TextField(blank=True, db_column="actionTaken", null=True)),
                ("witnesses", models.JSONField(blank=True, db_column="witnesses", null=True)),
                (
                    "attachments",
                    models.JSONField(blank=True, db_column="attachments", db_default=[], default=list, null=True),
                ),
                (
                    "parent_notified",
                    models.BooleanField(db_column="parentNotified", db_default=False, default=False),
                ),
                (
                    "parent_notified_at",
                    models.DateTimeField(blank=True, db_column="parentNotifiedAt", null=True),
                ),
                (
                    "emergency_services_contacted",
                    models.BooleanField(db_column="emergencyServicesContacted", db_default=False, default=False),
                ),
                ("emergency_details", models.TextField(blank=True, db_column="emergencyDetails", null=True)),
                (
                    "follow_up_required",
                    models.BooleanField(db_column="followUpRequired", db_default=False, default=False),
                ),
                ("follow_up_notes", models.TextField(blank=True, db_column="followUpNotes", null=True)),
            ],
            options={
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
                "db_table": "incident_reports",
                "ordering": ["-occurred_at"],
                "base_manager_name": "all_objects",
                "constraints": [
                    core.db.Trigger(
                        event="BEFORE UPDATE",
                        function="set_updated_at",
                        name="incident_reports_set_updated_at",
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE", function="refuse_delete", name="incident_reports_refuse_delete"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="EmergencyContact",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                (
                    "created_by",
                    models.UUIDField(blank=True, db_column="createdBy", editable=False, null=True),
                ),
                (
                    "updated_by",
                    models.UUIDField(blank=True, db_column="updatedBy", editable=False, null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, db_column="deletedAt", editable=False, null=True),
                ),
                (
                    "student",
                    models.ForeignKey(
                        db_column="studentId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="emergency_contacts",
                        to="core.student",
                    ),
                ),
                ("name", models.CharField(db_column="name", max_length=200)),
                ("relationship", models.CharField(db_column="relationship", max_length=100)),
                ("primary_phone", models.CharField(db_column="primaryPhone", max_length=20)),
                (
                    "secondary_phone",
                    models.CharField(blank=True, db_column="secondaryPhone", max_length=20, null=True),
                ),
                ("email", models.EmailField(blank=True, db_column="email", max_length=255, null=True)),
                ("address", models.TextField(blank=True, db_column="address", null=True)),
                (
                    "priority",
                    models.IntegerField(db_column="priority", db_default=1, default=1, help_text="1 is called first."),
                ),
                ("is_primary", models.BooleanField(db_column="isPrimary", db_default=False, default=False)),
                ("can_pick_up", models.BooleanField(db_column="canPickUp", db_default=True, default=True)),
                (
                    "can_make_decisions",
                    models.BooleanField(db_column="canMakeDecisions", db_default=False, default=False),
                ),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
            ],
            options={
                "db_table": "emergency_contacts",
                "ordering": ["priority"],
                "base_manager_name": "all_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("priority__gte", 1)),
                        name="emergency_contacts_priority_check",
                        violation_error_message="Priority: 1 or more; 1 is called first.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE",
                        function="set_updated_at",
                        name="emergency_contacts_set_updated_at",
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE",
                        function="refuse_delete",
                        name="emergency_contacts_refuse_delete",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
    ]
