"""Rows as lines of COPY's text format, gathered by table."""

import datetime as dt
import random

from health_records.synthetic.calendar import Moment

NULL = r"\N"
_RECORD = ("id", "createdAt", "updatedAt")
_AUDITED = (*_RECORD, "createdBy")
_PHI = (*_AUDITED, "updatedBy", "deletedAt")

# Each table after those that it refers to. Columns that are not named here keep their defaults.
COLUMNS: dict[str, tuple[str, ...]] = {
    "districts": (*_RECORD, "name", "code", "address", "city", "state", "zipCode", "phone", "email"),
    "schools": (
        *(*_RECORD, "name", "code", "districtId", "address", "city", "state", "zipCode", "phone", "email"),
        *("principal", "totalEnrollment"),
    ),
    "users": (
        *(*_RECORD, "lastLogin", "email", "password", "firstName", "lastName", "role", "schoolId", "districtId"),
        *("isActive", "isStaff", "phone", "emailVerified", "passwordChangedAt"),
    ),
    "medications": (
        *(*_AUDITED, "name", "genericName", "dosageForm", "strength", "manufacturer", "ndcCode", "category"),
        *("requiresRefrigeration", "controlledSubstance", "stockQuantity", "minimumStock", "expirationDate"),
        *("lotNumber", "isActive"),
    ),
    "students": (
        *(*_PHI, "studentNumber", "firstName", "lastName", "dateOfBirth", "gender", "medicalRecordNum", "schoolId"),
        *("districtId", "nurseId", "grade", "enrollmentDate", "isActive"),
    ),
    "contacts": (
        *(*_PHI, "firstName", "lastName", "type", "relationTo", "relationshipType", "organization", "email", "phone"),
        *("address", "city", "state", "zip", "isActive"),
    ),
    "emergency_contacts": (
        *(*_PHI, "studentId", "name", "relationship", "primaryPhone", "secondaryPhone", "email", "priority"),
        *("isPrimary", "canPickUp", "canMakeDecisions", "isActive"),
    ),
    "health_records": (
        *(*_PHI, "studentId", "recordType", "title", "description", "recordDate", "provider", "providerNpi"),
        *("facility", "diagnosis", "diagnosisCode", "treatment", "followUpRequired", "followUpDate"),
        *("followUpCompleted", "isConfidential"),
    ),
    "allergies": (
        *(*_PHI, "studentId", "healthRecordId", "allergen", "allergyType", "severity", "reaction", "treatment"),
        *("diagnosedDate", "diagnosedBy", "verified", "verificationDate", "epiPenRequired", "epiPenLocation"),
        *("epiPenExpiration", "isActive"),
    ),
    "chronic_conditions": (
        *(*_PHI, "studentId", "healthRecordId", "conditionName", "icdCode", "status", "severity", "diagnosedDate"),
        *("diagnosedBy", "carePlan", "triggers", "accommodationsRequired", "reviewFrequency", "lastReviewDate"),
        "nextReviewDate",
    ),
    "appointments": (
        *(*_PHI, "studentId", "nurseId", "scheduledAt", "duration", "status", "reason", "completedAt"),
        *("cancelledAt", "cancellationReason"),
    ),
    "student_medications": (
        *(*_PHI, "studentId", "medicationId", "dosage", "frequency", "route", "instructions", "startDate", "endDate"),
        *("prescribedBy", "prescribedByNpi", "requiresParentConsent", "consentObtained", "consentDate", "isActive"),
    ),
    "medication_logs": (
        *(*_PHI, "studentMedicationId", "nurseId", "witnessedBy", "dosageGiven", "timeGiven"),
        *("reasonForAdministration", "studentResponse", "adverseReaction", "reactionDetails"),
    ),
    "incident_reports": (
        *(*_PHI, "studentId", "reportedById", "type", "severity", "occurredAt", "location", "description"),
        *("actionTaken", "parentNotified", "parentNotifiedAt", "parentNotifiedBy", "emergencyServicesContacted"),
        *("emergencyDetails", "followUpRequired", "followUpNotes"),
    ),
    "vaccinations": (
        *(*_PHI, "studentId", "healthRecordId", "vaccineName", "vaccineType", "manufacturer", "lotNumber", "cvxCode"),
        *("doseNumber", "totalDoses", "seriesComplete", "administrationDate", "administeredBy"),
        *("administeredByRole", "facility", "siteOfAdministration", "routeOfAdministration", "dosageAmount"),
        *("expirationDate", "nextDueDate", "reactions", "exemptionStatus", "exemptionReason", "complianceStatus"),
        *("vfcEligibility", "visProvided", "visDate", "consentObtained", "consentBy"),
    ),
    "screenings": (
        *(*_PHI, "studentId", "healthRecordId", "screeningType", "screeningDate", "screenedBy", "screenedByRole"),
        *("results", "outcome", "passedCriteria", "rightEye", "leftEye", "rightEar", "leftEar", "equipmentUsed"),
        *("referralRequired", "referralTo", "referralDate", "referralReason", "followUpRequired", "followUpDate"),
        "followUpStatus",
    ),
    "growth_measurements": (
        *(*_PHI, "studentId", "healthRecordId", "measurementDate", "measuredBy", "measuredByRole", "height"),
        *("heightUnit", "weight", "weightUnit", "bmi", "bmiPercentile", "heightPercentile", "nutritionalStatus"),
    ),
    "vital_signs": (
        *(*_PHI, "studentId", "healthRecordId", "appointmentId", "measurementDate", "measuredBy", "measuredByRole"),
        *("temperature", "temperatureUnit", "temperatureSite", "bloodPressureSystolic", "bloodPressureDiastolic"),
        *("bloodPressurePosition", "heartRate", "heartRhythm", "respiratoryRate", "oxygenSaturation"),
        *("oxygenSupplemental", "painLevel", "painLocation", "consciousness", "glucoseLevel", "peakFlow"),
    ),
}
# One row in 150 of the health data has been marked as deleted, as a duplicate or a mistake.
DELETED = 1 / 150


def flag(value: bool) -> str:
    """A boolean as COPY reads it."""
    return "t" if value else "f"


class Rows:
    """The rows made since the last `take()`.

    Values are text as COPY reads it, None for NULL. A row's id is a UUID of version 7 of its own `createdAt`, so that
    the order of lines is the order of ids and of time.
    """

    def __init__(self, rng: random.Random, now: Moment) -> None:
        self.rng, self.now = rng, now
        self.lines: dict[str, list[str]] = {table: [] for table in COLUMNS}

    def identifier(self, milliseconds: int) -> str:
        """An id of that time: 32 hexadecimal digits, which PostgreSQL reads as a uuid."""
        bits = self.rng.getrandbits(74)
        number = milliseconds << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & ((1 << 62) - 1)
        return f"{number:032x}"

    def record(self, table: str, created: Moment, *values: str | None) -> str:
        """A row with an id and its times. Returns the id."""
        row_id = self.identifier(created.milliseconds)
        self._append(table, (row_id, created.text, created.text, *values))
        return row_id

    def audited(self, table: str, created: Moment, author: str, *values: str | None) -> str:
        """A row that names its author. Returns the id."""
        row_id = self.identifier(created.milliseconds)
        self._append(table, (row_id, created.text, created.text, author, *values))
        return row_id

    def health(self, table: str, created: Moment, author: str | None, *values: str | None) -> str:
        """A row of health data, written by the user of that id; a few are marked as deleted. Returns the id."""
        row_id = self.identifier(created.milliseconds)
        if self.rng.random() < DELETED:
            self.mark_deleted(table, row_id, created, author, *values)
        else:
            self._append(table, (row_id, created.text, created.text, author, None, None, *values))
        return row_id

    def mark_deleted(self, table: str, row_id: str, created: Moment, author: str | None, *values: str | None) -> None:
        """A row that its author marked as deleted within ten days."""
        after = self.rng.randrange(5 * 60_000, 10 * 86_400_000)
        milliseconds = min(created.milliseconds + after, self.now.milliseconds)
        deleted = dt.datetime.fromtimestamp(milliseconds // 1000, dt.UTC).isoformat(" ")
        self._append(table, (row_id, created.text, deleted, author, author, deleted, *values))

    def _append(self, table: str, values: tuple[str | None, ...]) -> None:
        self.lines[table].append("\t".join([NULL if value is None else value for value in values]))

    def take(self) -> dict[str, tuple[int, bytes]]:
        """Table -> number of rows and their lines in the order of time; empties the gathered rows."""
        taken = {}
        for table, lines in self.lines.items():
            if lines:
                lines.sort()
                taken[table] = len(lines), ("\n".join(lines) + "\n").encode()
                self.lines[table] = []
        return taken
