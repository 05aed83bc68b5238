"""What lists of students show of their health.

SQL and not subqueries of the ORM: the tables belong to `health_records`, which `core` does not import, and Django would
need longer to compose six subqueries than PostgreSQL to answer them. As annotations they filter and sort like fields.
"""

from django.db.models import BooleanField, DateTimeField, Field, Func, IntegerField, TextField

# The gravest first. An exemption outranks a full set of vaccines: in an outbreak an exempt student stays at home.
GRAVEST_COMPLIANCE = ("NON_COMPLIANT", "OVERDUE", "PARTIALLY_COMPLIANT", "EXEMPT", "COMPLIANT")


def _of_student(sql: str, output_field: "Field[object, object]") -> Func:
    """A subquery in whose SQL STUDENT stands for the student's id and PRESENT for rows that are not deleted."""
    sql = sql.replace("%", "%%").replace("STUDENT", "%(expressions)s").replace("PRESENT", '"deletedAt" IS NULL')
    return Func("pk", template=f"({' '.join(sql.split())})", output_field=output_field)


_LAST_RECORD = """
    FROM health_records
    WHERE "studentId" = STUDENT AND PRESENT AND NOT "isConfidential"
    ORDER BY "recordDate" DESC LIMIT 1
"""

HEALTH_OVERVIEW: dict[str, Func] = {
    "allergy_count": _of_student(
        'SELECT count(*) FROM allergies WHERE "studentId" = STUDENT AND PRESENT AND "isActive"',
        IntegerField(),
    ),
    # Not EXISTS: PostgreSQL may answer that by reading such allergies of all schools into a hash table.
    "has_life_threatening_allergy": _of_student(
        """
        SELECT count(*) > 0 FROM allergies
        WHERE "studentId" = STUDENT AND PRESENT AND "isActive" AND severity = 'LIFE_THREATENING'
        """,
        BooleanField(),
    ),
    "condition_count": _of_student(
        """
        SELECT count(*) FROM chronic_conditions
        WHERE "studentId" = STUDENT AND PRESENT AND status IN ('ACTIVE', 'MANAGED', 'MONITORING')
        """,
        IntegerField(),
    ),
    "medication_count": _of_student(
        'SELECT count(*) FROM student_medications WHERE "studentId" = STUDENT AND PRESENT AND "isActive"',
        IntegerField(),
    ),
    "last_record_date": _of_student(f'SELECT "recordDate" {_LAST_RECORD}', DateTimeField()),
    "last_record_type": _of_student(f'SELECT "recordType" {_LAST_RECORD}', TextField()),
}

_GRAVITY = f"""ARRAY[{", ".join(f"'{status}'" for status in GRAVEST_COMPLIANCE)}]::"VaccineComplianceStatus"[]"""
# A dose without a type supersedes none and stands for itself; its date tells it from the others, as the index has it.
_VACCINE = """ "vaccineType", CASE WHEN "vaccineType" IS NULL THEN "administrationDate" END """
_STATUS = """CASE WHEN "exemptionStatus" THEN 'EXEMPT'::"VaccineComplianceStatus" ELSE "complianceStatus" END"""

COMPLIANCE_STATUS = _of_student(
    f"""
    SELECT ({_GRAVITY})[min(gravity)] FROM (
        SELECT DISTINCT ON ({_VACCINE}) array_position({_GRAVITY}, {_STATUS}) AS gravity
        FROM vaccinations
        WHERE "studentId" = STUDENT AND PRESENT
        ORDER BY {_VACCINE}, "administrationDate" DESC, gravity
    ) AS latest
    """,  # noqa: S608 - constants
    TextField(),
)
