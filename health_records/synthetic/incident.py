"""Incidents."""

from health_records.enums import IncidentSeverity, IncidentType
from health_records.synthetic.rows import flag
from health_records.synthetic.student import Maker, Student

# Type -> place, what happened, what was done.
_EVENTS = {
    "INJURY": (
        ("Playground", "Fell off the climbing frame; scraped elbow.", "Cleaned and bandaged."),
        ("Gym", "Twisted an ankle at basketball.", "Ice and elevation for 20 minutes."),
        ("Hallway", "Ran into a door; bump on the forehead.", "Cold pack; head-injury sheet sent home."),
    ),
    "ILLNESS": (
        ("Classroom", "Vomited during class.", "Rested; picked up by a parent."),
        ("Cafeteria", "Stomach pain after lunch.", "Observed for 30 minutes."),
    ),
    "ALLERGIC_REACTION": (("Cafeteria", "Hives after lunch.", "Antihistamine by the allergy plan; observed."),),
    "MEDICATION_ERROR": (("Nurse's office", "Noon dose given an hour late.", "Prescriber and parent informed."),),
    "BEHAVIORAL": (("Classroom", "Panic attack before a test.", "Quiet room; counselor called."),),
    "ENVIRONMENTAL": (("Sports field", "Dizzy in the heat.", "Shade, water, rest."),),
    "OTHER": (("School bus", "Lost a tooth.", "Tooth kept in milk; parent called."),),
}
_TYPES, _SEVERITIES = tuple(IncidentType.values), tuple(IncidentSeverity.values)
_USUAL_TYPES = ("INJURY",) * 12 + ("ILLNESS",) * 8 + _TYPES
_USUAL_SEVERITIES = ("LOW",) * 60 + ("MEDIUM",) * 25 + ("HIGH",) * 5 + ("CRITICAL",)


def make_incidents(maker: Maker, student: Student) -> None:
    """None for most students."""
    rng, calendar = maker.rng, maker.calendar
    if student.number >= len(_TYPES) and rng.random() > 0.25:
        return
    when = maker.school_moment(student)
    kind = maker.label(student.number, _TYPES, _USUAL_TYPES)
    severity = maker.label(student.number, _SEVERITIES, _USUAL_SEVERITIES)
    grave = severity in ("HIGH", "CRITICAL")
    place, description, action = rng.choice(_EVENTS[kind])
    told = grave or rng.random() < 0.7
    reporter = student.nurse if rng.random() < 0.8 else student.school.counselor
    teller = student.school.office if rng.random() < 0.3 else student.nurse
    at = calendar.at(when.day, when.minute + rng.randrange(5, 90)) if told else None
    maker.rows.health(
        *("incident_reports", when, reporter.id, student.id, reporter.id, kind, severity, when.text),
        *(
            place if rng.random() < 0.97 else None,
            description,
            action,
            flag(told),
            at and at.text,
            teller.id if told else None,
        ),
        *(flag(severity == "CRITICAL"), "911 called; taken to hospital." if severity == "CRITICAL" else None),
        *(flag(grave), "Call the family tomorrow." if grave and rng.random() < 0.8 else None),
    )
