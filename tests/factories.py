"""Records for tests: each function makes one, with what it is not told filled in."""

import datetime as dt
import itertools
from typing import Any

from core.enums import Gender, UserRole
from core.models import District, School, Student, User
from health_records.models import HealthRecord, Medication, MedicationLog, StudentMedication, Vaccination, VitalSigns
from whitecross.deployment.models import MigrationRun, MigrationRunStep

_numbers = itertools.count(1)
NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


def make_district(**fields: Any) -> District:
    """A district."""
    number = next(_numbers)
    return District.objects.create(**{"name": f"District {number}", "code": f"D{number}", **fields})


def make_school(**fields: Any) -> School:
    """A school, in a district of its own unless told."""
    number = next(_numbers)
    fields.setdefault("district", None)
    fields["district"] = fields["district"] or make_district()
    return School.objects.create(**{"name": f"School {number}", "code": f"S{number}", **fields})


def make_user(role: str = UserRole.NURSE, **fields: Any) -> User:
    """A member of staff who may enter the admin; ADMIN is a superuser. No usable password unless given."""
    number = next(_numbers)
    values = {
        "email": f"staff{number}@example.org",
        "first_name": "Sam",
        "last_name": f"Staff{number}",
        "role": role,
        "is_staff": True,
        "is_superuser": role == UserRole.ADMIN,
        **fields,
    }
    return User.objects.create_user(**values)


def make_student(**fields: Any) -> Student:
    """A student, in a school of its own unless told."""
    number = next(_numbers)
    if "school" not in fields:
        fields["school"] = make_school()
    values = {
        "student_number": f"N{number:06}",
        "first_name": "Ada",
        "last_name": f"Student{number}",
        "date_of_birth": dt.date(2014, 5, 17),
        "gender": Gender.FEMALE,
        "grade": "5",
        **fields,
    }
    return Student.objects.create(**values)


def make_health_record(**fields: Any) -> HealthRecord:
    """A check-up."""
    fields.setdefault("student", None)
    fields["student"] = fields["student"] or make_student()
    values = {"record_type": "CHECKUP", "title": "Check-up", "description": "Routine.", "record_date": NOON, **fields}
    return HealthRecord.objects.create(**values)


def make_medication(**fields: Any) -> Medication:
    """A medication on the shelf."""
    return Medication.objects.create(**{"name": f"Medication {next(_numbers)}", "strength": "10 mg", **fields})


def make_order(**fields: Any) -> StudentMedication:
    """A student's medication."""
    values: dict[str, Any] = {
        "dosage": "10 mg",
        "frequency": "daily",
        "start_date": NOON,
        "prescribed_by": "Dr. Lee",
        **fields,
    }
    values.setdefault("student", None)
    values.setdefault("medication", None)
    values["student"] = values["student"] or make_student()
    values["medication"] = values["medication"] or make_medication()
    return StudentMedication.objects.create(**values)


def make_dose(**fields: Any) -> MedicationLog:
    """A dose given."""
    values: dict[str, Any] = {"dosage_given": "10 mg", "time_given": NOON, **fields}
    values.setdefault("student_medication", None)
    values.setdefault("nurse", None)
    values["student_medication"] = values["student_medication"] or make_order()
    values["nurse"] = values["nurse"] or make_user()
    return MedicationLog.objects.create(**values)


def make_vaccination(**fields: Any) -> Vaccination:
    """A dose of MMR."""
    values: dict[str, Any] = {
        "vaccine_name": "MMR II",
        "vaccine_type": "MMR",
        "administration_date": NOON,
        "administered_by": "R. Ortiz, RN",
        **fields,
    }
    values.setdefault("student", None)
    values["student"] = values["student"] or make_student()
    return Vaccination.objects.create(**values)


def make_vital_signs(**fields: Any) -> VitalSigns:
    """A set of vital signs."""
    values: dict[str, Any] = {"measurement_date": NOON, "measured_by": "R. Ortiz, RN", **fields}
    values.setdefault("student", None)
    values["student"] = values["student"] or make_student()
    return VitalSigns.objects.create(**values)


def make_migration_run(**fields: Any) -> MigrationRun:
    """A run of migrate that succeeded."""
    values: dict[str, Any] = {
        "command": "migrate",
        "status": "SUCCEEDED",
        "started_at": NOON,
        "ended_at": NOON,
        "executor": "operator",
        "database_role": "whitecross",
        "host": "db.example",
        "environment": "production",
        "code_version": "0.1.0",
        "postgresql_version": "17.10",
        "plan": ["core.0001_base_schema"],
        "plan_hash": "0" * 64,
        **fields,
    }
    return MigrationRun.objects.create(**values)


def make_migration_run_step(**fields: Any) -> MigrationRunStep:
    """The one migration of a run."""
    values: dict[str, Any] = {
        "position": 1,
        "app": "core",
        "name": "0001_base_schema",
        "status": "SUCCEEDED",
        "started_at": NOON,
        "ended_at": NOON,
        **fields,
    }
    values.setdefault("run", None)
    values["run"] = values["run"] or make_migration_run()
    return MigrationRunStep.objects.create(**values)
