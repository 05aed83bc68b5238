"""Districts, their schools and staff."""

import random
from dataclasses import dataclass, field

from health_records.synthetic import names
from health_records.synthetic.calendar import Calendar, Moment
from health_records.synthetic.rows import Rows, flag
from health_records.synthetic.shelf import stock_shelf

# Level, its grades, its size relative to the others.
_LEVELS = (
    ("Elementary School", ("K", "1", "2", "3", "4", "5"), 1.0),
    ("Middle School", ("6", "7", "8"), 1.3),
    ("High School", ("9", "10", "11", "12"), 1.7),
    ("Elementary School", ("K", "1", "2", "3", "4", "5"), 1.0),
    ("Elementary School", ("K", "1", "2", "3", "4", "5"), 0.9),
)
_STUDENTS_A_SCHOOL, _SCHOOLS_A_DISTRICT = 450, 14
CREDENTIALS = {"NURSE": "RN", "COUNSELOR": "LPC"}


@dataclass(slots=True)
class Staff:
    """A member of staff; `signature` is how she signs a measurement."""

    id: str
    signature: str
    role: str


@dataclass(slots=True)
class District:
    """A district; `medications` maps a medication's key (see `shelf`) to the ids on its shelf."""

    id: str
    town: tuple[str, str, str, str]
    code: str
    domain: str
    medications: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class School:
    """A school with its staff; `booked` holds the (day, minute) of its nurses' appointments."""

    id: str
    district: District
    grades: tuple[str, ...]
    size: int
    nurses: list[Staff]
    office: Staff
    counselor: Staff
    booked: set[tuple[str, int, int]] = field(default_factory=set)


def school_sizes(students: int) -> list[int]:
    """How many students go to each school, in order."""
    count = max(4, -(-students // _STUDENTS_A_SCHOOL))
    weights = [_LEVELS[number % len(_LEVELS)][2] for number in range(count)]
    total, sizes, placed, reached = sum(weights), [], 0, 0.0
    for weight in weights:
        reached += weight
        upto = round(students * reached / total)
        sizes.append(upto - placed)
        placed = upto
    return sizes


def district_count(schools: int) -> int:
    """How many districts share that many schools: at least two."""
    return max(2, -(-schools // _SCHOOLS_A_DISTRICT))


def district_code(seed: int, number: int) -> str:
    """The code of a synthetic district: `SYN-<seed>-<number>`; 1 always exists."""
    return f"SYN-{seed}-{number:03}"


class Places:
    """Makes districts and schools, one after another, each with its staff and shelf."""

    def __init__(self, rng: random.Random, calendar: Calendar, rows: Rows, seed: int) -> None:
        self.rng, self.calendar, self.rows, self.seed = rng, calendar, rows, seed
        self._staff_number = 0
        self._founded = calendar.at(calendar.school_days[0], 8 * 60)

    def district(self, number: int) -> District:
        """The `number`-th district (from 1), with its office and shelf."""
        town = names.TOWNS[(number - 1) % len(names.TOWNS)]
        suffix = "" if number <= len(names.TOWNS) else f" {1 + (number - 1) // len(names.TOWNS)}"
        code = district_code(self.seed, number)
        domain = f"{names.ascii_name(town[0])}-{self.seed}-{number}.example"
        district_id = self.rows.record(
            "districts",
            self._founded,
            f"{town[0]} Unified School District{suffix}",
            code,
            *self._address(town, f"office@{domain}"),
        )
        district = District(district_id, town, code, domain)
        for role in ("DISTRICT_ADMIN", "VIEWER") if number > 1 else ("DISTRICT_ADMIN", "VIEWER", "ADMIN"):
            self._staff(district, None, role)
        nurse = self._staff(district, None, "NURSE")
        district.medications = stock_shelf(self.rng, self.calendar, self.rows, nurse.id)
        self._organizations(district)
        return district

    def school(self, number: int, district: District, size: int) -> School:
        """The `number`-th school of all (from 0)."""
        level, grades, _ = _LEVELS[number % len(_LEVELS)]
        called = names.SCHOOL_NAMES[number % len(names.SCHOOL_NAMES)]
        code = f"{district.code}-{number + 1:04}"
        school_id = self.rows.record(
            "schools",
            self._founded,
            f"{called} {level}",
            code,
            district.id,
            *self._address(district.town, f"{code.lower()}@{district.domain}"),
            f"{self.rng.choice(names.FEMALE)} {names.last_name(self.rng)}",
            str(size),
        )
        nurses = [self._staff(district, school_id, "NURSE") for _ in range(1 if size < 600 else 2)]
        office = self._staff(district, school_id, "SCHOOL_ADMIN")
        counselor = self._staff(district, school_id, "COUNSELOR")
        if number % 3 == 0:
            self._staff(district, school_id, "VIEWER")
        return School(school_id, district, grades, size, nurses, office, counselor)

    def _address(self, town: tuple[str, str, str, str], email: str) -> tuple[str, ...]:
        name, state, zip_prefix, area = town
        street = names.street_address(self.rng)
        return street, name, state, f"{zip_prefix}{self.rng.randrange(100):02}", names.phone(self.rng, area), email

    def _staff(self, district: District, school_id: str | None, role: str) -> Staff:
        rng = self.rng
        self._staff_number += 1
        first = rng.choice(names.FEMALE if rng.random() < 0.75 else names.MALE)
        last = names.last_name(rng)
        email = f"{names.ascii_name(first)}.{names.ascii_name(last)}{self._staff_number}@{district.domain}"
        seen: Moment | None = self.calendar.at(rng.choice(self.calendar.school_days[-10:]), rng.randrange(450, 960))
        if rng.random() < 0.1:
            seen = None
        staff_id = self.rows.record(
            "users",
            self._founded,
            seen and seen.text,
            email,
            f"!{self.rows.identifier(0)}",  # what Django takes for a password that opens nothing
            first,
            last,
            role,
            None if role == "ADMIN" else school_id,
            None if role == "ADMIN" else district.id,
            flag(role in ("NURSE", "ADMIN") or rng.random() > 0.05),
            "t",
            names.phone(rng, district.town[3]) if rng.random() < 0.9 else None,
            flag(seen is not None),
            self._founded.text,
        )
        credentials = CREDENTIALS.get(role)
        return Staff(staff_id, f"{first[0]}. {last}" + (f", {credentials}" if credentials else ""), role)

    def _organizations(self, district: District) -> None:
        rng = self.rng
        for kind, relationship, organization in (
            ("PROVIDER", "Pediatrician", f"{district.town[0]} Pediatrics"),
            ("PROVIDER", "Optometrist", "Clear View Eye Care"),
            ("VENDOR", "Medical supplies", "School Health Supply Co."),
            ("STAFF", "Athletic trainer", None),
            ("OTHER", "Health department", f"{district.town[0]} Public Health"),
            ("EMERGENCY", "Poison control", "Poison Help"),
        ):
            first, last = rng.choice(names.FEMALE), names.last_name(rng)
            street, city, state, zip_code, phone, _ = self._address(district.town, "")
            self.rows.health(
                *("contacts", self._founded, None, first, last, kind, None, relationship, organization),
                f"{names.ascii_name(first)}.{names.ascii_name(last)}@{names.ascii_name(relationship)}.example",
                *(phone, street, city, state, zip_code, "t"),
            )
