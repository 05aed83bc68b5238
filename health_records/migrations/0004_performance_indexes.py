"""The indexes that lists, reports and foreign keys of the health records need.

Reverse: drops the indexes; no row changes.
"""

import django.contrib.postgres.search
from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_performance_indexes"),
        ("health_records", "0003_complete_health_records_schema"),
    ]

    operations = [
        core.db.operations.AddIndexes(
            indexes={
                "allergy": [
                    core.db.Index(
                        fields=["student", "severity"],
                        name="idx_allergies_student",
                        serves="A student's allergies by severity.",
                    ),
                    core.db.Index(
                        condition=models.Q(("is_active", True), ("severity", "LIFE_THREATENING")),
                        fields=["student"],
                        name="idx_allergies_critical",
                        serves="Students whose life an allergy threatens.",
                    ),
                    core.db.Index(
                        fields=["allergy_type", "severity"],
                        name="allergies_allergyType_severity_idx",
                        serves="How many allergies of a type there are, by severity.",
                    ),
                    core.db.Index(
                        condition=models.Q(("epi_pen_required", True)),
                        fields=["epi_pen_expiration"],
                        name="allergies_epiPenExpiration_idx",
                        serves="EpiPens that expire next.",
                    ),
                    core.db.Index(
                        condition=models.Q(("health_record__isnull", False)),
                        fields=["health_record"],
                        name="allergies_healthRecordId_idx",
                        serves="The allergies of a health record.",
                    ),
                ],
                "appointment": [
                    core.db.Index(
                        fields=["nurse", "scheduled_at", "status", "duration"],
                        name="idx_appointment_availability",
                        serves="A nurse's day, and when she is free.",
                    ),
                    core.db.Index(
                        fields=["student", "-scheduled_at", "status"],
                        name="idx_appointments_student",
                        serves="A student's appointments, the latest first.",
                    ),
                    core.db.Index(
                        condition=models.Q(("status__in", ["SCHEDULED", "IN_PROGRESS"])),
                        fields=["scheduled_at"],
                        name="idx_appointments_upcoming",
                        serves="Appointments that are still to come.",
                    ),
                    core.db.BrinIndex(
                        autosummarize=True,
                        fields=["scheduled_at"],
                        name="appointments_date_brin",
                        pages_per_range=32,
                        serves="Reports over a span of time.",
                    ),
                ],
                "chroniccondition": [
                    core.db.Index(
                        fields=["student", "status"],
                        name="idx_chronic_conditions_student",
                        serves="A student's conditions by status.",
                    ),
                    core.db.Index(
                        fields=["severity", "status"],
                        name="chronic_conditions_severity_status_idx",
                        serves="How many conditions there are, by severity and status.",
                    ),
                    core.db.Index(
                        condition=models.Q(("next_review_date__isnull", False)),
                        fields=["next_review_date"],
                        name="chronic_conditions_nextReviewDate_idx",
                        serves="Reviews that are due, by date.",
                    ),
                    core.db.Index(
                        condition=models.Q(("icd_code__isnull", False)),
                        fields=["icd_code"],
                        name="chronic_conditions_icdCode_idx",
                        serves="Who has a diagnosis.",
                    ),
                    core.db.Index(
                        condition=models.Q(("health_record__isnull", False)),
                        fields=["health_record"],
                        name="chronic_conditions_healthRecordId_idx",
                        serves="The conditions of a health record.",
                    ),
                ],
                "emergencycontact": [
                    core.db.Index(
                        fields=["student", "priority"],
                        name="emergency_contacts_student_idx",
                        serves="Whom to call for a student, in order.",
                    ),
                    core.db.Index(
                        fields=["primary_phone"],
                        name="emergency_contacts_primaryPhone_idx",
                        serves="Whose contact calls from a number.",
                    ),
                ],
                "growthmeasurement": [
                    core.db.Index(
                        fields=["student", "-measurement_date"],
                        name="growth_measurements_studentId_measurementDate_idx",
                        serves="A student's growth, the latest first.",
                    ),
                    core.db.BrinIndex(
                        autosummarize=True,
                        fields=["measurement_date"],
                        name="growth_measurements_date_brin",
                        pages_per_range=32,
                        serves="Reports over a span of time.",
                    ),
                    core.db.Index(
                        condition=models.Q(("health_record__isnull", False)),
                        fields=["health_record"],
                        name="growth_measurements_healthRecordId_idx",
                        serves="The measurements of a health record.",
                    ),
                ],
                "healthrecord": [
                    core.db.Index(
                        fields=["student", "-record_date", "record_type"],
                        name="idx_health_records_student_date",
                        serves="A student's records, the latest first; the types in a roster's overview.",
                    ),
                    core.db.Index(
                        fields=["record_type", "-record_date"],
                        name="idx_health_records_type_date",
                        serves="Records of a type, the latest first.",
                    ),
                    core.db.Index(
                        condition=models.Q(("follow_up_completed", False), ("follow_up_required", True)),
                        fields=["follow_up_date"],
                        name="health_records_followup_idx",
                        serves="Follow-ups that are open, by date.",
                    ),
                    core.db.Index(
                        fields=["created_by"],
                        name="health_records_createdBy_idx",
                        serves="What a user wrote.",
                    ),
                    core.db.Index(
                        condition=models.Q(("is_confidential", True)),
                        fields=["-record_date"],
                        name="idx_health_records_confidential",
                        serves="Confidential records, the latest first.",
                    ),
                    core.db.Index(
                        condition=models.Q(("provider_npi__isnull", False)),
                        fields=["provider_npi", "-record_date"],
                        name="idx_health_records_provider",
                        serves="What a provider recorded, the latest first.",
                    ),
                    core.db.BrinIndex(
                        autosummarize=True,
                        fields=["record_date"],
                        name="health_records_date_brin",
                        pages_per_range=32,
                        serves="Reports over a span of time.",
                    ),
                ],
                "incidentreport": [
                    core.db.Index(
                        fields=["student", "-occurred_at", "severity"],
                        name="idx_incident_reports_student",
                        serves="A student's incidents, the latest first.",
                    ),
                    core.db.Index(
                        fields=["reported_by", "-occurred_at"],
                        name="idx_incident_reports_reporter",
                        serves="What a user reported, the latest first.",
                    ),
                    core.db.Index(
                        fields=["type", "severity", "-occurred_at"],
                        name="idx_incident_reports_filters",
                        serves="Incidents of a type and severity, the latest first.",
                    ),
                    core.db.Index(
                        condition=models.Q(("severity__in", ["HIGH", "CRITICAL"])),
                        fields=["-occurred_at"],
                        name="idx_incident_reports_critical",
                        serves="Grave incidents, the latest first.",
                    ),
                    core.db.Index(
                        fields=["occurred_at"],
                        name="incident_reports_occurred_idx",
                        serves="Incidents over a span of time.",
                    ),
                    core.db.Index(
                        condition=models.Q(("follow_up_required", True)),
                        fields=["occurred_at"],
                        name="incident_reports_followup_idx",
                        serves="Incidents that need a follow-up.",
                    ),
                    core.db.Index(
                        condition=models.Q(("parent_notified_by__isnull", False)),
                        fields=["parent_notified_by"],
                        name="incident_reports_parentNotifiedBy_idx",
                        serves="Which parents a user told.",
                    ),
                ],
                "medication": [
                    core.db.Index(
                        fields=["name"],
                        name="medications_name_idx",
                        serves="Medications in the order of their names.",
                    ),
                    core.db.Index(
                        fields=["category", "is_active"],
                        name="idx_medications_category_active",
                        serves="Active medications of a category.",
                    ),
                    core.db.Index(
                        condition=models.Q(("expiration_date__isnull", False), ("is_active", True)),
                        fields=["expiration_date"],
                        name="idx_medications_expiration",
                        serves="What expires next.",
                    ),
                    core.db.Index(
                        condition=models.Q(("is_active", True), ("stock_quantity__lte", models.F("minimum_stock"))),
                        fields=["stock_quantity", "minimum_stock"],
                        name="idx_medications_stock",
                        serves="What has to be ordered.",
                    ),
                    core.db.GinIndex(
                        django.contrib.postgres.search.SearchVector("name", "generic_name", config="english"),
                        name="idx_medications_search",
                        serves="Medications by words of their names.",
                    ),
                    core.db.Index(
                        condition=models.Q(("ndc_code__isnull", False)),
                        fields=["ndc_code"],
                        name="medications_ndc_idx",
                        serves="Which medication a National Drug Code names.",
                    ),
                    core.db.Index(
                        condition=models.Q(("controlled_substance", True)),
                        fields=["name"],
                        name="medications_controlled_idx",
                        serves="Controlled substances.",
                    ),
                ],
                "medicationlog": [
                    core.db.Index(
                        fields=["student_medication", "-time_given"],
                        name="medication_logs_student_med_time_idx",
                        serves="The last doses of an order.",
                    ),
                    core.db.Index(
                        fields=["nurse", "-time_given"],
                        name="idx_medication_logs_nurse",
                        serves="What a nurse gave, the latest first.",
                    ),
                    core.db.BrinIndex(
                        autosummarize=True,
                        fields=["time_given"],
                        name="medication_logs_time_brin",
                        pages_per_range=32,
                        serves="Reports over a span of time.",
                    ),
                    core.db.Index(
                        condition=models.Q(("adverse_reaction", True)),
                        fields=["-time_given"],
                        name="medication_logs_adverse_idx",
                        serves="Adverse reactions, the latest first.",
                    ),
                    core.db.Index(
                        condition=models.Q(("witnessed_by__isnull", False)),
                        fields=["witnessed_by"],
                        name="medication_logs_witness_idx",
                        serves="What a user witnessed.",
                    ),
                ],
                "screening": [
                    core.db.Index(
                        fields=["student", "-screening_date"],
                        name="screenings_studentId_screeningDate_idx",
                        serves="A student's screenings, the latest first.",
                    ),
                    core.db.Index(
                        fields=["screening_type", "outcome"],
                        name="screenings_screeningType_outcome_idx",
                        serves="How a screening turned out.",
                    ),
                    core.db.Index(
                        condition=models.Q(("follow_up_required", True)),
                        fields=["follow_up_date"],
                        name="screenings_followUpDate_idx",
                        serves="Follow-ups that are due, by date.",
                    ),
                    core.db.Index(
                        condition=models.Q(("referral_required", True)),
                        fields=["-screening_date"],
                        name="screenings_referral_idx",
                        serves="Screenings that led to a referral, the latest first.",
                    ),
                    core.db.Index(
                        condition=models.Q(("health_record__isnull", False)),
                        fields=["health_record"],
                        name="screenings_healthRecordId_idx",
                        serves="The screenings of a health record.",
                    ),
                ],
                "studentmedication": [
                    core.db.Index(
                        fields=["student", "is_active", "start_date", "end_date"],
                        name="student_medications_student_idx",
                        serves="What a student takes at present.",
                    ),
                    core.db.Index(
                        fields=["medication"],
                        name="student_medications_medication_idx",
                        serves="Who takes a medication.",
                    ),
                    core.db.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["start_date", "end_date"],
                        name="idx_student_medications_active_dates",
                        serves="Orders that run on a day.",
                    ),
                    core.db.Index(
                        condition=models.Q(("consent_obtained", False), ("requires_parent_consent", True)),
                        fields=["student"],
                        name="student_medications_consent_idx",
                        serves="Orders that wait for a parent's consent.",
                    ),
                ],
                "vaccination": [
                    core.db.Index(
                        fields=["student", "-administration_date"],
                        include=["compliance_status", "vaccine_type", "exemption_status", "deleted_at"],
                        name="idx_vaccinations_student",
                        serves="A student's vaccinations, the latest first; a district's compliance.",
                    ),
                    core.db.Index(
                        condition=models.Q(("exemption_status", False), ("series_complete", False)),
                        fields=["student", "next_due_date"],
                        name="idx_vaccinations_overdue",
                        serves="Which doses a student still needs, and since when: a school's overdue vaccinations.",
                    ),
                    core.db.Index(
                        fields=["vaccine_type", "compliance_status"],
                        name="idx_vaccinations_compliance",
                        serves="How a vaccine's compliance stands.",
                    ),
                    core.db.Index(
                        condition=models.Q(("next_due_date__isnull", False), ("series_complete", False)),
                        fields=["next_due_date"],
                        name="vaccinations_nextDueDate_idx",
                        serves="Doses that are due next.",
                    ),
                    core.db.Index(
                        condition=models.Q(("health_record__isnull", False)),
                        fields=["health_record"],
                        name="vaccinations_healthRecordId_idx",
                        serves="The vaccinations of a health record.",
                    ),
                    core.db.Index(
                        condition=models.Q(("reactions__isnull", False)),
                        fields=["lot_number"],
                        name="vaccinations_lot_idx",
                        serves="Lots that caused reactions.",
                    ),
                ],
                "vitalsigns": [
                    core.db.Index(
                        fields=["student", "-measurement_date"],
                        name="vital_signs_studentId_measurementDate_idx",
                        serves="A student's vital signs, the latest first; the latest of each student of a school.",
                    ),
                    core.db.BrinIndex(
                        autosummarize=True,
                        fields=["measurement_date"],
                        name="vital_signs_date_brin",
                        pages_per_range=32,
                        serves="Reports over a span of time.",
                    ),
                    core.db.Index(
                        condition=models.Q(("appointment__isnull", False)),
                        fields=["appointment"],
                        name="vital_signs_appointmentId_idx",
                        serves="The vital signs taken at an appointment.",
                    ),
                    core.db.Index(
                        condition=models.Q(("health_record__isnull", False)),
                        fields=["health_record"],
                        name="vital_signs_healthRecordId_idx",
                        serves="The vital signs of a health record.",
                    ),
                ],
            },
        ),
    ]
