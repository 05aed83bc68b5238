"""Vaccinations: series as the schedule has them, and how the student stands with each."""

import datetime as dt

from health_records.enums import VaccineComplianceStatus
from health_records.synthetic import vaccines
from health_records.synthetic.rows import flag
from health_records.synthetic.shelf import lot_number
from health_records.synthetic.student import Maker, Student
from health_records.synthetic.vaccines import Vaccine

_STATUSES = tuple(VaccineComplianceStatus.values)
_USUAL = ("COMPLIANT",) * 84 + ("OVERDUE",) * 9 + ("PARTIALLY_COMPLIANT",) * 3 + ("EXEMPT",) * 3 + ("NON_COMPLIANT",)
_MONTH = 30.44
_COVID_FROM = dt.date(2021, 11, 15)
_EXEMPTIONS = ("Religious", "Medical: severe immunodeficiency", "Personal belief")
_REACTIONS = ("Sore arm", "Fever of 101 °F for one day", "Fainted; recovered in ten minutes")
_CLINICIANS = ("PA", "MD", "RN", "NP", "LVN")


def make_vaccinations(maker: Maker, student: Student) -> None:
    """A series or two, and perhaps one of the season; the first students also have one of each rare vaccine."""
    rng = maker.rng
    shown = student.number < 2 * len(vaccines.SERIES)
    first = rng.choice(vaccines.SERIES[:6])
    _make_series(maker, student, first, maker.label(student.number, _STATUSES * 2, _USUAL))
    if shown:
        _make_series(maker, student, vaccines.SERIES[student.number % len(vaccines.SERIES)], "COMPLIANT")
    elif rng.random() < 0.8:
        second = rng.choice(vaccines.SERIES)
        if second is not first:
            _make_series(maker, student, second, rng.choice(_USUAL) if second.required else "COMPLIANT")
    chance = rng.random()
    if chance < 0.2 or shown:
        _make_flu(maker, student, vaccines.FLU[student.number % 2 if shown else rng.random() < 0.3])
    if 0.2 < chance < 0.3 or shown:
        _make_covid(maker, student)
    if student.number < 3 * len(vaccines.RARE) or rng.random() < 0.02:
        _make_rare(maker, student, vaccines.RARE[student.number % len(vaccines.RARE)])


def _make_rare(maker: Maker, student: Student, vaccine: Vaccine) -> None:
    day = maker.calendar.weekday_from(student.born + int(vaccine.ages[0] * _MONTH) + maker.rng.randrange(60))
    _give(maker, student, vaccine, day, 1, 1, "COMPLIANT", None)


def _make_flu(maker: Maker, student: Student, vaccine: Vaccine) -> None:
    """A shot (or spray) of a season that is over or has begun."""
    rng, calendar = maker.rng, maker.calendar
    day = calendar.number(dt.date(calendar.school_year - rng.randrange(3), 9, 10)) + rng.randrange(80)
    day = calendar.weekday_from(day)
    _give(maker, student, vaccine, day if day < calendar.now else day - 364, 1, 1, "COMPLIANT", None)


def _make_covid(maker: Maker, student: Student) -> None:
    """Two doses since November 2021, where the student was five by then."""
    rng, calendar = maker.rng, maker.calendar
    start = max(calendar.number(_COVID_FROM), student.born + 5 * 366) + rng.randrange(200)
    second = calendar.weekday_from(start + 28)
    if second >= calendar.now:
        return
    vaccine = vaccines.COVID_19[start - student.born >= 12 * 366]
    _give(maker, student, vaccine, calendar.weekday_from(start), 1, 2, "COMPLIANT", None)
    _give(maker, student, vaccine, second, 2, 2, "COMPLIANT", None)


def _make_series(maker: Maker, student: Student, vaccine: Vaccine, status: str) -> None:
    """The doses up to today, the last of which says how the student stands and when the next is due."""
    rng, calendar = maker.rng, maker.calendar
    if status == "EXEMPT":
        _exempt(maker, student, vaccine)
        return
    days: list[int] = []
    next_due = None
    for months in vaccine.ages:
        due = student.born + int(months * _MONTH)
        day = calendar.weekday_from(max(due, days[-1] + 28 if days else due) + int(min(rng.expovariate(1 / 9), 40)))
        if day >= calendar.now:
            next_due = due if due > calendar.now else calendar.now + 14
            break
        days.append(day)
    if not days:
        return
    total = len(vaccine.ages)
    if status in ("OVERDUE", "NON_COMPLIANT") and len(days) == total > 1:
        del days[rng.randrange(max(1, total - 2), total) :]
        next_due = student.born + int(vaccine.ages[len(days)] * _MONTH)
        if status == "NON_COMPLIANT":
            next_due = min(calendar.weekday_from(days[-1] + 28), calendar.now - 1)
    elif status == "PARTIALLY_COMPLIANT" and len(days) == total > 1:
        # Catching up: the last dose but one was given lately, so the last is due in some weeks.
        del days[-1]
        days[-1] = max(days[-2] if len(days) > 1 else 0, calendar.weekday_from(calendar.now - rng.randrange(4, 25)))
        next_due = calendar.now + rng.randrange(5, 60)
    elif next_due is None:
        status = "COMPLIANT"
    else:
        status = "PARTIALLY_COMPLIANT"
    for number, day in enumerate(days, 1):
        last = number == len(days)
        _give(maker, student, vaccine, day, number, total, status if last else "COMPLIANT", next_due if last else None)


def _give(
    maker: Maker, student: Student, vaccine: Vaccine, day: int, dose: int, total: int, status: str, next_due: int | None
) -> None:
    """One dose, on the day of that number; recorded on that day or when the student enrolled."""
    rng, calendar = maker.rng, maker.calendar
    when = calendar.at(day, rng.randrange(510, 1010))
    recorded = max(when, student.enrolled)
    reacted = rng.random() < 0.01
    consent = rng.random() < 0.8
    maker.rows.health(
        *("vaccinations", recorded, student.nurse.id, student.id, None, vaccine.name),
        vaccine.type if rng.random() > 0.01 or student.number < 50 else None,
        *(vaccine.manufacturer if rng.random() < 0.95 else None, lot_number(rng) if rng.random() < 0.95 else None),
        *(vaccine.cvx, str(dose), str(total), flag(dose == total), when.text),
        f"{rng.choice(maker.providers).name}, {rng.choice(_CLINICIANS)}",
        *("Clinic staff", rng.choice(maker.providers).facility, _site(maker, vaccine, day - student.born)),
        *(vaccine.route, vaccine.amount, calendar.at(day + rng.randrange(30, 500), 0).text),
        calendar.at(calendar.weekday_from(next_due), 0).text if next_due is not None else None,
        *(rng.choice(_REACTIONS) if reacted else None, "f", None, status, flag(rng.random() < 0.45)),
        *(flag(consent), f"{calendar.date(day)[:4]}-01-02 00:00:00Z" if consent else None, flag(consent)),
        "Parent" if consent else None,
    )


def _exempt(maker: Maker, student: Student, vaccine: Vaccine) -> None:
    """The row that stands for an exemption: filed at enrolment, no dose."""
    maker.rows.health(
        *("vaccinations", student.enrolled, student.school.office.id, student.id, None, vaccine.name, vaccine.type),
        *(None, None, vaccine.cvx, None, str(len(vaccine.ages)), "f", student.enrolled.text),
        *(student.nurse.signature, "School nurse", None, None, None, None, None, None, None, "t"),
        *(maker.rng.choice(_EXEMPTIONS), "EXEMPT", "f", "f", None, "f", None),
    )


def _site(maker: Maker, vaccine: Vaccine, age_in_days: int) -> str:
    if vaccine.site:
        return vaccine.site
    if vaccine.route == "ORAL":
        return "ORAL"
    if vaccine.route == "INTRANASAL":
        return "NASAL"
    side = "LEFT" if maker.rng.random() < 0.7 else "RIGHT"
    if age_in_days < 3 * 365 and vaccine.route == "INTRAMUSCULAR":
        return f"THIGH_{side}"
    return f"{'DELTOID' if vaccine.route == 'INTRAMUSCULAR' else 'ARM'}_{side}"
