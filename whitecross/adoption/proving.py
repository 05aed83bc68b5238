"""The proof: for each table the number of rows and a checksum over every mapped column, computed on both sides.

The checksum is of canonical text: a row's columns, in order, as PostgreSQL writes a row. Each row's SHA-256 gives 64
bits (its first eight bytes), and the sum of all rows, modulo 2^64, is the table's: the order of rows does not matter, a
row that is missing, doubled or changed does. SHA-256 also where the server's OpenSSL allows nothing weaker (FIPS 140).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.backends.utils import CursorWrapper

from whitecross.adoption.mapping import Mapping
from whitecross.adoption.sql import array, quoted


@dataclass(frozen=True)
class Sum:
    """Of one side of a table: rows, and the checksum in hexadecimal digits."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Proof:
    """Of one table: all rows there; those that were to come and those that are here; those that were set aside.

    `differing`: columns whose checksums differ.
    """

    table: str
    total: int
    there: Sum
    here: Sum
    set_aside: int
    columns: tuple[str, ...]
    differing: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether both sides say the same, and every row is on one of them."""
        return self.there == self.here and self.total == self.here.rows + self.set_aside

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "table": self.table,
            "rowsThere": self.total,
            "rowsHere": self.here.rows,
            "setAside": self.set_aside,
            "checksumThere": self.there.checksum,
            "checksumHere": self.here.checksum,
            "columns": list(self.columns),
            "holds": self.holds,
            **({"differing": list(self.differing)} if self.differing else {}),
        }


def sum_there(cursor: CursorWrapper, mapping: Mapping, excluded: str) -> Sum:
    """Of the rows there that come along. `excluded` is a condition on t."""
    return _sum(cursor, _there(mapping), f"{mapping.source} WHERE {excluded}")


def sum_here(cursor: CursorWrapper, mapping: Mapping, condition: str = "true") -> Sum:
    """Of the rows here that a condition names."""
    return _sum(cursor, _here(mapping), f"{quoted(mapping.table)} AS h WHERE {condition}")


def differing(
    there: CursorWrapper, here: CursorWrapper, mapping: Mapping, excluded: str, condition: str = "true"
) -> tuple[str, ...]:
    """The columns whose checksums differ; for a proof that does not hold."""
    names = []
    by_name = dict(zip(mapping.names, zip(_there(mapping), _here(mapping), strict=True), strict=True))
    for name, (one, other) in by_name.items():
        sides = (
            _sum(there, [by_name["id"][0], one], f"{mapping.source} WHERE {excluded}"),
            _sum(here, [by_name["id"][1], other], f"{quoted(mapping.table)} AS h WHERE {condition}"),
        )
        if sides[0] != sides[1]:
            names.append(name)
    return tuple(names)


def _there(mapping: Mapping) -> list[str]:
    return [column.conversion.there for column in mapping.columns]


def _here(mapping: Mapping) -> list[str]:
    return [column.conversion.here.replace("{}", f"h.{quoted(column.name)}") for column in mapping.columns]


def _sum(cursor: CursorWrapper, expressions: Iterable[str], rest: str) -> Sum:
    row = f"ROW({', '.join(expressions)})::text"
    bits = f"('x' || encode(substr(sha256(convert_to({row}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint"
    cursor.execute(f"SELECT count(*), coalesce(sum({bits}), 0)::text FROM {rest}")
    rows, total = cursor.fetchone()
    return Sum(rows, f"{int(total) % 2**64:016x}")


def but(ids: list[str], type_: str) -> str:
    """The condition on t that leaves out the rows of these ids, whose type is named."""
    if not ids:
        return "true"
    return f"t.id <> ALL ({array(ids, 'uuid')})" if type_ == "uuid" else f"t.id::text <> ALL ({array(ids)})"
