"""Labels of the enum types of the health records. Each class is a type of that name in PostgreSQL."""

from django.db.models import TextChoices


class HealthRecordType(TextChoices):
    """What a health record is about."""

    CHECKUP = "CHECKUP", "Checkup"
    VACCINATION = "VACCINATION", "Vaccination"
    ILLNESS = "ILLNESS", "Illness"
    INJURY = "INJURY", "Injury"
    SCREENING = "SCREENING", "Screening"
    PHYSICAL_EXAM = "PHYSICAL_EXAM", "Physical exam"
    MENTAL_HEALTH = "MENTAL_HEALTH", "Mental health"
    DENTAL = "DENTAL", "Dental"
    VISION = "VISION", "Vision"
    HEARING = "HEARING", "Hearing"
    EXAMINATION = "EXAMINATION", "Examination"
    ALLERGY_DOCUMENTATION = "ALLERGY_DOCUMENTATION", "Allergy documentation"
    CHRONIC_CONDITION_REVIEW = "CHRONIC_CONDITION_REVIEW", "Chronic condition review"
    GROWTH_ASSESSMENT = "GROWTH_ASSESSMENT", "Growth assessment"
    VITAL_SIGNS_CHECK = "VITAL_SIGNS_CHECK", "Vital signs check"
    EMERGENCY_VISIT = "EMERGENCY_VISIT", "Emergency visit"
    FOLLOW_UP = "FOLLOW_UP", "Follow-up"
    CONSULTATION = "CONSULTATION", "Consultation"
    DIAGNOSTIC_TEST = "DIAGNOSTIC_TEST", "Diagnostic test"
    PROCEDURE = "PROCEDURE", "Procedure"
    HOSPITALIZATION = "HOSPITALIZATION", "Hospitalization"
    SURGERY = "SURGERY", "Surgery"
    COUNSELING = "COUNSELING", "Counseling"
    THERAPY = "THERAPY", "Therapy"
    NUTRITION = "NUTRITION", "Nutrition"
    MEDICATION_REVIEW = "MEDICATION_REVIEW", "Medication review"
    IMMUNIZATION = "IMMUNIZATION", "Immunization"
    LAB_RESULT = "LAB_RESULT", "Lab result"
    RADIOLOGY = "RADIOLOGY", "Radiology"
    OTHER = "OTHER", "Other"


class AllergySeverity(TextChoices):
    """How grave a reaction has been or is expected to be."""

    MILD = "MILD", "Mild"
    MODERATE = "MODERATE", "Moderate"
    SEVERE = "SEVERE", "Severe"
    LIFE_THREATENING = "LIFE_THREATENING", "Life-threatening"


class AppointmentStatus(TextChoices):
    """Where an appointment stands."""

    SCHEDULED = "SCHEDULED", "Scheduled"
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    COMPLETED = "COMPLETED", "Completed"
    CANCELLED = "CANCELLED", "Cancelled"
    NO_SHOW = "NO_SHOW", "No-show"
    RESCHEDULED = "RESCHEDULED", "Rescheduled"


class IncidentSeverity(TextChoices):
    """How grave an incident was."""

    LOW = "LOW", "Low"
    MEDIUM = "MEDIUM", "Medium"
    HIGH = "HIGH", "High"
    CRITICAL = "CRITICAL", "Critical"


class IncidentType(TextChoices):
    """What kind of incident happened."""

    INJURY = "INJURY", "Injury"
    ILLNESS = "ILLNESS", "Illness"
    ALLERGIC_REACTION = "ALLERGIC_REACTION", "Allergic reaction"
    MEDICATION_ERROR = "MEDICATION_ERROR", "Medication error"
    BEHAVIORAL = "BEHAVIORAL", "Behavioral"
    ENVIRONMENTAL = "ENVIRONMENTAL", "Environmental"
    OTHER = "OTHER", "Other"


class AllergyType(TextChoices):
    """What kind of allergen it is."""

    FOOD = "FOOD", "Food"
    MEDICATION = "MEDICATION", "Medication"
    ENVIRONMENTAL = "ENVIRONMENTAL", "Environmental"
    INSECT = "INSECT", "Insect"
    LATEX = "LATEX", "Latex"
    ANIMAL = "ANIMAL", "Animal"
    CHEMICAL = "CHEMICAL", "Chemical"
    SEASONAL = "SEASONAL", "Seasonal"
    OTHER = "OTHER", "Other"


class ConditionSeverity(TextChoices):
    """How grave a chronic condition is."""

    MILD = "MILD", "Mild"
    MODERATE = "MODERATE", "Moderate"
    SEVERE = "SEVERE", "Severe"
    CRITICAL = "CRITICAL", "Critical"


class ConditionStatus(TextChoices):
    """Where a chronic condition stands."""

    ACTIVE = "ACTIVE", "Active"
    MANAGED = "MANAGED", "Managed"
    RESOLVED = "RESOLVED", "Resolved"
    MONITORING = "MONITORING", "Monitoring"
    INACTIVE = "INACTIVE", "Inactive"


class VaccineType(TextChoices):
    """The vaccine, or the disease that it prevents."""

    COVID_19 = "COVID_19", "COVID-19"
    FLU = "FLU", "Influenza"
    MEASLES = "MEASLES", "Measles"
    MUMPS = "MUMPS", "Mumps"
    RUBELLA = "RUBELLA", "Rubella"
    MMR = "MMR", "MMR"
    POLIO = "POLIO", "Polio"
    HEPATITIS_A = "HEPATITIS_A", "Hepatitis A"
    HEPATITIS_B = "HEPATITIS_B", "Hepatitis B"
    VARICELLA = "VARICELLA", "Varicella"
    TETANUS = "TETANUS", "Tetanus"
    DIPHTHERIA = "DIPHTHERIA", "Diphtheria"
    PERTUSSIS = "PERTUSSIS", "Pertussis"
    TDAP = "TDAP", "Tdap"
    DTaP = "DTaP", "DTaP"
    HIB = "HIB", "Hib"
    PNEUMOCOCCAL = "PNEUMOCOCCAL", "Pneumococcal"
    ROTAVIRUS = "ROTAVIRUS", "Rotavirus"
    MENINGOCOCCAL = "MENINGOCOCCAL", "Meningococcal"
    HPV = "HPV", "HPV"
    OTHER = "OTHER", "Other"


class AdministrationSite(TextChoices):
    """Where on the body a vaccine was given."""

    ARM_LEFT = "ARM_LEFT", "Left arm"
    ARM_RIGHT = "ARM_RIGHT", "Right arm"
    THIGH_LEFT = "THIGH_LEFT", "Left thigh"
    THIGH_RIGHT = "THIGH_RIGHT", "Right thigh"
    DELTOID_LEFT = "DELTOID_LEFT", "Left deltoid"
    DELTOID_RIGHT = "DELTOID_RIGHT", "Right deltoid"
    BUTTOCK_LEFT = "BUTTOCK_LEFT", "Left buttock"
    BUTTOCK_RIGHT = "BUTTOCK_RIGHT", "Right buttock"
    ORAL = "ORAL", "Oral"
    NASAL = "NASAL", "Nasal"
    OTHER = "OTHER", "Other"


class AdministrationRoute(TextChoices):
    """How a vaccine was given."""

    INTRAMUSCULAR = "INTRAMUSCULAR", "Intramuscular"
    SUBCUTANEOUS = "SUBCUTANEOUS", "Subcutaneous"
    INTRADERMAL = "INTRADERMAL", "Intradermal"
    ORAL = "ORAL", "Oral"
    INTRANASAL = "INTRANASAL", "Intranasal"
    INTRAVENOUS = "INTRAVENOUS", "Intravenous"
    OTHER = "OTHER", "Other"


class VaccineComplianceStatus(TextChoices):
    """How a student stands with what the school requires."""

    COMPLIANT = "COMPLIANT", "Compliant"
    OVERDUE = "OVERDUE", "Overdue"
    PARTIALLY_COMPLIANT = "PARTIALLY_COMPLIANT", "Partially compliant"
    EXEMPT = "EXEMPT", "Exempt"
    NON_COMPLIANT = "NON_COMPLIANT", "Non-compliant"


class ScreeningType(TextChoices):
    """What was screened for."""

    VISION = "VISION", "Vision"
    HEARING = "HEARING", "Hearing"
    SCOLIOSIS = "SCOLIOSIS", "Scoliosis"
    DENTAL = "DENTAL", "Dental"
    BMI = "BMI", "BMI"
    BLOOD_PRESSURE = "BLOOD_PRESSURE", "Blood pressure"
    DEVELOPMENTAL = "DEVELOPMENTAL", "Developmental"
    SPEECH = "SPEECH", "Speech"
    MENTAL_HEALTH = "MENTAL_HEALTH", "Mental health"
    TUBERCULOSIS = "TUBERCULOSIS", "Tuberculosis"
    LEAD = "LEAD", "Lead"
    ANEMIA = "ANEMIA", "Anemia"
    OTHER = "OTHER", "Other"


class ScreeningOutcome(TextChoices):
    """What a screening found."""

    PASS = "PASS", "Pass"
    REFER = "REFER", "Refer"
    FAIL = "FAIL", "Fail"
    INCONCLUSIVE = "INCONCLUSIVE", "Inconclusive"
    INCOMPLETE = "INCOMPLETE", "Incomplete"


class FollowUpStatus(TextChoices):
    """Where the follow-up of a screening stands."""

    PENDING = "PENDING", "Pending"
    SCHEDULED = "SCHEDULED", "Scheduled"
    COMPLETED = "COMPLETED", "Completed"
    CANCELLED = "CANCELLED", "Cancelled"
    OVERDUE = "OVERDUE", "Overdue"
    NOT_NEEDED = "NOT_NEEDED", "Not needed"


class ConsciousnessLevel(TextChoices):
    """AVPU (alert, verbal, pain, unresponsive) and the words that nurses use besides."""

    ALERT = "ALERT", "Alert"
    VERBAL = "VERBAL", "Verbal"
    PAIN = "PAIN", "Pain"
    UNRESPONSIVE = "UNRESPONSIVE", "Unresponsive"
    DROWSY = "DROWSY", "Drowsy"
    CONFUSED = "CONFUSED", "Confused"
    LETHARGIC = "LETHARGIC", "Lethargic"
