"""A database whose tables are divided as docs/scaling.md says, with rows from before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from health_records.models import MedicationLog, VitalSigns
from tests.deployment.scaling.documented import divide
from tests.factories import make_dose, make_order, make_student, make_user, make_vital_signs

ROWS = 20


@dataclass(frozen=True)
class Divided:
    """A table, its model, and a way to write a row of it; `old` are the rows from before."""

    table: str
    model: Any
    time: str
    write: Callable[..., Any]
    old: list[Any]

    def partition_of(self, row: Any) -> str:
        """Where a row lies."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT tableoid::regclass::text FROM {self.table} WHERE id = %s", [row.pk])
            return str(cursor.fetchone()[0])


def _doses() -> tuple[Any, str, Callable[..., Any]]:
    order, nurse = make_order(), make_user()
    return MedicationLog, "time_given", lambda **fields: make_dose(student_medication=order, nurse=nurse, **fields)


def _vital_signs() -> tuple[Any, str, Callable[..., Any]]:
    student = make_student()
    return VitalSigns, "measurement_date", lambda **fields: make_vital_signs(student=student, **fields)


PARTS = {"medication_logs": _doses, "vital_signs": _vital_signs}


@pytest.fixture(params=sorted(PARTS))
def divided(request: pytest.FixtureRequest, committed_db: str) -> Divided:
    """One of the tables; the rows from before are as they were."""
    model, time, write = PARTS[request.param]()
    old = [write() for _ in range(ROWS)]
    before = list(model.objects.order_by("pk").values())
    divide(request.param)
    assert list(model.objects.order_by("pk").values()) == before
    return Divided(request.param, model, time, write, old)
