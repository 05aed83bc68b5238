"""Growth: heights and weights that follow one curve for each student.

The curves are rounded medians and spreads of American children, good for a plausible set and for nothing clinical.
"""

import math

from health_records.synthetic.places import Staff
from health_records.synthetic.student import Maker, Student

# At each birthday from the 3rd to the 19th: median height in cm, then median body-mass index in kg/m².
_BOYS = (
    (
        95.0,
        102.5,
        109.0,
        115.5,
        122.0,
        128.0,
        133.5,
        138.5,
        143.5,
        149.0,
        156.0,
        164.0,
        170.0,
        173.5,
        175.5,
        176.5,
        177.0,
    ),
    (16.0, 15.6, 15.4, 15.4, 15.5, 15.8, 16.2, 16.6, 17.2, 17.8, 18.5, 19.2, 19.9, 20.6, 21.3, 21.9, 22.5),
)
_GIRLS = (
    (
        94.0,
        101.0,
        108.0,
        115.0,
        121.5,
        128.0,
        133.0,
        138.5,
        144.5,
        151.5,
        157.0,
        160.5,
        162.0,
        162.7,
        163.0,
        163.2,
        163.3,
    ),
    (15.7, 15.3, 15.2, 15.2, 15.4, 15.8, 16.3, 16.9, 17.5, 18.1, 18.8, 19.4, 19.9, 20.5, 20.9, 21.3, 21.6),
)
_HEIGHT_SPREAD, _BMI_SPREAD = 0.043, 0.125  # standard deviations, relative to the median
_INCH, _POUND = 2.54, 0.45359237


def _median(curve: tuple[float, ...], years: float) -> float:
    place = min(max(years - 3, 0.0), len(curve) - 1.001)
    below = int(place)
    return curve[below] + (curve[below + 1] - curve[below]) * (place - below)


def _percentile(z: float) -> float:
    return 50 * (1 + math.erf(z / math.sqrt(2)))


def _status(percentile: float) -> str:
    """The CDC's words for a child's body-mass index."""
    if percentile < 5:
        return "Underweight"
    return "Healthy weight" if percentile < 85 else "Overweight" if percentile < 95 else "Obesity"


def make_growth(maker: Maker, student: Student, health_record_ids: list[str]) -> None:
    """A measurement each autumn or spring since enrolment, at most four; height never falls."""
    rng, calendar = maker.rng, maker.calendar
    heights, indexes = _GIRLS if student.female else _BOYS
    z_height, z_bmi = max(-2.8, min(2.8, rng.gauss(0, 1))), max(-2.2, min(2.6, rng.gauss(0.2, 1)))
    imperial = rng.random() < 0.12
    nurse: Staff = student.nurse
    tallest = 0.0
    for index in range(
        len(calendar.school_days) - 1 - rng.randrange(90), student.first_day - 1, -rng.choice((90, 180))
    )[:4][::-1]:
        when = calendar.at(calendar.school_days[index], rng.randrange(485, 880))
        years = (calendar.school_days[index] - student.born) / 365.25
        z_bmi += rng.gauss(0, 0.08)
        exact = _median(heights, years) * (1 + _HEIGHT_SPREAD * z_height) + rng.uniform(-0.2, 0.2)
        tallest = height = max(tallest, round(exact, 1))
        weight = round(_median(indexes, years) * math.exp(_BMI_SPREAD * z_bmi) * (height / 100) ** 2, 1)
        # What is written is rounded as the scale shows it, and the index follows from that.
        shown_height, shown_weight = (
            (round(height / _INCH, 2), round(weight / _POUND, 1)) if imperial else (height, weight)
        )
        percentile = min(max(_percentile(z_bmi), 0.1), 99.9)
        skipped = rng.random() < 0.05
        maker.rows.health(
            *("growth_measurements", when, nurse.id, student.id),
            health_record_ids[-1] if health_record_ids and rng.random() < 0.1 else None,
            *(when.text, nurse.signature, "School nurse", str(shown_height), "in" if imperial else "cm"),
            *(str(shown_weight), "lb" if imperial else "kg", f"{weight / (height / 100) ** 2:.2f}"),
            *(None if skipped else f"{percentile:.1f}", None if skipped else f"{_percentile(z_height):.1f}"),
            None if skipped else _status(percentile),
        )
