"""What is recorded of a student's health, one noun a module."""

from health_records.models.allergy import Allergy
from health_records.models.appointment import Appointment
from health_records.models.chronic_condition import ChronicCondition
from health_records.models.emergency_contact import EmergencyContact
from health_records.models.growth_measurement import GrowthMeasurement
from health_records.models.health_record import HealthRecord
from health_records.models.incident_report import IncidentReport
from health_records.models.medication import Medication
from health_records.models.medication_log import MedicationLog
from health_records.models.screening import Screening
from health_records.models.student_medication import StudentMedication
from health_records.models.vaccination import Vaccination
from health_records.models.vital_signs import VitalSigns

__all__ = [
    "Allergy",
    "Appointment",
    "ChronicCondition",
    "EmergencyContact",
    "GrowthMeasurement",
    "HealthRecord",
    "IncidentReport",
    "Medication",
    "MedicationLog",
    "Screening",
    "StudentMedication",
    "Vaccination",
    "VitalSigns",
]
