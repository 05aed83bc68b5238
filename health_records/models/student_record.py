"""What the records of one student have in common."""

from typing import Any, Self, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from core.models import School, Student
from core.models.record import PHIManager, PHIQuerySet, PHIRecord
from core.search import names_begin

M = TypeVar("M", bound=models.Model, covariant=True)


class StudentRecordQuerySet(PHIQuerySet[M]):
    """Rows that belong to a student."""

    # How the row leads to the student.
    student_path = "student"

    def for_student(self, student: Student | UUID) -> Self:
        """Those of one student."""
        return self.filter(**{self.student_path: student})

    def for_school(self, school: School | UUID) -> Self:
        """Those of the students who are enrolled at a school."""
        return self.of_present_students(school=school, is_active=True)

    def of_students_named(self, text: str) -> Self:
        """Those of the students whom `Student.objects.search(text)` finds."""
        return self.of_present_students().filter(names_begin(text, of=self.student_path))

    def of_present_students(self, **conditions: Any) -> Self:
        """Those of students who are not marked as deleted and meet the conditions."""
        conditions["deleted_at__isnull"] = True
        return self.filter(**{f"{self.student_path}__{name}": value for name, value in conditions.items()})


class StudentRecord(PHIRecord):
    """A row of health data that belongs to one student; its field `student` names them."""

    objects = PHIManager.from_queryset(StudentRecordQuerySet)()  # type: ignore[assignment,misc]
    all_objects = StudentRecordQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        abstract = True

    def clean(self) -> None:
        """What the record refers to is about the same student. Raises ValidationError."""
        super().clean()
        for field in self._meta.fields:
            if isinstance(field.related_model, type) and issubclass(field.related_model, StudentRecord):
                other = getattr(self, field.name)
                if other is not None and other.student_id != self.student_id:  # type: ignore[attr-defined]
                    raise ValidationError({field.name: f"This {other._meta.verbose_name} is about another student."})
