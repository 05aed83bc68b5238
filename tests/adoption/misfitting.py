"""Rows that the predecessor holds and White Cross refuses: the table, the reason, and the values that make it one.

The reason is the constraint here that refuses the row, or the column whose value would change; None marks a row that is
sound and makes the next one a misfit.
"""

from collections.abc import Iterator

from tests.adoption.awkward import LONG, Value

NOBODY = "00000000-0000-4000-8000-00000000dead"
Misfit = tuple[str, str | None, dict[str, Value]]


def _checks() -> Iterator[Misfit]:
    """Each CHECK once, where a value or two suffice."""
    for table, rule, values in (
        ("districts", "state", {"state": "x"}),
        ("schools", "state", {"state": "tx"}),
        ("schools", "total_enrollment", {"totalEnrollment": "-1"}),
        ("users", "failed_login_attempts", {"failedLoginAttempts": "-1", "email": "misfit@example.org"}),
        ("appointments", "duration", {"duration": "0"}),
        ("medications", "stock_quantity", {"stockQuantity": "-3"}),
        ("medications", "minimum_stock", {"minimumStock": "-1"}),
        ("student_medications", "dates", {"startDate": "2025-01-02 00:00:00+00", "endDate": "2025-01-01 23:59:59+00"}),
        ("student_medications", "consent", {"consentObtained": "true", "consentDate": None}),
        ("emergency_contacts", "priority", {"priority": "0"}),
        ("vaccinations", "doses", {"doseNumber": "9", "totalDoses": "2"}),
        ("vaccinations", "dose_number", {"doseNumber": "0"}),
        ("vaccinations", "total_doses", {"totalDoses": "0"}),
        ("growth_measurements", "bmi", {"bmi": "-0.001"}),
        ("growth_measurements", "bmi_percentile", {"bmiPercentile": "250"}),
        ("growth_measurements", "head_circumference", {"headCircumference": "0"}),
        ("growth_measurements", "height", {"height": "NaN"}),
        ("growth_measurements", "height_percentile", {"heightPercentile": "-1"}),
        ("growth_measurements", "height_unit", {"heightUnit": "hands"}),
        ("growth_measurements", "weight", {"weight": "0"}),
        ("growth_measurements", "weight_percentile", {"weightPercentile": "100.001"}),
        ("growth_measurements", "weight_unit", {"weightUnit": ""}),
        ("vital_signs", "blood_pressure", {"bloodPressureSystolic": "80", "bloodPressureDiastolic": "80"}),
        ("vital_signs", "diastolic", {"bloodPressureDiastolic": "-1"}),
        ("vital_signs", "glucose_level", {"glucoseLevel": "-0.5"}),
        ("vital_signs", "heart_rate", {"heartRate": "351"}),
        ("vital_signs", "oxygen_saturation", {"oxygenSaturation": "140"}),
        ("vital_signs", "pain_level", {"painLevel": "11"}),
        ("vital_signs", "peak_flow", {"peakFlow": "-1"}),
        ("vital_signs", "respiratory_rate", {"respiratoryRate": "151"}),
        ("vital_signs", "temperature", {"temperature": "98.6", "temperatureUnit": "C"}),
        ("vital_signs", "temperature_unit", {"temperatureUnit": "°F"}),
    ):
        yield table, f"{table}_{rule}_check", dict(values)


MISFITS: tuple[Misfit, ...] = (
    *_checks(),
    ("contacts", "contacts_relationTo_fkey", {"relationTo": NOBODY}),
    ("incident_reports", "incident_reports_parentNotifiedBy_fkey", {"parentNotifiedBy": NOBODY}),
    ("medication_logs", "medication_logs_witnessedBy_fkey", {"witnessedBy": NOBODY}),
    # The account that is in use stays.
    ("users", None, {"email": "twice@example.org", "lastLogin": "2025-09-01 07:30:00+00"}),
    ("users", "users_email_key", {"email": "Twice@Example.org", "lastLogin": None}),
    # What a column here cannot hold, or not as it stands.
    ("growth_measurements", "weight", {"weight": "38.12345"}),
    ("chronic_conditions", "status", {"status": "UNKNOWN"}),
    ("incident_reports", "attachments", {"attachments": '[{"file": "a.pdf", "file": "b.pdf"}]'}),
    ("incident_reports", "attachments", {"attachments": '["a\\u0000b"]'}),
    ("incident_reports", "witnesses", {"witnesses": '["\\ud83d"]'}),
    # Longer than an entry of the index on it may be.
    ("chronic_conditions", "icdCode", {"icdCode": LONG}),
    ("vaccinations", "lotNumber", {"lotNumber": LONG, "reactions": "none"}),
    ("students", "dateOfBirth", {"dateOfBirth": "infinity"}),
    ("medications", "expirationDate", {"expirationDate": "20250-06-30 00:00:00+00"}),
    ("allergies", "onsetDate", {"onsetDate": "-infinity"}),
)
