"""A school, the next school of the same district, and one of another district, with a row of every kind each."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models

from configuration.models import Announcement, ConfigurationHistory, SystemConfiguration
from core import access
from core.db import uuid7
from core.enums import UserRole
from core.models import Contact, District, School, Student, User
from health_records import models as health
from tests import factories
from tests.factories import NOON
from whitecross.adoption.models import Reject

LATER = NOON + dt.timedelta(days=365)

# How to make one row about a student; the row says nothing of its own but what it must.
MAKERS: dict[str, Callable[[Student, User], models.Model]] = {
    "core.Contact": lambda student, nurse: Contact.objects.create(
        relation_to=student, first_name="Ann", last_name="Guardian", type="GUARDIAN"
    ),
    "core.District": lambda student, nurse: student.district,  # type: ignore[dict-item, return-value]
    "core.School": lambda student, nurse: student.school,  # type: ignore[dict-item, return-value]
    "core.Student": lambda student, nurse: student,
    "core.User": lambda student, nurse: nurse,
    "health_records.Allergy": lambda student, nurse: health.Allergy.objects.create(student=student, allergen="Peanut"),
    "health_records.Appointment": lambda student, nurse: health.Appointment.objects.create(
        student=student, nurse=nurse, scheduled_at=NOON, reason="Check"
    ),
    "health_records.ChronicCondition": lambda student, nurse: health.ChronicCondition.objects.create(
        student=student, condition_name="Asthma", diagnosed_date=NOON
    ),
    "health_records.EmergencyContact": lambda student, nurse: health.EmergencyContact.objects.create(
        student=student, name="Ann Guardian", relationship="Mother", primary_phone="5550100"
    ),
    "health_records.GrowthMeasurement": lambda student, nurse: health.GrowthMeasurement.objects.create(
        student=student, measurement_date=NOON, measured_by="RN"
    ),
    "health_records.HealthRecord": lambda student, nurse: factories.make_health_record(student=student),
    "health_records.IncidentReport": lambda student, nurse: health.IncidentReport.objects.create(
        student=student, reported_by=nurse, type="INJURY", severity="LOW", occurred_at=NOON, description="Fell."
    ),
    "health_records.Medication": lambda student, nurse: factories.make_medication(),
    "health_records.MedicationLog": lambda student, nurse: factories.make_dose(
        student_medication=factories.make_order(student=student), nurse=nurse
    ),
    "health_records.Screening": lambda student, nurse: health.Screening.objects.create(
        student=student, screening_type="VISION", screening_date=NOON, screened_by="RN"
    ),
    "health_records.StudentMedication": lambda student, nurse: factories.make_order(student=student),
    "health_records.Vaccination": lambda student, nurse: factories.make_vaccination(student=student),
    "health_records.VitalSigns": lambda student, nurse: factories.make_vital_signs(student=student),
    "configuration.SystemConfiguration": lambda student, nurse: SystemConfiguration.objects.create(
        key=f"SETTING_{student.pk}", value="on"
    ),
    "configuration.ConfigurationHistory": lambda student, nurse: SystemConfiguration.objects.create(
        key=f"CHANGED_{student.pk}", value="on"
    ).history.get(),
    "configuration.Announcement": lambda student, nurse: Announcement.objects.create(pk=uuid7()),
    "adoption.Reject": lambda student, nurse: Reject.objects.create(
        source_table="allergies", row_id=str(student.pk), data={"studentId": str(student.pk)}, reasons=[]
    ),
    "deployment.MigrationRun": lambda student, nurse: factories.make_migration_run(),
    "deployment.MigrationRunStep": lambda student, nurse: factories.make_migration_run_step(),
}

OUR_APPS = ("core", "health_records", "configuration", "adoption", "deployment")
OUR_MODELS = [model for model in apps.get_models() if model._meta.app_label in OUR_APPS]
LABELS = sorted(model._meta.label for model in OUR_MODELS)
ABOUT_ONE_STUDENT = [label for label in LABELS if label in access.LINES and access.LINES[label].reached_by == "student"]


@dataclass
class Place:
    """A school with its district, a nurse, a student, and a row of every kind."""

    school: School
    district: District
    nurse: User
    student: Student
    rows: dict[str, models.Model] = field(default_factory=dict)


def make_place(district: District | None = None) -> Place:
    """A school, in a district of its own unless told."""
    school = factories.make_school(district=district)
    nurse = factories.make_user(school=school)
    student = factories.make_student(school=school, first_name="Zoë", last_name="O'Brien")
    place = Place(school, school.district, nurse, student)
    place.rows = {label: MAKERS[label](student, nurse) for label in LABELS}
    return place


@dataclass
class World:
    """Here, the next school, and far away."""

    here: Place
    near: Place
    far: Place

    def user(self, role: str, **fields: Any) -> User:
        """A member of staff of the role, of the school here (a district administrator: of the district)."""
        own = {"district": self.here.district} if role == UserRole.DISTRICT_ADMIN else {"school": self.here.school}
        if role == UserRole.ADMIN:
            own = {}
        return factories.make_user(role, **{**own, **fields})

    def expected(self, role: str, label: str) -> set[Any]:
        """The ids among the three places' rows of this kind that the role sees from here: the rule, said once more."""
        if "view" not in access.LINES[label].rights[role]:
            return set()
        shared = access.LINES[label].reached_by == "shared"
        wide = {UserRole.ADMIN: [self.here, self.near, self.far], UserRole.DISTRICT_ADMIN: [self.here, self.near]}
        places = [self.here, self.near, self.far] if shared else wide.get(UserRole(role), [self.here])
        return {place.rows[label].pk for place in places}


def make_world() -> World:
    """Three places of two districts."""
    here = make_place()
    return World(here, make_place(here.district), make_place())


__all__ = ["LABELS", "MAKERS", "OUR_MODELS", "ConfigurationHistory", "Place", "World", "make_world"]
