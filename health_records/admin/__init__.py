"""The admin of health records, by what a nurse does."""

from health_records.admin.care import AppointmentAdmin, EmergencyContactAdmin, IncidentReportAdmin
from health_records.admin.file import AllergyAdmin, ChronicConditionAdmin, HealthRecordAdmin
from health_records.admin.measurements import GrowthMeasurementAdmin, ScreeningAdmin, VitalSignsAdmin
from health_records.admin.medications import MedicationAdmin, MedicationLogAdmin, StudentMedicationAdmin
from health_records.admin.vaccinations import VaccinationAdmin

__all__ = [
    "AllergyAdmin",
    "AppointmentAdmin",
    "ChronicConditionAdmin",
    "EmergencyContactAdmin",
    "GrowthMeasurementAdmin",
    "HealthRecordAdmin",
    "IncidentReportAdmin",
    "MedicationAdmin",
    "MedicationLogAdmin",
    "ScreeningAdmin",
    "StudentMedicationAdmin",
    "VaccinationAdmin",
    "VitalSignsAdmin",
]
