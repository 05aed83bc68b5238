"""Screenings."""

import json

from health_records.enums import FollowUpStatus, ScreeningOutcome, ScreeningType
from health_records.synthetic.rows import flag
from health_records.synthetic.student import Maker, Student

_TYPES, _OUTCOMES = tuple(ScreeningType.values), tuple(ScreeningOutcome.values)
_STATUSES = tuple(FollowUpStatus.values)
_USUAL_TYPES = ("VISION",) * 20 + ("HEARING",) * 16 + ("DENTAL",) * 8 + ("SCOLIOSIS",) * 4 + ("BMI",) * 4 + _TYPES
_USUAL_OUTCOMES = ("PASS",) * 42 + ("REFER",) * 4 + ("FAIL",) * 2 + ("INCONCLUSIVE", "INCOMPLETE")
# Type -> the result when passed, when not, the equipment, and whom a referral goes to.
_RESULTS = {
    "VISION": ({"chart": "LEA"}, {"chart": "LEA"}, "LEA chart", "Optometrist"),
    "HEARING": ({"level": "20 dB"}, {"level": "20 dB"}, "Audiometer", "Audiologist"),
    "SCOLIOSIS": ({"rotation": 2}, {"rotation": 9}, "Scoliometer", "Orthopedist"),
    "DENTAL": ({"untreatedDecay": False}, {"untreatedDecay": True}, None, "Dentist"),
    "BMI": ({"category": "healthy"}, {"category": "above the 95th percentile"}, "Stadiometer, scale", "Pediatrician"),
    "BLOOD_PRESSURE": ({"percentile": 50}, {"percentile": 97}, "Cuff, child size", "Pediatrician"),
    "DEVELOPMENTAL": ({"score": 48}, {"score": 22}, "ASQ-3", "Early intervention"),
    "SPEECH": ({"intelligible": True}, {"intelligible": False}, None, "Speech therapist"),
    "MENTAL_HEALTH": ({"score": 3}, {"score": 14}, "PHQ-A", "Counselor"),
    "TUBERCULOSIS": ({"induration": "0 mm"}, {"induration": "16 mm"}, "Tuberculin skin test", "Health department"),
    "LEAD": ({"bloodLead": "1.2 µg/dL"}, {"bloodLead": "6.8 µg/dL"}, "Capillary sample", "Pediatrician"),
    "ANEMIA": ({"hemoglobin": "13.1 g/dL"}, {"hemoglobin": "10.2 g/dL"}, "Hemoglobinometer", "Pediatrician"),
    "OTHER": ({"note": "posture"}, {"note": "posture"}, None, "Pediatrician"),
}


def make_screenings(maker: Maker, student: Student, health_record_ids: list[str]) -> None:
    """One or two of a student, three of some."""
    rng, calendar = maker.rng, maker.calendar
    for turn in range(rng.choice((1, 1, 1, 2, 2, 3))):
        when = maker.school_moment(student)
        kind = maker.label(student.number, _TYPES, _USUAL_TYPES) if turn == 0 else rng.choice(_USUAL_TYPES)
        outcome = maker.label(student.number, _OUTCOMES, _USUAL_OUTCOMES) if turn == 0 else rng.choice(_USUAL_OUTCOMES)
        refer = outcome in ("REFER", "FAIL")
        follow_up = outcome != "PASS"
        status = "NOT_NEEDED" if not follow_up and rng.random() < 0.3 else None
        due = calendar.now + rng.randrange(-120, 60)
        if follow_up:
            status = rng.choice(
                ("PENDING", "SCHEDULED") if due > calendar.now else ("COMPLETED", "OVERDUE", "CANCELLED")
            )
        if turn == 0 and student.number < 2 * len(_STATUSES):
            status = _STATUSES[student.number % len(_STATUSES)]
            follow_up = status != "NOT_NEEDED"
            due = calendar.now + (-30 if status in ("OVERDUE", "COMPLETED", "CANCELLED") else 30)
        passed, failed, equipment, specialist = _RESULTS[kind]
        referred = rng.random() < 0.85
        maker.rows.health(
            *("screenings", when, student.nurse.id, student.id),
            health_record_ids[0] if health_record_ids and rng.random() < 0.1 else None,
            *(kind, when.text, student.nurse.signature, "School nurse"),
            json.dumps(failed if refer else passed, ensure_ascii=False) if outcome != "INCOMPLETE" else None,
            *(outcome, None if outcome in ("INCONCLUSIVE", "INCOMPLETE") else flag(outcome == "PASS")),
            *_sides(maker, kind, refer),
            *(equipment, flag(refer), specialist if refer else None, when.text if refer and referred else None),
            *("Outside the range for age" if refer else None, flag(follow_up)),
            *(calendar.at(calendar.weekday_from(due), 540).text if follow_up else None, status),
        )


def _sides(maker: Maker, kind: str, refer: bool) -> tuple[str | None, str | None, str | None, str | None]:
    """Right eye, left eye, right ear, left ear."""
    if kind == "VISION":
        worse = maker.rng.choice(("20/50", "20/60", "20/80")) if refer else "20/25"
        return "20/20", worse, None, None
    if kind == "HEARING":
        return None, None, "Pass", "No response at 4000 Hz" if refer else "Pass"
    return None, None, None, None
