"""Health records, allergies, chronic conditions and appointments.

Reverse: drops the four tables with all that they hold, and their enum types.
"""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_base_schema"),
    ]

    operations = [
        core.db.enums.CreateEnum(
            name="HealthRecordType",
            labels=[
                "CHECKUP",
                "VACCINATION",
                "ILLNESS",
                "INJURY",
                "SCREENING",
                "PHYSICAL_EXAM",
                "MENTAL_HEALTH",
                "DENTAL",
                "VISION",
                "HEARING",
                "EXAMINATION",
                "ALLERGY_DOCUMENTATION",
                "CHRONIC_CONDITION_REVIEW",
                "GROWTH_ASSESSMENT",
                "VITAL_SIGNS_CHECK",
                "EMERGENCY_VISIT",
                "FOLLOW_UP",
                "CONSULTATION",
                "DIAGNOSTIC_TEST",
                "PROCEDURE",
                "HOSPITALIZATION",
                "SURGERY",
                "COUNSELING",
                "THERAPY",
                "NUTRITION",
                "MEDICATION_REVIEW",
                "IMMUNIZATION",
                "LAB_RESULT",
                "RADIOLOGY",
                "OTHER",
            ],
        ),
        core.db.enums.CreateEnum(
            name="AllergySeverity",
            labels=["MILD", "MODERATE", "SEVERE", "LIFE_THREATENING"],
        ),
        core.db.enums.CreateEnum(
            name="ConditionStatus",
            labels=["ACTIVE", "MANAGED", "RESOLVED", "MONITORING", "INACTIVE"],
        ),
        core.db.enums.CreateEnum(
            name="AppointmentStatus",
            labels=["SCHEDULED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "NO_SHOW", "RESCHEDULED"],
        ),
        migrations.CreateModel(
            name="HealthRecord",
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
                        related_name="health_records",
                        to="core.student",
                    ),
                ),
                (
                    "record_type",
                    core.db.EnumField(
                        "HealthRecordType",
                        db_column="recordType",
                        labels=[
                            "CHECKUP",
                            "VACCINATION",
                            "ILLNESS",
                            "INJURY",
                            "SCREENING",
                            "PHYSICAL_EXAM",
                            "MENTAL_HEALTH",
                            "DENTAL",
                            "VISION",
                            "HEARING",
                            "EXAMINATION",
                            "ALLERGY_DOCUMENTATION",
                            "CHRONIC_CONDITION_REVIEW",
                            "GROWTH_ASSESSMENT",
                            "VITAL_SIGNS_CHECK",
                            "EMERGENCY_VISIT",
                            "FOLLOW_UP",
                            "CONSULTATION",
                            "DIAGNOSTIC_TEST",
                            "PROCEDURE",
                            "HOSPITALIZATION",
                            "SURGERY",
                            "COUNSELING",
                            "THERAPY",
                            "NUTRITION",
                            "MEDICATION_REVIEW",
                            "IMMUNIZATION",
                            "LAB_RESULT",
                            "RADIOLOGY",
                            "OTHER",
                        ],
                    ),
                ),
                ("title", models.CharField(db_column="title", max_length=200)),
                ("description", models.TextField(db_column="description")),
                ("record_date", models.DateTimeField(db_column="recordDate")),
                ("provider", models.CharField(blank=True, db_column="provider", max_length=200, null=True)),
                (
                    "provider_npi",
                    models.CharField(
                        blank=True,
                        db_column="providerNpi",
                        max_length=20,
                        null=True,
                        verbose_name="provider NPI",
                    ),
                ),
                ("facility", models.CharField(blank=True, db_column="facility", max_length=200, null=True)),
                (
                    "facility_npi",
                    models.CharField(
                        blank=True,
                        db_column="facilityNpi",
                        max_length=20,
                        null=True,
                        verbose_name="facility NPI",
                    ),
                ),
                ("diagnosis", models.TextField(blank=True, db_column="diagnosis", null=True)),
                (
                    "diagnosis_code",
                    models.CharField(
                        blank=True,
                        db_column="diagnosisCode",
                        help_text="ICD-10-CM.",
                        max_length=20,
                        null=True,
                    ),
                ),
                ("treatment", models.TextField(blank=True, db_column="treatment", null=True)),
                (
                    "follow_up_required",
                    models.BooleanField(db_column="followUpRequired", db_default=False, default=False),
                ),
                ("follow_up_date", models.DateTimeField(blank=True, db_column="followUpDate", null=True)),
                (
                    "follow_up_completed",
                    models.BooleanField(db_column="followUpCompleted", db_default=False, default=False),
                ),
                (
                    "is_confidential",
                    models.BooleanField(db_column="isConfidential", db_default=False, default=False),
                ),
                (
                    "attachments",
                    models.JSONField(blank=True, db_column="attachments", db_default=[], default=list),
                ),
                ("metadata", models.JSONField(blank=True, db_column="metadata", null=True)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
            ],
            options={
                "db_table": "health_records",
                "ordering": ["-record_date"],
                "base_manager_name": "all_objects",
                "constraints": [
                    core.db.Trigger(
                        event="BEFORE UPDATE", function="set_updated_at", name="health_records_set_updated_at"
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE", function="refuse_delete", name="health_records_refuse_delete"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Allergy",
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
                        related_name="allergies",
                        to="core.student",
                    ),
                ),
                ("allergen", models.CharField(db_column="allergen", max_length=200)),
                (
                    "severity",
                    core.db.EnumField(
                        "AllergySeverity",
                        db_column="severity",
                        db_default="MODERATE",
                        default="MODERATE",
                        labels=["MILD", "MODERATE", "SEVERE", "LIFE_THREATENING"],
                    ),
                ),
                ("reaction", models.TextField(blank=True, db_column="reaction", null=True)),
                ("diagnosed_date", models.DateTimeField(blank=True, db_column="diagnosedDate", null=True)),
                (
                    "diagnosed_by",
                    models.CharField(blank=True, db_column="diagnosedBy", max_length=200, null=True),
                ),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
            ],
            options={
                "verbose_name_plural": "allergies",
                "db_table": "allergies",
                "ordering": ["allergen"],
                "base_manager_name": "all_objects",
                "constraints": [
                    core.db.Trigger(event="BEFORE UPDATE", function="set_updated_at", name="allergies_set_updated_at"),
                    core.db.Trigger(event="BEFORE DELETE", function="refuse_delete", name="allergies_refuse_delete"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ChronicCondition",
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
                        related_name="chronic_conditions",
                        to="core.student",
                    ),
                ),
                ("condition_name", models.CharField(db_column="conditionName", max_length=200)),
                ("description", models.TextField(blank=True, db_column="description", null=True)),
                (
                    "status",
                    core.db.EnumField(
                        "ConditionStatus",
                        db_column="status",
                        db_default="ACTIVE",
                        default="ACTIVE",
                        labels=["ACTIVE", "MANAGED", "RESOLVED", "MONITORING", "INACTIVE"],
                    ),
                ),
                ("diagnosed_date", models.DateTimeField(db_column="diagnosedDate")),
                ("management_plan", models.TextField(blank=True, db_column="managementPlan", null=True)),
                ("next_review_date", models.DateTimeField(blank=True, db_column="nextReviewDate", null=True)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
            ],
            options={
                "db_table": "chronic_conditions",
                "ordering": ["condition_name"],
                "base_manager_name": "all_objects",
                "constraints": [
                    core.db.Trigger(
                        event="BEFORE UPDATE",
                        function="set_updated_at",
                        name="chronic_conditions_set_updated_at",
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE",
                        function="refuse_delete",
                        name="chronic_conditions_refuse_delete",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Appointment",
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
                        related_name="appointments",
                        to="core.student",
                    ),
                ),
                (
                    "nurse",
                    models.ForeignKey(
                        db_column="nurseId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("scheduled_at", models.DateTimeField(db_column="scheduledAt")),
                (
                    "duration",
                    models.IntegerField(db_column="duration", db_default=30, default=30, help_text="Minutes."),
                ),
                (
                    "status",
                    core.db.EnumField(
                        "AppointmentStatus",
                        db_column="status",
                        db_default="SCHEDULED",
                        default="SCHEDULED",
                        labels=[
                            "SCHEDULED",
                            "IN_PROGRESS",
                            "COMPLETED",
                            "CANCELLED",
                            "NO_SHOW",
                            "RESCHEDULED",
                        ],
                    ),
                ),
                ("reason", models.CharField(db_column="reason", max_length=200)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
                ("completed_at", models.DateTimeField(blank=True, db_column="completedAt", null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, db_column="cancelledAt", null=True)),
                (
                    "cancellation_reason",
                    models.TextField(blank=True, db_column="cancellationReason", null=True),
                ),
            ],
            options={
                "db_table": "appointments",
                "ordering": ["scheduled_at"],
                "base_manager_name": "all_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("duration__gt", 0)),
                        name="appointments_duration_check",
                        violation_error_message="Duration: at least one minute.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE", function="set_updated_at", name="appointments_set_updated_at"
                    ),
                    core.db.Trigger(event="BEFORE DELETE", function="refuse_delete", name="appointments_refuse_delete"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
    ]
