"""Doctors and practices outside the school."""

import random
from typing import NamedTuple

from health_records.synthetic import names

FACILITIES = (
    "Community Pediatrics",
    "Family Health Center",
    "County Health Department",
    "Children's Hospital",
    "St. Brendan's Urgent Care",
)


class Provider(NamedTuple):
    """A doctor with a National Provider Identifier."""

    name: str
    npi: str
    facility: str


def make_providers(rng: random.Random, count: int) -> list[Provider]:
    """Doctors whose identifiers have right check digits."""
    return [
        Provider(
            f"Dr. {rng.choice(names.FEMALE + names.MALE)} {names.last_name(rng)}", _npi(rng), rng.choice(FACILITIES)
        )
        for _ in range(count)
    ]


def _npi(rng: random.Random) -> str:
    """Ten digits, the last by Luhn's rule over the prefix 80840 and the nine before it."""
    digits = [1, *(rng.randrange(10) for _ in range(8))]
    total = 24  # what the prefix adds
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return "".join(map(str, digits)) + str(-total % 10)
