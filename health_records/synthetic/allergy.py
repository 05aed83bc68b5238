"""Allergies."""

from health_records.enums import AllergySeverity, AllergyType
from health_records.synthetic.rows import flag
from health_records.synthetic.student import Maker, Student

# Type -> allergens with the usual reaction.
_ALLERGENS = {
    "FOOD": (
        ("Peanuts", "Anaphylaxis"),
        ("Tree nuts", "Hives, swelling"),
        ("Cow's milk", "Vomiting"),
        ("Eggs", "Hives"),
    ),
    "MEDICATION": (("Penicillin", "Rash"), ("Sulfonamides", "Rash"), ("Ibuprofen", "Wheezing")),
    "ENVIRONMENTAL": (("Dust mites", "Sneezing"), ("Mold", "Cough")),
    "INSECT": (("Bee venom", "Swelling"), ("Fire ants", "Hives")),
    "LATEX": (("Latex", "Contact rash"),),
    "ANIMAL": (("Cat dander", "Itchy eyes"), ("Dog dander", "Sneezing")),
    "CHEMICAL": (("Fragrance", "Headache"), ("Chlorine", "Rash")),
    "SEASONAL": (("Ragweed pollen", "Runny nose"), ("Grass pollen", "Itchy eyes")),
    "OTHER": (("Nickel", "Contact rash"),),
}
_TYPES, _SEVERITIES = tuple(AllergyType.values), tuple(AllergySeverity.values)
_USUAL_TYPES = ("FOOD",) * 8 + ("SEASONAL",) * 4 + ("MEDICATION",) * 3 + _TYPES
_USUAL_SEVERITIES = ("MILD",) * 9 + ("MODERATE",) * 7 + ("SEVERE",) * 3 + ("LIFE_THREATENING",)


def make_allergies(maker: Maker, student: Student, health_record_ids: list[str]) -> None:
    """None for most students, one or two for one in five."""
    rng, calendar = maker.rng, maker.calendar
    shown = student.number < len(_TYPES)
    for turn in range((1 if rng.random() < 0.85 else 2) if shown or rng.random() < 0.2 else 0):
        kind = maker.label(student.number, _TYPES, _USUAL_TYPES) if turn == 0 else rng.choice(_USUAL_TYPES)
        severity = maker.label(student.number, _SEVERITIES, _USUAL_SEVERITIES)
        allergen, reaction = rng.choice(_ALLERGENS[kind])
        threatens = severity == "LIFE_THREATENING"
        active = rng.random() < 0.93
        student.allergy_threatens_life |= threatens and active
        verified = threatens or rng.random() < 0.6
        epi_pen = threatens or (severity == "SEVERE" and rng.random() < 0.5)
        known = calendar.at(calendar.weekday_from(rng.randrange(student.born + 300, calendar.now - 200)), 600)
        maker.rows.health(
            *("allergies", student.enrolled, student.nurse.id, student.id),
            health_record_ids[0] if health_record_ids and rng.random() < 0.2 else None,
            *(allergen, kind if student.number < 20 or rng.random() > 0.03 else None, severity, reaction),
            "Epinephrine, then 911" if epi_pen else "Antihistamine",
            *(known.text, rng.choice(maker.providers).name if rng.random() < 0.7 else None, flag(verified)),
            *(student.enrolled.text if verified else None, flag(epi_pen), "Nurse's office" if epi_pen else None),
            calendar.at(calendar.now + rng.randrange(-30, 540), 0).text if epi_pen else None,
            flag(active),
        )
