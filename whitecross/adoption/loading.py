"""Loading: every row, in one transaction with its proof. Killed at any moment, it has done nothing."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.utils import CursorWrapper

from core.schema.actual import read_catalog
from core.schema.compare import Difference
from core.schema.verify import verify
from whitecross.adoption.building import silence, take_down
from whitecross.adoption.mapping import HISTORY, ORDER, SETTINGS, Mapping
from whitecross.adoption.moving import lock
from whitecross.adoption.planning import Plan
from whitecross.adoption.progress import Progress
from whitecross.adoption.proving import Proof, but, differing, sum_here, sum_there
from whitecross.adoption.roads import Road
from whitecross.adoption.sql import array, literal, quoted

REJECTS = "adoption_rejects"
# They would stamp each setting with whoever adopts, and write a history of their own.
SILENT = {
    SETTINGS: ("system_configurations_stamp", "system_configurations_write_history"),
    HISTORY: ("configuration_history_refuse_forgery",),
}
AT_ONCE = 1000  # rows set aside in one statement


class LoadError(Exception):
    """The rows cannot be loaded as planned; nothing was. The message is a sentence for people."""


@dataclass
class Loaded:
    """What came of a load."""

    proofs: list[Proof] = field(default_factory=list)
    seeded: int = 0  # settings that the predecessor had not
    foreign_keys: int = 0
    indexes: int = 0
    counts: dict[str, int] = field(default_factory=dict)  # of verify_schema

    @property
    def holds(self) -> bool:
        """Whether every table's proof holds."""
        return all(proof.holds for proof in self.proofs)


def load(road: Road, plan: Plan, progress: Progress) -> Loaded:
    """Load every row that fits, set the others aside, build, prove. Within the caller's transaction here.

    Raises LoadError and BusyError; then the caller's transaction has to be rolled back.
    """
    loaded = Loaded()
    with road.here.cursor() as here, road.there.cursor() as there:
        ours = [quoted(table) for table in (*ORDER, REJECTS)]
        # Whatever refers to them as well: its foreign keys are taken down.
        here.execute(
            "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'f' AND confrelid = ANY(%s::regclass[]) AND conrelid <> ALL (%s::regclass[])",
            [ours, ours],
        )
        lock(here, [*ours, *(name for (name,) in here.fetchall())], "No row is here yet: adopt --undo goes back.")
        refuse_rows(here)
        before = read_catalog(road.here)
        scaffold = take_down(here, [table for table in ORDER if table not in SILENT], list(ORDER))
        loud = silence(here, SILENT)
        coming = plan.total - plan.misfits.number
        with progress.step("Rows", coming):
            for mapping in plan.made.values():
                _pour_table(road, here, there, plan, mapping, progress)
        _set_aside(road, plan, progress)
        total = len(scaffold.indexes) + len(scaffold.foreign_keys)
        with progress.step("Indexes and foreign keys", total):
            scaffold.put_up(here, lambda name: progress.advance(1, name))
        loaded.indexes, loaded.foreign_keys = len(scaffold.indexes), len(scaffold.foreign_keys)
        for statement in loud:
            here.execute(statement)
        aside = _count_rejects(here)
        here.execute(f"ANALYZE {', '.join(quoted(table) for table in (*ORDER, REJECTS))}")
        if read_catalog(road.here) != before:
            raise LoadError("The schema is not what it was before the rows came. Nothing was adopted.")
        with progress.step("Proof", len(plan.made)):
            for mapping in plan.made.values():
                loaded.proofs.append(prove_table(there, here, plan, mapping, aside.get(mapping.table, 0)))
                progress.advance(1, mapping.table)
        here.execute(f"SELECT count(*) FROM {quoted(SETTINGS)}")
        (settings,) = here.fetchone()
        loaded.seeded = settings - sum(proof.here.rows for proof in loaded.proofs if proof.table == SETTINGS)
    _verify(road, loaded)
    return loaded


def refuse_rows(here: CursorWrapper) -> None:
    """Raise LoadError where there are rows already, but for the seeded settings."""
    for table in (*ORDER, REJECTS):
        if table != SETTINGS:
            here.execute(f"SELECT EXISTS (SELECT FROM {quoted(table)})")
            if here.fetchone()[0]:
                raise LoadError(
                    f"{table} holds rows that did not come from this adoption. Nothing was adopted: stop whatever "
                    "writes here, and adopt into a database without rows (an empty one, or one just migrated)."
                )


def excluded(plan: Plan, mapping: Mapping) -> str:
    """The condition on t that leaves out the rows that do not fit."""
    return but(plan.misfits.of(mapping.table), plan.found.columns(mapping.table)["id"])


def _count_rejects(here: CursorWrapper) -> dict[str, int]:
    here.execute(f'SELECT "sourceTable", count(*) FROM {quoted(REJECTS)} WHERE "isWhole" GROUP BY 1')
    return dict(here.fetchall())


def prove_table(there: CursorWrapper, here: CursorWrapper, plan: Plan, mapping: Mapping, aside: int) -> Proof:
    """Compare both sides of a table, of which so many rows stand in adoption_rejects."""
    there.execute(f"SELECT count(*) FROM {plan.found.relation(mapping.table)}")
    (total,) = there.fetchone()
    excluding = excluded(plan, mapping)
    condition = "true"
    if mapping.table == SETTINGS:  # beside those that were seeded
        there.execute(f"SELECT t.id::text FROM {mapping.source} WHERE {excluding}")
        condition = f"h.id = ANY ({array((str(row) for (row,) in there.fetchall()), 'uuid')})"
    one, other = sum_there(there, mapping, excluding), sum_here(here, mapping, condition)
    return Proof(
        mapping.table,
        total,
        one,
        other,
        aside,
        tuple(mapping.names),
        differing(there, here, mapping, excluding, condition) if one != other else (),
    )


def _pour_table(
    road: Road, here: CursorWrapper, there: CursorWrapper, plan: Plan, mapping: Mapping, progress: Progress
) -> None:
    excluding = excluded(plan, mapping)
    if mapping.table == SETTINGS:
        scope = "t.scope::text = 'SYSTEM'" if "scope" in plan.found.columns(SETTINGS) else "true"
        there.execute(f"SELECT t.key FROM {mapping.source} WHERE {scope} AND {excluding}")
        keys = array(str(key) for (key,) in there.fetchall())
        # The predecessor's row takes the seeded one's place, with the id by which its history knows it.
        here.execute(f"DELETE FROM {quoted(SETTINGS)} WHERE scope = 'SYSTEM' AND key = ANY ({keys})")
    rest = f"FROM {mapping.source} WHERE {{blocks}} AND {excluding}"
    road.pour(
        mapping.table,
        mapping.values(),
        rest,
        lambda rows: progress.advance(rows, mapping.table),
        relation=plan.found.relation(mapping.table),
    )


def _set_aside(road: Road, plan: Plan, progress: Progress) -> None:
    """Keep the rows that do not fit, whole, and the values in columns that nobody knows."""
    for table, rows in plan.misfits.rows.items():
        everything = list(plan.found.columns(table))
        for some in _chunks(list(rows.items()), AT_ONCE):
            values = ", ".join(
                f"({literal(row)}, {literal(as_json([reason.as_json() for reason in reasons]))})"
                for row, reasons in some
            )
            rest = (
                f"FROM {plan.found.relation(table)} AS t JOIN (VALUES {values}) AS misfit (id, reasons)"
                " ON misfit.id = t.id::text"
            )
            _pour_rejects(road, table, everything, "true", "misfit.reasons::jsonb", rest)
    for table, columns in plan.values_unknown.items():
        reasons = [
            {"rule": "unknown_column", "columns": [name], "why": f"{name}: the predecessor never made such a column"}
            for name in columns
        ]
        some_value = " OR ".join(f"t.{quoted(name)} IS NOT NULL" for name in columns)
        # A row that was set aside whole holds them already.
        rest = f"FROM {plan.found.relation(table)} AS t WHERE ({some_value}) AND {excluded(plan, plan.made[table])}"
        _pour_rejects(road, table, list(columns), "false", f"{literal(as_json(reasons))}::jsonb", rest)


def _pour_rejects(road: Road, table: str, columns: Sequence[str], whole: str, reasons: str, rest: str) -> None:
    pairs = ", ".join(f"{literal(name)}, t.{quoted(name)}::text" for name in columns)
    road.pour(
        REJECTS,
        [
            ("sourceTable", literal(table), None),
            ("rowId", "t.id::text", None),
            ("isWhole", whole, None),
            ("data", f"jsonb_object(ARRAY[{pairs}])", None),
            ("reasons", reasons, None),
        ],
        rest,
        lambda rows: None,
    )


def _verify(road: Road, loaded: Loaded) -> None:
    report = verify(road.alias)
    if report.differences:
        first: Difference = report.differences[0]
        raise LoadError(f"The schema is not as the models say ({first.kind} {first.object}). Nothing was adopted.")
    loaded.counts = report.counts


def _chunks(rows: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def as_json(what: Any) -> str:
    """JSON for SQL."""
    return json.dumps(what, ensure_ascii=False)
