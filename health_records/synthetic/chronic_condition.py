"""Chronic conditions."""

from typing import NamedTuple

from health_records.enums import ConditionSeverity, ConditionStatus
from health_records.synthetic.rows import flag
from health_records.synthetic.student import Maker, Student


class Condition(NamedTuple):
    """A condition, how common it is (in a thousand students), and what it takes at school."""

    name: str
    icd_code: str
    per_mille: int
    triggers: tuple[str, ...] = ()
    care_plan: str = "See the individual health plan."


CONDITIONS = {
    "asthma": Condition("Asthma", "J45.909", 70, ("exercise", "cold air", "pollen"), "Inhaler before PE."),
    "adhd": Condition("Attention-deficit/hyperactivity disorder", "F90.2", 85, (), "Dose at lunch; seat at the front."),
    "diabetes": Condition("Type 1 diabetes mellitus", "E10.9", 4, (), "Glucose before lunch; carbohydrate count."),
    "epilepsy": Condition("Epilepsy", "G40.909", 7, ("flashing lights", "lack of sleep"), "Seizure action plan."),
    "anxiety": Condition("Generalized anxiety disorder", "F41.1", 25, (), "Quiet room on request."),
    "migraine": Condition("Migraine", "G43.909", 12, ("bright light",), "Rest in the dark for 20 minutes."),
    "lactose": Condition("Lactose intolerance", "E73.9", 10, ("dairy",), "Enzyme with meals."),
    "cystic-fibrosis": Condition("Cystic fibrosis", "E84.9", 1, (), "Enzymes with meals; extra salt."),
}
_KEYS = tuple(CONDITIONS)
_WEIGHTED = tuple(key for key, condition in CONDITIONS.items() for _ in range(condition.per_mille))
_SHARE = len(_WEIGHTED) / 1000
_STATUSES, _SEVERITIES = tuple(ConditionStatus.values), tuple(ConditionSeverity.values)
_USUAL_STATUSES = ("ACTIVE",) * 8 + ("MANAGED",) * 8 + ("MONITORING",) * 2 + ("RESOLVED", "INACTIVE")
_USUAL_SEVERITIES = ("MILD",) * 8 + ("MODERATE",) * 8 + ("SEVERE",) * 3 + ("CRITICAL",)


def make_chronic_conditions(maker: Maker, student: Student, health_record_ids: list[str]) -> None:
    """None for most students, one for a fifth; notes what the student has at present in `student.conditions`."""
    rng, calendar = maker.rng, maker.calendar
    if student.number >= len(_KEYS) and rng.random() >= _SHARE:
        return
    key = maker.label(student.number, _KEYS, _WEIGHTED)
    condition = CONDITIONS[key]
    status = maker.label(student.number, _STATUSES, _USUAL_STATUSES)
    if status not in ("RESOLVED", "INACTIVE"):
        student.conditions.append(key)
    known = calendar.at(calendar.weekday_from(rng.randrange(student.born + 700, calendar.now - 200)), 660)
    reviewed = maker.school_moment(student, 180)
    due = calendar.at(calendar.weekday_from(calendar.now + rng.randrange(-20, 300)), 540)
    maker.rows.health(
        *("chronic_conditions", student.enrolled, student.nurse.id, student.id),
        health_record_ids[0] if health_record_ids and rng.random() < 0.3 else None,
        *(condition.name, condition.icd_code, status),
        maker.label(student.number, _SEVERITIES, _USUAL_SEVERITIES),
        *(known.text, rng.choice(maker.providers).name, condition.care_plan),
        "{" + ",".join(f'"{trigger}"' for trigger in condition.triggers) + "}" if condition.triggers else None,
        *(flag(bool(condition.triggers)), "Annual", reviewed.text),
        due.text if status != "RESOLVED" else None,
    )
