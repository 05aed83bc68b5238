"""Vaccines: what the CDC calls them (CVX codes), their schedules, how they are given."""

from typing import NamedTuple


class Vaccine(NamedTuple):
    """A vaccine and its series: `ages` in months, one for each dose. `required` by the school."""

    type: str
    name: str
    manufacturer: str
    cvx: str
    ages: tuple[int, ...]
    route: str = "INTRAMUSCULAR"
    amount: str = "0.5 mL"
    required: bool = False
    site: str | None = None  # where it goes other than the usual place for the route


_INFANT = (2, 4, 6)
SERIES = (
    Vaccine("DTaP", "Daptacel", "Sanofi Pasteur", "20", (2, 4, 6, 16, 54), required=True),
    Vaccine("POLIO", "IPOL", "Sanofi Pasteur", "10", (2, 4, 8, 54), "SUBCUTANEOUS", required=True),
    Vaccine("MMR", "M-M-R II", "Merck", "03", (12, 54), "SUBCUTANEOUS", required=True),
    Vaccine("VARICELLA", "Varivax", "Merck", "21", (13, 54), "SUBCUTANEOUS", required=True),
    Vaccine("HEPATITIS_B", "Engerix-B", "GlaxoSmithKline", "08", (0, 1, 7), required=True),
    Vaccine("HEPATITIS_A", "Havrix", "GlaxoSmithKline", "83", (12, 19), required=True),
    Vaccine("MENINGOCOCCAL", "Menveo", "GlaxoSmithKline", "136", (134, 194), required=True),
    Vaccine("HPV", "Gardasil 9", "Merck", "165", (134, 141), required=True),
    Vaccine("TDAP", "Boostrix", "GlaxoSmithKline", "115", (134,), required=True),
    Vaccine("HIB", "ActHIB", "Sanofi Pasteur", "48", (*_INFANT, 13)),
    Vaccine("PNEUMOCOCCAL", "Prevnar 13", "Pfizer", "133", (*_INFANT, 13)),
    Vaccine("ROTAVIRUS", "RotaTeq", "Merck", "116", _INFANT, "ORAL", "2 mL"),
)
BY_TYPE = {vaccine.type: vaccine for vaccine in SERIES}
FLU = (
    Vaccine("FLU", "Fluzone Quadrivalent", "Sanofi Pasteur", "150", (0,)),
    Vaccine("FLU", "FluMist Quadrivalent", "AstraZeneca", "149", (0,), "INTRANASAL", "0.2 mL"),
)
COVID_19 = (
    Vaccine("COVID_19", "Comirnaty (5 to 11 years)", "Pfizer-BioNTech", "218", (0, 1), amount="0.2 mL"),
    Vaccine("COVID_19", "Comirnaty (12 years and over)", "Pfizer-BioNTech", "208", (0, 1), amount="0.3 mL"),
)
# Given abroad or for a reason; (age in months) one dose each, so that a set has every label there is.
RARE = (
    Vaccine("MEASLES", "Attenuvax", "Merck", "05", (12,), "SUBCUTANEOUS"),
    Vaccine("MUMPS", "Mumpsvax", "Merck", "07", (12,), "SUBCUTANEOUS"),
    Vaccine("RUBELLA", "Meruvax II", "Merck", "06", (12,), "SUBCUTANEOUS"),
    # For children at high risk, from the age of two months on.
    Vaccine("MENINGOCOCCAL", "Menveo", "GlaxoSmithKline", "136", (24,)),
    Vaccine("TETANUS", "Tetanus toxoid", "Sanofi Pasteur", "35", (60,), site="DELTOID_LEFT"),
    Vaccine("DIPHTHERIA", "DT (pediatric)", "Sanofi Pasteur", "28", (54,)),
    Vaccine("PERTUSSIS", "Pertussis", "Serum Institute", "11", (6,)),
    Vaccine(
        "OTHER", "Rabies, intradermal", "Sanofi Pasteur", "40", (48,), "INTRADERMAL", "0.1 mL", site="DELTOID_RIGHT"
    ),
    Vaccine("OTHER", "BCG, percutaneous", "Organon Teknika", "19", (1,), "OTHER", "0.3 mL", site="OTHER"),
    Vaccine("OTHER", "Immune globulin, intravenous", "Grifols", "87", (40,), "INTRAVENOUS", "10 g", site="OTHER"),
    Vaccine("OTHER", "Immune globulin, intramuscular", "Grifols", "86", (30,), amount="2 mL", site="BUTTOCK_LEFT"),
    Vaccine("OTHER", "Immune globulin, intramuscular", "Grifols", "86", (45,), amount="2 mL", site="BUTTOCK_RIGHT"),
    Vaccine("OTHER", "Typhoid, oral", "Emergent", "25", (58,), "ORAL", "1 capsule"),
)
