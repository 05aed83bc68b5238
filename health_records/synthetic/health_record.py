"""Health records: the entries that other records may hang on."""

from typing import NamedTuple

from health_records.enums import HealthRecordType
from health_records.synthetic.rows import flag
from health_records.synthetic.student import Maker, Student


class Entry(NamedTuple):
    """What an entry of a type says."""

    title: str
    description: str
    diagnosis: str | None = None
    code: str | None = None
    treatment: str | None = None


ENTRIES = {
    "CHECKUP": Entry("Annual check-up", "Well-child visit; no concerns."),
    "VACCINATION": Entry("Immunization record received", "Copy of the state registry filed."),
    "ILLNESS": Entry("Fever and sore throat", "Sent home.", "Acute pharyngitis", "J02.9", "Fluids and rest"),
    "INJURY": Entry(
        "Fall on the playground", "Abrasion of the knee.", "Abrasion, knee", "S80.211A", "Cleaned, bandaged"
    ),
    "SCREENING": Entry("State screening", "Vision and hearing screened."),
    "PHYSICAL_EXAM": Entry("Sports physical", "Cleared for all sports."),
    "MENTAL_HEALTH": Entry(
        "Anxiety before tests", "Met with the counselor.", "Anxiety disorder", "F41.9", "Counseling"
    ),
    "DENTAL": Entry("Dental check", "Two sealants placed.", "Dental caries", "K02.9", "Sealants"),
    "VISION": Entry("Eye examination", "New glasses prescribed.", "Myopia", "H52.13", "Glasses"),
    "HEARING": Entry("Hearing test", "Fluid behind the left eardrum.", "Otitis media with effusion", "H65.92", "Watch"),
    "EXAMINATION": Entry("Entry examination", "Form signed by the physician."),
    "ALLERGY_DOCUMENTATION": Entry("Allergy action plan", "Plan signed by parent and physician."),
    "CHRONIC_CONDITION_REVIEW": Entry("Review of the care plan", "Plan confirmed for the year."),
    "GROWTH_ASSESSMENT": Entry("Growth assessment", "On the usual curve."),
    "VITAL_SIGNS_CHECK": Entry("Blood pressure recheck", "Within the range for age."),
    "EMERGENCY_VISIT": Entry(
        "Emergency department", "Asthma attack at home.", "Asthma", "J45.901", "Nebulizer, steroid"
    ),
    "FOLLOW_UP": Entry("Follow-up", "Symptoms resolved."),
    "CONSULTATION": Entry("Consultation", "Letter of the specialist filed."),
    "DIAGNOSTIC_TEST": Entry("Rapid strep test", "Positive.", "Streptococcal pharyngitis", "J02.0", "Amoxicillin"),
    "PROCEDURE": Entry("Splinter removed", "Splinter of the right thumb.", "Splinter", "S60.351A", "Removed"),
    "HOSPITALIZATION": Entry("Hospital stay", "Two nights for dehydration.", "Gastroenteritis", "A09", "IV fluids"),
    "SURGERY": Entry("Tonsillectomy", "No PE for two weeks.", "Chronic tonsillitis", "J35.01", "Tonsillectomy"),
    "COUNSELING": Entry("Counseling", "Weekly sessions agreed."),
    "THERAPY": Entry("Speech therapy", "Twice a week at school.", "Speech disorder", "F80.0", "Speech therapy"),
    "NUTRITION": Entry("Nutrition consultation", "Meal plan sent home."),
    "MEDICATION_REVIEW": Entry("Medication review", "Dose unchanged."),
    "IMMUNIZATION": Entry("Immunization review", "Next doses discussed with the parent."),
    "LAB_RESULT": Entry("Blood test", "Ferritin low.", "Iron deficiency", "E61.1", "Iron supplement"),
    "RADIOLOGY": Entry("X-ray of the wrist", "Buckle fracture.", "Fracture of the radius", "S52.521A", "Splint"),
    "OTHER": Entry("Note", "Letter from the family filed."),
}
_TYPES = tuple(HealthRecordType.values)
_USUAL = ("CHECKUP", "ILLNESS", "INJURY", "ILLNESS", "INJURY", "FOLLOW_UP", "PHYSICAL_EXAM", "SCREENING", "DENTAL")
_WEIGHTED = _TYPES + _USUAL * 6
_CONFIDENTIAL = frozenset(("MENTAL_HEALTH", "COUNSELING", "THERAPY"))


def make_health_records(maker: Maker, student: Student) -> list[str]:
    """One to four entries. Returns their ids."""
    rng, calendar = maker.rng, maker.calendar
    ids = []
    for turn in range(rng.choice((1, 1, 2, 2, 2, 3, 3, 4))):
        kind = maker.label(student.number, _TYPES, _WEIGHTED) if turn == 0 else rng.choice(_WEIGHTED)
        entry, when = ENTRIES[kind], maker.school_moment(student, 720)
        provider = rng.choice(maker.providers) if rng.random() < 0.4 else None
        follow_up = rng.random() < 0.15
        due = calendar.at(calendar.weekday_from(calendar.now + rng.randrange(-30, 60)), 540).text if follow_up else None
        done = follow_up and rng.random() < 0.5
        ids.append(
            maker.rows.health(
                *(
                    "health_records",
                    when,
                    student.nurse.id,
                    student.id,
                    kind,
                    entry.title,
                    entry.description,
                    when.text,
                ),
                *(provider and provider.name, provider and provider.npi, provider and provider.facility),
                *(entry.diagnosis, entry.code, entry.treatment, flag(follow_up), due, flag(done)),
                flag(kind in _CONFIDENTIAL),
            )
        )
    return ids
