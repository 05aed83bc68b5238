"""Appointments with nurses, and vital signs."""

from health_records.enums import AppointmentStatus, ConsciousnessLevel
from health_records.synthetic.calendar import Moment
from health_records.synthetic.rows import flag
from health_records.synthetic.student import Maker, Student

_STATUSES = tuple(AppointmentStatus.values)
_OVER = ("COMPLETED",) * 16 + ("NO_SHOW", "CANCELLED", "RESCHEDULED")
_TO_COME = ("SCHEDULED",) * 18 + ("CANCELLED", "RESCHEDULED")
_REASONS = ("Asthma check", "Vision recheck", "Medication review", "Immunization", "Headaches", "Sports physical")
_SLOTS = tuple(range(8 * 60, 14 * 60 + 45, 15))
_CONSCIOUSNESS = tuple(ConsciousnessLevel.values)
_USUAL_CONSCIOUSNESS = ("ALERT",) * 240 + ("DROWSY", "CONFUSED", "LETHARGIC", "VERBAL")
_GRAVE = frozenset(("PAIN", "UNRESPONSIVE"))


def make_visits(maker: Maker, student: Student, health_record_ids: list[str]) -> None:
    """None to three appointments, past and coming; vital signs at some of them and between."""
    rng = maker.rng
    for turn in range(max(rng.choice((0, 1, 1, 2, 2, 3)), student.number < len(_STATUSES))):
        _make_appointment(maker, student, turn)
    for _ in range(max(rng.choice((0, 1, 1, 1, 2)), student.number < len(_CONSCIOUSNESS))):
        record = rng.choice(health_record_ids) if rng.random() < 0.1 else None
        make_vital_signs(maker, student, maker.school_moment(student), None, record)


def _make_appointment(maker: Maker, student: Student, turn: int) -> None:
    rng, calendar = maker.rng, maker.calendar
    ahead = rng.random() < 0.2
    status = rng.choice(_TO_COME if ahead else _OVER)
    if turn == 0 and student.number < len(_STATUSES):
        status = _STATUSES[student.number]
        ahead = status == "SCHEDULED"
    if status == "IN_PROGRESS":
        # In the holidays: one that nobody closed on the last school day.
        days = [calendar.now] if calendar.coming_days[0] == calendar.now else calendar.school_days[-1:]
    elif ahead:
        days = calendar.coming_days[:30]
    else:
        days = calendar.school_days[max(student.first_day, len(calendar.school_days) - 360) :]
    day, minute = _free_slot(maker, student, days)
    when, duration = calendar.at(day, minute), rng.choice((15, 15, 30, 45))
    asked = min(calendar.at(day - rng.randrange(1, 21), rng.randrange(480, 900)), maker.yesterday)
    cancelled = asked if status in ("CANCELLED", "RESCHEDULED") else None
    completed = calendar.at(day, minute + duration) if status == "COMPLETED" else None
    appointment_id = maker.rows.health(
        *("appointments", asked, student.nurse.id, student.id, student.nurse.id, when.text, str(duration), status),
        *(rng.choice(_REASONS), completed and completed.text, cancelled and cancelled.text),
        ("Parent asked for another day" if status == "RESCHEDULED" else "Student absent") if cancelled else None,
    )
    if completed and rng.random() < 0.4:
        make_vital_signs(maker, student, when, appointment_id, None)


def _free_slot(maker: Maker, student: Student, days: list[int]) -> tuple[int, int]:
    """A quarter-hour of one of the days at which no other appointment of the nurse begins."""
    booked, rng = student.school.booked, maker.rng
    for _ in range(50):
        slot = student.nurse.id, rng.choice(days), rng.choice(_SLOTS)
        if slot not in booked:
            break
    booked.add(slot)
    return slot[1], slot[2]


def make_vital_signs(
    maker: Maker, student: Student, when: Moment, appointment_id: str | None, health_record_id: str | None
) -> None:
    """A set in the range for the student's age; feverish or grave now and then, and then all of it is."""
    rng, age = maker.rng, student.age
    consciousness = maker.label(student.number, _CONSCIOUSNESS, _USUAL_CONSCIOUSNESS)
    grave, fever = consciousness in _GRAVE, rng.random() < 0.06
    fahrenheit = rng.uniform(100.4, 103.2) if fever else rng.uniform(97.0, 99.3)
    celsius = rng.random() < 0.08
    temperature = f"{(fahrenheit - 32) / 1.8:.1f}" if celsius else f"{fahrenheit:.1f}"
    systolic = 88 + 2 * age + rng.randrange(-8, 12) - 15 * grave
    heart_rate = 112 - 2 * age + rng.randrange(-14, 15) + 18 * fever + 25 * grave
    breaths = 25 - age // 2 + rng.randrange(-3, 4) + 3 * fever
    pain = rng.randrange(2, 9) if rng.random() < 0.25 else 0
    measures_pressure, measures_oxygen = rng.random() < 0.6, rng.random() < 0.7 or grave
    maker.rows.health(
        *("vital_signs", when, student.nurse.id, student.id, health_record_id, appointment_id, when.text),
        *(student.nurse.signature, "School nurse", temperature, "C" if celsius else "F"),
        rng.choice(("oral", "oral", "temporal", "tympanic")),
        *(
            (str(systolic), str(systolic * 62 // 100 + rng.randrange(-5, 6)), "sitting")
            if measures_pressure
            else (None,) * 3
        ),
        *(str(heart_rate), "regular" if rng.random() < 0.98 else "irregular", str(breaths)),
        *(str(rng.randrange(86, 93) if grave else rng.randrange(96, 101)) if measures_oxygen else None, flag(grave)),
        *(str(pain), rng.choice(("head", "abdomen", "knee", "wrist")) if pain else None, consciousness),
        str(rng.randrange(70, 260)) if "diabetes" in student.conditions else None,
        str(140 + 18 * (age - 4) + rng.randrange(-30, 31)) if "asthma" in student.conditions else None,
    )
