"""Many plausible rows, made within the database by INSERT ... SELECT: what plans are asserted on.

Everything follows from the number of a row, so that two runs make the same rows but for their ids. Ids come from
uuidv7(), in the order of insertion, as in a database that has grown.
"""

from django.db import connection

# Syllables of 30 by 20 surnames (and two of several words) and of 24 by 5 first names.
_HEADS = (
    "Mac O''Br Gar Mül Kow Nguy Schm And Pet Joh Will Fern Ro Kim Pat Sing Zh Ōt Ab Cas Dub Eri Fra Gom Hal Ib Jac Lop "
    "Mor Var"
)
_TAILS = "donald ien cía ler alski en idt erson ers son iams andez driguez berg el hara ang eda ault ström"
_FIRST = "Zoë Ana José Mia Lé Noah Ola Raúl Emma Inés Björn Chloé Dag Eve Fay Gus Hana Ivo Jana Kai Lars Mona Nils Ulla"
_ENDS = " lia rik beth son"

_FILL = f"""
INSERT INTO districts (name, code)
SELECT 'District ' || d, 'D' || d FROM generate_series(1, %(districts)s) d;

INSERT INTO schools (name, code, "districtId")
SELECT 'School ' || s, 'S' || s, (SELECT id FROM districts WHERE code = 'D' || 1 + (s - 1) %% %(districts)s)
FROM generate_series(1, %(schools)s) s;

-- A nurse and a counselor for each school.
INSERT INTO users (email, password, "firstName", "lastName", role, "schoolId", "districtId")
SELECT lower(s.code) || '.' || lower(role) || '@example.org', '!', 'Sam', 'Staff ' || s.code, role::"UserRole",
       s.id, s."districtId"
FROM schools s, (VALUES ('NURSE'), ('COUNSELOR')) roles (role);

INSERT INTO medications (name, strength, category, "stockQuantity", "minimumStock", "expirationDate", "isActive")
SELECT 'Medication ' || m, '10 mg', 'Category ' || m %% 20, CASE WHEN m %% 50 = 0 THEN 3 ELSE 20 + m %% 80 END, 10,
       CASE WHEN m %% 10 > 0 THEN timestamptz '2026-03-01 00:00Z' + m %% 900 * interval '1 day' END, m %% 9 > 0
FROM generate_series(1, %(medications)s) m;

-- One in 20 students of a school has left, one in 100 is marked as deleted.
INSERT INTO students ("studentNumber", "firstName", "lastName", "dateOfBirth", gender, grade, "schoolId", "districtId",
                      "nurseId", "isActive", "deletedAt")
SELECT 'N' || lpad(n::text, 7, '0'),
       (string_to_array('{_FIRST}', ' '))[1 + a %% 24] || (string_to_array('{_ENDS}', ' '))[1 + b %% 5],
       CASE WHEN n %% 500 = 0 THEN 'de la Cruz' WHEN n %% 501 = 0 THEN 'García-Márquez' ELSE
       (string_to_array('{_HEADS}', ' '))[1 + c %% 30] || (string_to_array('{_TAILS}', ' '))[1 + d %% 20] END,
       date '2008-01-01' + n %% 4800 * 7919 %% 4800, (ARRAY['FEMALE', 'MALE']::"Gender"[])[1 + n %% 2], (n %% 13)::text,
       s.id, s."districtId", u.id, n / %(schools)s %% 20 > 0, CASE WHEN n / %(schools)s %% 100 = 1 THEN now() END
FROM (SELECT n, hashint4(n)::bigint + 2147483648 a, hashint4(-n)::bigint + 2147483648 b,
             hashint4(n * 3)::bigint + 2147483648 c, hashint4(-n * 3)::bigint + 2147483648 d
      FROM generate_series(1, %(students)s) n) numbers
JOIN schools s ON s.code = 'S' || 1 + n %% %(schools)s
JOIN users u ON u."schoolId" = s.id AND u.role = 'NURSE'
ORDER BY n;

-- n: a student's number; i: the same within the school, so that every school has some of everything.
CREATE TEMPORARY TABLE numbered AS
SELECT id, "nurseId" nurse, n, n / %(schools)s i
FROM students, LATERAL (SELECT substr("studentNumber", 2)::int) numbers (n);

INSERT INTO allergies ("studentId", allergen, severity, "isActive")
SELECT id, (ARRAY['Peanut', 'Bee sting', 'Latex', 'Penicillin'])[1 + i / 16 %% 4],
       (ARRAY['MILD', 'MODERATE', 'SEVERE', 'LIFE_THREATENING']::"AllergySeverity"[])[1 + i / 4 %% 4], i %% 11 > 0
FROM numbered WHERE i %% 4 = 0;

INSERT INTO chronic_conditions ("studentId", "conditionName", status, "diagnosedDate")
SELECT id, 'Asthma', (ARRAY['ACTIVE', 'MANAGED', 'RESOLVED']::"ConditionStatus"[])[1 + i / 5 %% 3],
       timestamptz '2020-01-01Z'
FROM numbered WHERE i %% 5 = 0;

-- Inserted in the order of time, as in life: the rows of one student lie far apart.
INSERT INTO health_records ("studentId", "recordType", title, description, "recordDate", "isConfidential", "createdBy")
SELECT id, (ARRAY['CHECKUP', 'ILLNESS', 'INJURY', 'MENTAL_HEALTH']::"HealthRecordType"[])[1 + (i + k) %% 4],
       'Visit', 'Seen.',
       timestamptz '2023-09-01 15:00Z' + (k * 180 + i %% 180) * interval '1 day', (i + k) %% 4 = 3, nurse
FROM numbered, generate_series(0, %(records)s - 1) k ORDER BY k, n;

INSERT INTO appointments ("studentId", "nurseId", "scheduledAt", status, reason)
SELECT id, nurse, timestamptz '2026-01-05 08:00Z' + (i %% 16) * interval '30 min'
       + (i / 16 + k * 45) * interval '1 day',
       (ARRAY['SCHEDULED', 'COMPLETED', 'CANCELLED']::"AppointmentStatus"[])[1 + (i + k) %% 3], 'Check'
FROM numbered, generate_series(0, 1) k ORDER BY k, n;

INSERT INTO student_medications
    ("studentId", "medicationId", dosage, frequency, "startDate", "prescribedBy", "isActive")
SELECT n.id, m.id, '10 mg', 'daily', timestamptz '2025-09-01Z', 'Dr. Lee', (i + k) %% 4 > 0
FROM (SELECT id, n, i, CASE WHEN i %% 6 = 0 THEN 1 ELSE 0 END more FROM numbered WHERE i %% 3 = 0) n
CROSS JOIN LATERAL generate_series(0, more) k
JOIN medications m ON m.name = 'Medication ' || 1 + (n.n + k) %% %(medications)s;

INSERT INTO medication_logs ("studentMedicationId", "nurseId", "dosageGiven", "timeGiven", "adverseReaction")
SELECT sm.id, n.nurse, '10 mg', timestamptz '2025-09-01 12:00Z' + k * interval '1 day', (n.i + k) %% 200 = 0
FROM student_medications sm JOIN numbered n ON n.id = sm."studentId", generate_series(1, %(doses)s) k
ORDER BY k, n.n;

-- Dose k of a vaccine of two doses. Every tenth student never came for the second.
INSERT INTO vaccinations ("studentId", "vaccineName", "vaccineType", "administrationDate", "administeredBy",
    "doseNumber", "totalDoses", "seriesComplete", "nextDueDate", "complianceStatus", "exemptionStatus")
SELECT id, vaccine, vaccine::"VaccineType",
       timestamptz '2019-01-01Z' + (v * 30 + k * 180 + i %% 30) * interval '1 day', 'R. Ortiz, RN', k, 2, k = 2,
       CASE WHEN k = 1 THEN timestamptz '2019-01-01Z' + (v * 30 + 400 + i * 7919 %% 3000) * interval '1 day' END,
       CASE WHEN i %% 77 = 0 THEN 'EXEMPT' WHEN i %% 10 + v = 5 AND k = 1 THEN 'OVERDUE'
            WHEN k = 1 THEN 'PARTIALLY_COMPLIANT' ELSE 'COMPLIANT' END::"VaccineComplianceStatus", i %% 77 = 0
FROM numbered, unnest(ARRAY['MMR', 'POLIO', 'VARICELLA', 'HEPATITIS_B']) WITH ORDINALITY vaccines (vaccine, v),
     generate_series(1, 2) k
WHERE k = 1 OR i %% 10 + v <> 5
ORDER BY v, k, n;

INSERT INTO vital_signs ("studentId", "measurementDate", "measuredBy", temperature, "heartRate")
SELECT id, timestamptz '2025-01-10 09:00Z' + (k * 60 + i %% 60) * interval '1 day', 'R. Ortiz, RN', 98.6, 60 + i %% 40
FROM numbered, generate_series(1, %(vitals)s) k ORDER BY k, n;

DROP TABLE numbered;
"""


def fill(students: int, *, schools: int = 100, districts: int = 10, medications: int = 20_000) -> None:
    """Fill the connection's database, which has no students yet, and bring its statistics up to date."""
    numbers = {"students": students, "schools": schools, "districts": districts, "medications": medications}
    with connection.cursor() as cursor:
        for statement in _FILL.split(";\n"):
            if statement.strip():
                cursor.execute(statement, {**numbers, "records": 3, "doses": 15, "vitals": 4})
        cursor.execute("VACUUM ANALYZE")
