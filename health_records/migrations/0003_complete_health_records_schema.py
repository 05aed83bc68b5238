"""Vaccinations, screenings, growth and vital signs; what allergies and chronic conditions lacked.

Reverse: drops the four tables with all that they hold, and the added columns with their values. Other columns of
allergies and chronic_conditions keep theirs.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("configuration", "0003_seed_settings"),
        ("health_records", "0002_additional_critical_tables"),
    ]

    operations = [
        core.db.enums.CreateEnum(
            name="AllergyType",
            labels=[
                "FOOD",
                "MEDICATION",
                "ENVIRONMENTAL",
                "INSECT",
                "LATEX",
                "ANIMAL",
                "CHEMICAL",
                "SEASONAL",
                "OTHER",
            ],
        ),
        core.db.enums.CreateEnum(
            name="ConditionSeverity",
            labels=["MILD", "MODERATE", "SEVERE", "CRITICAL"],
        ),
        core.db.enums.CreateEnum(
            name="VaccineType",
            labels=[
                "COVID_19",
                "FLU",
                "MEASLES",
                "MUMPS",
                "RUBELLA",
                "MMR",
                "POLIO",
                "HEPATITIS_A",
                "HEPATITIS_B",
                "VARICELLA",
                "TETANUS",
                "DIPHTHERIA",
                "PERTUSSIS",
                "TDAP",
                "DTaP",
                "HIB",
                "PNEUMOCOCCAL",
                "ROTAVIRUS",
                "MENINGOCOCCAL",
                "HPV",
                "OTHER",
            ],
        ),
        core.db.enums.CreateEnum(
            name="AdministrationSite",
            labels=[
                "ARM_LEFT",
                "ARM_RIGHT",
                "THIGH_LEFT",
                "THIGH_RIGHT",
                "DELTOID_LEFT",
                "DELTOID_RIGHT",
                "BUTTOCK_LEFT",
                "BUTTOCK_RIGHT",
                "ORAL",
                "NASAL",
                "OTHER",
            ],
        ),
        core.db.enums.CreateEnum(
            name="AdministrationRoute",
            labels=[
                "INTRAMUSCULAR",
                "SUBCUTANEOUS",
                "INTRADERMAL",
                "ORAL",
                "INTRANASAL",
                "INTRAVENOUS",
                "OTHER",
            ],
        ),
        core.db.enums.CreateEnum(
            name="VaccineComplianceStatus",
            labels=["COMPLIANT", "OVERDUE", "PARTIALLY_COMPLIANT", "EXEMPT", "NON_COMPLIANT"],
        ),
        core.db.enums.CreateEnum(
            name="ScreeningType",
            labels=[
                "VISION",
                "HEARING",
                "SCOLIOSIS",
                "DENTAL",
                "BMI",
                "BLOOD_PRESSURE",
                "DEVELOPMENTAL",
                "SPEECH",
                "MENTAL_HEALTH",
                "TUBERCULOSIS",
                "LEAD",
                "ANEMIA",
                "OTHER",
            ],
        ),
        core.db.enums.CreateEnum(
            name="ScreeningOutcome",
            labels=["PASS", "REFER", "FAIL", "INCONCLUSIVE", "INCOMPLETE"],
        ),
        core.db.enums.CreateEnum(
            name="FollowUpStatus",
            labels=["PENDING", "SCHEDULED", "COMPLETED", "CANCELLED", "OVERDUE", "NOT_NEEDED"],
        ),
        core.db.enums.CreateEnum(
            name="ConsciousnessLevel",
            labels=["ALERT", "VERBAL", "PAIN", "UNRESPONSIVE", "DROWSY", "CONFUSED", "LETHARGIC"],
        ),
        core.db.operations.AddFields(
            model_name="allergy",
            fields=[
                (
                    "health_record",
                    models.ForeignKey(
                        blank=True,
                        db_column="healthRecordId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="allergies",
                        to="health_records.healthrecord",
                    ),
                ),
                (
                    "allergy_type",
                    core.db.EnumField(
                        "AllergyType",
                        blank=True,
                        db_column="allergyType",
                        labels=[
                            "FOOD",
                            "MEDICATION",
                            "ENVIRONMENTAL",
                            "INSECT",
                            "LATEX",
                            "ANIMAL",
                            "CHEMICAL",
                            "SEASONAL",
                            "OTHER",
                        ],
                        null=True,
                    ),
                ),
                ("reactions", models.JSONField(blank=True, db_column="reactions", null=True)),
                ("symptoms", models.TextField(blank=True, db_column="symptoms", null=True)),
                ("treatment", models.TextField(blank=True, db_column="treatment", null=True)),
                (
                    "emergency_protocol",
                    models.TextField(blank=True, db_column="emergencyProtocol", null=True),
                ),
                ("onset_date", models.DateTimeField(blank=True, db_column="onsetDate", null=True)),
                (
                    "verified",
                    models.BooleanField(blank=True, db_column="verified", db_default=False, default=False, null=True),
                ),
                ("verified_by", models.TextField(blank=True, db_column="verifiedBy", null=True)),
                (
                    "verification_date",
                    models.DateTimeField(blank=True, db_column="verificationDate", null=True),
                ),
                (
                    "epi_pen_required",
                    models.BooleanField(
                        blank=True,
                        db_column="epiPenRequired",
                        db_default=False,
                        default=False,
                        null=True,
                        verbose_name="EpiPen required",
                    ),
                ),
                (
                    "epi_pen_location",
                    models.TextField(blank=True, db_column="epiPenLocation", null=True, verbose_name="EpiPen location"),
                ),
                (
                    "epi_pen_expiration",
                    models.DateTimeField(
                        blank=True, db_column="epiPenExpiration", null=True, verbose_name="EpiPen expiration"
                    ),
                ),
            ],
        ),
        core.db.operations.AddFields(
            model_name="chroniccondition",
            fields=[
                (
                    "health_record",
                    models.ForeignKey(
                        blank=True,
                        db_column="healthRecordId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="chronic_conditions",
                        to="health_records.healthrecord",
                    ),
                ),
                (
                    "icd_code",
                    models.TextField(
                        blank=True,
                        db_column="icdCode",
                        help_text="ICD-10-CM.",
                        null=True,
                        verbose_name="ICD code",
                    ),
                ),
                (
                    "severity",
                    core.db.EnumField(
                        "ConditionSeverity",
                        blank=True,
                        db_column="severity",
                        labels=["MILD", "MODERATE", "SEVERE", "CRITICAL"],
                        null=True,
                    ),
                ),
                ("diagnosed_by", models.TextField(blank=True, db_column="diagnosedBy", null=True)),
                ("care_plan", models.TextField(blank=True, db_column="carePlan", null=True)),
                ("action_plan", models.TextField(blank=True, db_column="actionPlan", null=True)),
                (
                    "emergency_protocol",
                    models.TextField(blank=True, db_column="emergencyProtocol", null=True),
                ),
                ("medications", models.JSONField(blank=True, db_column="medications", null=True)),
                ("treatments", models.TextField(blank=True, db_column="treatments", null=True)),
                ("restrictions", models.JSONField(blank=True, db_column="restrictions", null=True)),
                ("precautions", models.JSONField(blank=True, db_column="precautions", null=True)),
                (
                    "triggers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, db_column="triggers", null=True, size=None
                    ),
                ),
                (
                    "accommodations_required",
                    models.BooleanField(
                        blank=True,
                        db_column="accommodationsRequired",
                        db_default=False,
                        default=False,
                        null=True,
                    ),
                ),
                (
                    "accommodation_details",
                    models.TextField(blank=True, db_column="accommodationDetails", null=True),
                ),
                ("review_frequency", models.TextField(blank=True, db_column="reviewFrequency", null=True)),
                ("last_review_date", models.DateTimeField(blank=True, db_column="lastReviewDate", null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Vaccination",
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
                        related_name="vaccinations",
                        to="core.student",
                    ),
                ),
                (
                    "health_record",
                    models.ForeignKey(
                        blank=True,
                        db_column="healthRecordId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="vaccinations",
                        to="health_records.healthrecord",
                    ),
                ),
                ("vaccine_name", models.TextField(db_column="vaccineName")),
                (
                    "vaccine_type",
                    core.db.EnumField(
                        "VaccineType",
                        blank=True,
                        db_column="vaccineType",
                        labels=[
                            "COVID_19",
                            "FLU",
                            "MEASLES",
                            "MUMPS",
                            "RUBELLA",
                            "MMR",
                            "POLIO",
                            "HEPATITIS_A",
                            "HEPATITIS_B",
                            "VARICELLA",
                            "TETANUS",
                            "DIPHTHERIA",
                            "PERTUSSIS",
                            "TDAP",
                            "DTaP",
                            "HIB",
                            "PNEUMOCOCCAL",
                            "ROTAVIRUS",
                            "MENINGOCOCCAL",
                            "HPV",
                            "OTHER",
                        ],
                        null=True,
                    ),
                ),
                ("manufacturer", models.TextField(blank=True, db_column="manufacturer", null=True)),
                ("lot_number", models.TextField(blank=True, db_column="lotNumber", null=True)),
                (
                    "cvx_code",
                    models.TextField(
                        blank=True,
                        db_column="cvxCode",
                        help_text="CDC code of the vaccine.",
                        null=True,
                        verbose_name="CVX code",
                    ),
                ),
                (
                    "ndc_code",
                    models.TextField(
                        blank=True,
                        db_column="ndcCode",
                        help_text="National Drug Code.",
                        null=True,
                        verbose_name="NDC",
                    ),
                ),
                ("dose_number", models.IntegerField(blank=True, db_column="doseNumber", null=True)),
                ("total_doses", models.IntegerField(blank=True, db_column="totalDoses", null=True)),
                (
                    "series_complete",
                    models.BooleanField(db_column="seriesComplete", db_default=False, default=False),
                ),
                ("administration_date", models.DateTimeField(db_column="administrationDate")),
                ("administered_by", models.TextField(db_column="administeredBy")),
                (
                    "administered_by_role",
                    models.TextField(blank=True, db_column="administeredByRole", null=True),
                ),
                ("facility", models.TextField(blank=True, db_column="facility", null=True)),
                (
                    "site_of_administration",
                    core.db.EnumField(
                        "AdministrationSite",
                        blank=True,
                        db_column="siteOfAdministration",
                        labels=[
                            "ARM_LEFT",
                            "ARM_RIGHT",
                            "THIGH_LEFT",
                            "THIGH_RIGHT",
                            "DELTOID_LEFT",
                            "DELTOID_RIGHT",
                            "BUTTOCK_LEFT",
                            "BUTTOCK_RIGHT",
                            "ORAL",
                            "NASAL",
                            "OTHER",
                        ],
                        null=True,
                    ),
                ),
                (
                    "route_of_administration",
                    core.db.EnumField(
                        "AdministrationRoute",
                        blank=True,
                        db_column="routeOfAdministration",
                        labels=[
                            "INTRAMUSCULAR",
                            "SUBCUTANEOUS",
                            "INTRADERMAL",
                            "ORAL",
                            "INTRANASAL",
                            "INTRAVENOUS",
                            "OTHER",
                        ],
                        null=True,
                    ),
                ),
                ("dosage_amount", models.TextField(blank=True, db_column="dosageAmount", null=True)),
                (
                    "expiration_date",
                    models.DateTimeField(blank=True, db_column="expirationDate", help_text="Of the vial.", null=True),
                ),
                ("next_due_date", models.DateTimeField(blank=True, db_column="nextDueDate", null=True)),
                ("reactions", models.TextField(blank=True, db_column="reactions", null=True)),
                ("adverse_events", models.JSONField(blank=True, db_column="adverseEvents", null=True)),
                (
                    "exemption_status",
                    models.BooleanField(db_column="exemptionStatus", db_default=False, default=False),
                ),
                ("exemption_reason", models.TextField(blank=True, db_column="exemptionReason", null=True)),
                (
                    "exemption_document",
                    models.TextField(blank=True, db_column="exemptionDocument", null=True),
                ),
                (
                    "compliance_status",
                    core.db.EnumField(
                        "VaccineComplianceStatus",
                        db_column="complianceStatus",
                        db_default="COMPLIANT",
                        default="COMPLIANT",
                        labels=["COMPLIANT", "OVERDUE", "PARTIALLY_COMPLIANT", "EXEMPT", "NON_COMPLIANT"],
                    ),
                ),
                (
                    "vfc_eligibility",
                    models.BooleanField(
                        db_column="vfcEligibility",
                        db_default=False,
                        default=False,
                        help_text="Vaccines for Children program.",
                        verbose_name="VFC eligible",
                    ),
                ),
                (
                    "vis_provided",
                    models.BooleanField(
                        db_column="visProvided",
                        db_default=False,
                        default=False,
                        help_text="Vaccine Information Statement.",
                        verbose_name="VIS provided",
                    ),
                ),
                (
                    "vis_date",
                    models.DateTimeField(
                        blank=True,
                        db_column="visDate",
                        help_text="Edition of the statement.",
                        null=True,
                        verbose_name="VIS date",
                    ),
                ),
                (
                    "consent_obtained",
                    models.BooleanField(db_column="consentObtained", db_default=False, default=False),
                ),
                ("consent_by", models.TextField(blank=True, db_column="consentBy", null=True)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
            ],
            options={
                "db_table": "vaccinations",
                "ordering": ["-administration_date"],
                "base_manager_name": "all_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("dose_number__gt", 0)),
                        name="vaccinations_dose_number_check",
                        violation_error_message="Dose number: 1 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("total_doses__gt", 0)),
                        name="vaccinations_total_doses_check",
                        violation_error_message="Total doses: 1 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("dose_number__lte", models.F("total_doses"))),
                        name="vaccinations_doses_check",
                        violation_error_message="Dose number: not more than the total doses of the series.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE", function="set_updated_at", name="vaccinations_set_updated_at"
                    ),
                    core.db.Trigger(event="BEFORE DELETE", function="refuse_delete", name="vaccinations_refuse_delete"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Screening",
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
                        related_name="screenings",
                        to="core.student",
                    ),
                ),
                (
                    "health_record",
                    models.ForeignKey(
                        blank=True,
                        db_column="healthRecordId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="screenings",
                        to="health_records.healthrecord",
                    ),
                ),
                (
                    "screening_type",
                    core.db.EnumField(
                        "ScreeningType",
                        db_column="screeningType",
                        labels=[
                            "VISION",
                            "HEARING",
                            "SCOLIOSIS",
                            "DENTAL",
                            "BMI",
                            "BLOOD_PRESSURE",
                            "DEVELOPMENTAL",
                            "SPEECH",
                            "MENTAL_HEALTH",
                            "TUBERCULOSIS",
                            "LEAD",
                            "ANEMIA",
                            "OTHER",
                        ],
                    ),
                ),
                ("screening_date", models.DateTimeField(db_column="screeningDate")),
                ("screened_by", models.TextField(db_column="screenedBy")),
                ("screened_by_role", models.TextField(blank=True, db_column="screenedByRole", null=True)),
                ("results", models.JSONField(blank=True, db_column="results", null=True)),
                (
                    "outcome",
                    core.db.EnumField(
                        "ScreeningOutcome",
                        db_column="outcome",
                        db_default="PASS",
                        default="PASS",
                        labels=["PASS", "REFER", "FAIL", "INCONCLUSIVE", "INCOMPLETE"],
                    ),
                ),
                ("passed_criteria", models.BooleanField(blank=True, db_column="passedCriteria", null=True)),
                ("right_eye", models.TextField(blank=True, db_column="rightEye", null=True)),
                ("left_eye", models.TextField(blank=True, db_column="leftEye", null=True)),
                ("right_ear", models.TextField(blank=True, db_column="rightEar", null=True)),
                ("left_ear", models.TextField(blank=True, db_column="leftEar", null=True)),
                ("equipment_used", models.TextField(blank=True, db_column="equipmentUsed", null=True)),
                ("test_details", models.JSONField(blank=True, db_column="testDetails", null=True)),
                (
                    "referral_required",
                    models.BooleanField(db_column="referralRequired", db_default=False, default=False),
                ),
                ("referral_to", models.TextField(blank=True, db_column="referralTo", null=True)),
                ("referral_date", models.DateTimeField(blank=True, db_column="referralDate", null=True)),
                ("referral_reason", models.TextField(blank=True, db_column="referralReason", null=True)),
                (
                    "follow_up_required",
                    models.BooleanField(db_column="followUpRequired", db_default=False, default=False),
                ),
                ("follow_up_date", models.DateTimeField(blank=True, db_column="followUpDate", null=True)),
                (
                    "follow_up_status",
                    core.db.EnumField(
                        "FollowUpStatus",
                        blank=True,
                        db_column="followUpStatus",
                        labels=["PENDING", "SCHEDULED", "COMPLETED", "CANCELLED", "OVERDUE", "NOT_NEEDED"],
                        null=True,
                    ),
                ),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
            ],
            options={
                "db_table": "screenings",
                "ordering": ["-screening_date"],
                "base_manager_name": "all_objects",
                "constraints": [
                    core.db.Trigger(event="BEFORE UPDATE", function="set_updated_at", name="screenings_set_updated_at"),
                    core.db.Trigger(event="BEFORE DELETE", function="refuse_delete", name="screenings_refuse_delete"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="GrowthMeasurement",
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
                        related_name="growth_measurements",
                        to="core.student",
                    ),
                ),
                (
                    "health_record",
                    models.ForeignKey(
                        blank=True,
                        db_column="healthRecordId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="growth_measurements",
                        to="health_records.healthrecord",
                    ),
                ),
                ("measurement_date", models.DateTimeField(db_column="measurementDate")),
                ("measured_by", models.TextField(db_column="measuredBy")),
                ("measured_by_role", models.TextField(blank=True, db_column="measuredByRole", null=True)),
                (
                    "height",
                    models.DecimalField(blank=True, db_column="height", decimal_places=3, max_digits=8, null=True),
                ),
                (
                    "height_unit",
                    models.TextField(
                        choices=[("cm", "Centimetres"), ("in", "Inches")],
                        db_column="heightUnit",
                        db_default="cm",
                        default="cm",
                    ),
                ),
                (
                    "weight",
                    models.DecimalField(blank=True, db_column="weight", decimal_places=3, max_digits=8, null=True),
                ),
                (
                    "weight_unit",
                    models.TextField(
                        choices=[("kg", "Kilograms"), ("lb", "Pounds")],
                        db_column="weightUnit",
                        db_default="kg",
                        default="kg",
                    ),
                ),
                (
                    "bmi",
                    models.DecimalField(
                        blank=True,
                        db_column="bmi",
                        decimal_places=3,
                        help_text="kg/m².",
                        max_digits=8,
                        null=True,
                        verbose_name="BMI",
                    ),
                ),
                (
                    "bmi_percentile",
                    models.DecimalField(
                        blank=True,
                        db_column="bmiPercentile",
                        decimal_places=3,
                        max_digits=8,
                        null=True,
                        verbose_name="BMI percentile",
                    ),
                ),
                (
                    "height_percentile",
                    models.DecimalField(
                        blank=True, db_column="heightPercentile", decimal_places=3, max_digits=8, null=True
                    ),
                ),
                (
                    "weight_percentile",
                    models.DecimalField(
                        blank=True, db_column="weightPercentile", decimal_places=3, max_digits=8, null=True
                    ),
                ),
                (
                    "head_circumference",
                    models.DecimalField(
                        blank=True,
                        db_column="headCircumference",
                        decimal_places=3,
                        help_text="In the unit of the height.",
                        max_digits=8,
                        null=True,
                    ),
                ),
                (
                    "growth_percentiles",
                    models.JSONField(blank=True, db_column="growthPercentiles", null=True),
                ),
                (
                    "nutritional_status",
                    models.TextField(blank=True, db_column="nutritionalStatus", null=True),
                ),
                ("concerns", models.TextField(blank=True, db_column="concerns", null=True)),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
            ],
            options={
                "db_table": "growth_measurements",
                "ordering": ["-measurement_date"],
                "base_manager_name": "all_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("height_unit__in", ["cm", "in"])),
                        name="growth_measurements_height_unit_check",
                        violation_error_message="Height unit: cm or in.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight_unit__in", ["kg", "lb"])),
                        name="growth_measurements_weight_unit_check",
                        violation_error_message="Weight unit: kg or lb.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("height__gt", 0), ("height__lt", 100000)),
                        name="growth_measurements_height_check",
                        violation_error_message="Height: more than 0.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gt", 0), ("weight__lt", 100000)),
                        name="growth_measurements_weight_check",
                        violation_error_message="Weight: more than 0.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("bmi_percentile__gte", 0), ("bmi_percentile__lte", 100)),
                        name="growth_measurements_bmi_percentile_check",
                        violation_error_message="BMI percentile: 0 to 100.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("height_percentile__gte", 0), ("height_percentile__lte", 100)),
                        name="growth_measurements_height_percentile_check",
                        violation_error_message="Height percentile: 0 to 100.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight_percentile__gte", 0), ("weight_percentile__lte", 100)),
                        name="growth_measurements_weight_percentile_check",
                        violation_error_message="Weight percentile: 0 to 100.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("bmi__gt", 0), ("bmi__lt", 100000)),
                        name="growth_measurements_bmi_check",
                        violation_error_message="BMI: more than 0.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("head_circumference__gt", 0), ("head_circumference__lt", 100000)),
                        name="growth_measurements_head_circumference_check",
                        violation_error_message="Head circumference: more than 0.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE",
                        function="set_updated_at",
                        name="growth_measurements_set_updated_at",
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE",
                        function="refuse_delete",
                        name="growth_measurements_refuse_delete",
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="VitalSigns",
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
                        related_name="vital_signs",
                        to="core.student",
                    ),
                ),
                (
                    "health_record",
                    models.ForeignKey(
                        blank=True,
                        db_column="healthRecordId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="vital_signs",
                        to="health_records.healthrecord",
                    ),
                ),
                (
                    "appointment",
                    models.ForeignKey(
                        blank=True,
                        db_column="appointmentId",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="vital_signs",
                        to="health_records.appointment",
                    ),
                ),
                ("measurement_date", models.DateTimeField(db_column="measurementDate")),
                ("measured_by", models.TextField(db_column="measuredBy")),
                ("measured_by_role", models.TextField(blank=True, db_column="measuredByRole", null=True)),
                (
                    "temperature",
                    models.DecimalField(blank=True, db_column="temperature", decimal_places=3, max_digits=8, null=True),
                ),
                (
                    "temperature_unit",
                    models.TextField(
                        choices=[("F", "Fahrenheit"), ("C", "Celsius")],
                        db_column="temperatureUnit",
                        db_default="F",
                        default="F",
                    ),
                ),
                ("temperature_site", models.TextField(blank=True, db_column="temperatureSite", null=True)),
                (
                    "blood_pressure_systolic",
                    models.IntegerField(blank=True, db_column="bloodPressureSystolic", help_text="mmHg.", null=True),
                ),
                (
                    "blood_pressure_diastolic",
                    models.IntegerField(blank=True, db_column="bloodPressureDiastolic", help_text="mmHg.", null=True),
                ),
                (
                    "blood_pressure_position",
                    models.TextField(blank=True, db_column="bloodPressurePosition", null=True),
                ),
                (
                    "heart_rate",
                    models.IntegerField(blank=True, db_column="heartRate", help_text="Beats a minute.", null=True),
                ),
                ("heart_rhythm", models.TextField(blank=True, db_column="heartRhythm", null=True)),
                (
                    "respiratory_rate",
                    models.IntegerField(
                        blank=True, db_column="respiratoryRate", help_text="Breaths a minute.", null=True
                    ),
                ),
                (
                    "oxygen_saturation",
                    models.IntegerField(blank=True, db_column="oxygenSaturation", help_text="Percent.", null=True),
                ),
                (
                    "oxygen_supplemental",
                    models.BooleanField(db_column="oxygenSupplemental", db_default=False, default=False),
                ),
                (
                    "pain_level",
                    models.IntegerField(
                        blank=True, db_column="painLevel", help_text="0 (none) to 10 (worst).", null=True
                    ),
                ),
                ("pain_location", models.TextField(blank=True, db_column="painLocation", null=True)),
                (
                    "consciousness",
                    core.db.EnumField(
                        "ConsciousnessLevel",
                        blank=True,
                        db_column="consciousness",
                        labels=["ALERT", "VERBAL", "PAIN", "UNRESPONSIVE", "DROWSY", "CONFUSED", "LETHARGIC"],
                        null=True,
                    ),
                ),
                (
                    "glucose_level",
                    models.DecimalField(
                        blank=True,
                        db_column="glucoseLevel",
                        decimal_places=3,
                        help_text="mg/dL.",
                        max_digits=8,
                        null=True,
                    ),
                ),
                (
                    "peak_flow",
                    models.IntegerField(blank=True, db_column="peakFlow", help_text="Litres a minute.", null=True),
                ),
                ("notes", models.TextField(blank=True, db_column="notes", null=True)),
            ],
            options={
                "verbose_name": "vital signs",
                "verbose_name_plural": "vital signs",
                "db_table": "vital_signs",
                "ordering": ["-measurement_date"],
                "base_manager_name": "all_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("temperature_unit__in", ["F", "C"])),
                        name="vital_signs_temperature_unit_check",
                        violation_error_message="Temperature unit: F or C.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("temperature__isnull", True),
                            models.Q(("temperature__gte", 50), ("temperature__lte", 122), ("temperature_unit", "F")),
                            models.Q(("temperature__gte", 10), ("temperature__lte", 50), ("temperature_unit", "C")),
                            _connector="OR",
                        ),
                        name="vital_signs_temperature_check",
                        violation_error_message="Temperature: 50 to 122 °F, or 10 to 50 °C.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("blood_pressure_systolic__gt", models.F("blood_pressure_diastolic"))),
                        name="vital_signs_blood_pressure_check",
                        violation_error_message="Blood pressure: the systolic is higher than the diastolic.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("heart_rate__gte", 0), ("heart_rate__lte", 350)),
                        name="vital_signs_heart_rate_check",
                        violation_error_message="Heart rate: 0 to 350 beats a minute.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("respiratory_rate__gte", 0), ("respiratory_rate__lte", 150)),
                        name="vital_signs_respiratory_rate_check",
                        violation_error_message="Respiratory rate: 0 to 150 breaths a minute.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("oxygen_saturation__gte", 0), ("oxygen_saturation__lte", 100)),
                        name="vital_signs_oxygen_saturation_check",
                        violation_error_message="Oxygen saturation: 0 to 100 percent.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("pain_level__gte", 0), ("pain_level__lte", 10)),
                        name="vital_signs_pain_level_check",
                        violation_error_message="Pain level: 0 to 10.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("blood_pressure_diastolic__gte", 0)),
                        name="vital_signs_diastolic_check",
                        violation_error_message="Blood pressure: not negative.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("glucose_level__gte", 0), ("glucose_level__lt", 100000)),
                        name="vital_signs_glucose_level_check",
                        violation_error_message="Glucose level: not negative.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("peak_flow__gte", 0)),
                        name="vital_signs_peak_flow_check",
                        violation_error_message="Peak flow: not negative.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE", function="set_updated_at", name="vital_signs_set_updated_at"
                    ),
                    core.db.Trigger(event="BEFORE DELETE", function="refuse_delete", name="vital_signs_refuse_delete"),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
    ]
