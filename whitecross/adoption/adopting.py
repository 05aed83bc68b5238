"""The order of an adoption: plan, move aside, migrate, load with proof; and where it goes on after it was interrupted.

Each part is one transaction, but for migrate, which goes on where it was. So whatever is killed at whatever moment,
either nothing was done or the record says how far it is, and adopting again goes on from there.
"""

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from core.schema.expected import load_expected
from core.schema.history import applied_migrations
from whitecross.adoption import moving, predecessor
from whitecross.adoption.inspecting import blockers_in_place, encoding_blockers, inspect, schema_of_predecessor
from whitecross.adoption.loading import Loaded, LoadError, load, refuse_rows
from whitecross.adoption.mapping import map_tables
from whitecross.adoption.ours import standing
from whitecross.adoption.planning import Choices, Plan, make_plan
from whitecross.adoption.progress import Progress
from whitecross.adoption.proving import Proof
from whitecross.adoption.roads import Road, RoadFromElsewhere
from whitecross.adoption.sql import quoted
from whitecross.adoption.undoing import keep_seeds

Asked = Callable[[Plan], bool]


class RefusedError(Exception):
    """The plan cannot be carried out as things are. `plan` says why."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__(" ".join(plan.refusals()))


class DeclinedError(Exception):
    """Whoever was asked said no. Nothing was changed."""


class StateError(Exception):
    """The database is not in a state in which this can be done. The message is a sentence for people."""


class ProofError(Exception):
    """Both sides differ: nothing was adopted. `proofs` are those that do not hold."""

    def __init__(self, proofs: list[Proof]) -> None:
        self.proofs = proofs
        named = "; ".join(
            f"{proof.table}: {proof.there.rows:,} rows there, {proof.here.rows:,} here"
            + (f", {', '.join(proof.differing)} differ" if proof.differing else "")
            for proof in proofs
        )
        super().__init__(f"The proof does not hold, so nothing was adopted ({named}).")


def plan_only(road: Road, choices: Choices, progress: Progress) -> Plan:
    """What adopt would do; changes nothing. Raises NoPredecessorError, TooManyError and StateError."""
    record = moving.read_record(road.here)
    _refuse_wrong_road(road, record)
    if record is not None and record.adopted:
        raise StateError(adopted_already(record))
    if record is None and not road.is_in_place:
        refuse_unfit_target(road.here)
    with road.look():
        return _planned(road, choices, progress, schema=moving.LEGACY if record and record.in_place else None)


def adopt(road: Road, choices: Choices, progress: Progress, asked: Asked, *, waits: bool = True) -> dict[str, Any]:
    """Carry an adoption out, or go on with one that was interrupted. Returns the report.

    `asked` hears the plan and says whether to go on; it is not asked again when going on. Where it answers at once
    (`waits` is false), the tables are locked before they are looked at, and looked at once. Raises RefusedError,
    DeclinedError, StateError, BusyError, LoadError, ProofError, NoPredecessorError and TooManyError.
    """
    with moving.the_only_one(road.here):
        record = moving.read_record(road.here)
        _refuse_wrong_road(road, record)
        if record is not None and record.adopted:
            raise StateError(adopted_already(record))
        if record is not None:
            # Nothing is loaded yet: what is allowed now is allowed as well as what was.
            choices = Choices(
                set_aside=choices.set_aside or record.choices["set_aside"],
                rounding=choices.rounding or record.choices["rounding"],
            )
        if isinstance(road, RoadFromElsewhere):
            return _from_elsewhere(road, choices, progress, asked, record)
        return _in_place(road, choices, progress, asked, record, waits=waits)


def adopted_already(record: moving.Record) -> str:
    """The sentence about an adoption that is done, but not finished."""
    return (
        f"{record.source} was adopted {record.adopted:%Y-%m-%d %H:%M} UTC. What is left to do: look at the report, "
        "then manage.py adopt --finish; or go back with manage.py adopt --undo."
    )


def _refuse_wrong_road(road: Road, record: moving.Record | None) -> None:
    if record is None:
        with road.here.cursor() as cursor:
            cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [moving.LEGACY])
            if cursor.fetchone()[0]:
                raise StateError(
                    f"The database has a schema {moving.LEGACY} that no adoption made: rename it. Nothing was changed."
                )
        return
    if record.adopted:
        return
    if record.in_place and not road.is_in_place:
        raise StateError(
            "An adoption within this database has begun: go on with manage.py adopt, without --source, or go back with "
            "manage.py adopt --undo."
        )
    if not record.in_place and road.is_in_place:
        raise StateError(
            f"An adoption from another database, {record.source}, has begun: go on with manage.py adopt --source URL, "
            "or go back with manage.py adopt --undo."
        )


def _planned(road: Road, choices: Choices, progress: Progress, *, schema: str | None = None) -> Plan:
    with progress.step("Looking for rows that do not fit", 20):
        return make_plan(road, choices, schema=schema, told=lambda table: progress.advance(1, table))


def _accept(plan: Plan, asked: Asked) -> None:
    if plan.refusals():
        raise RefusedError(plan)
    if not asked(plan):
        raise DeclinedError


def _in_place(
    road: Road, choices: Choices, progress: Progress, asked: Asked, record: moving.Record | None, *, waits: bool
) -> dict[str, Any]:
    started = time.monotonic()
    if record is None:
        if waits:
            with road.look():
                plan = _planned(road, choices, progress)
            _accept(plan, asked)
        # Between the question and the answer anybody may have written: what counts is what stands there once locked.
        with transaction.atomic(using=road.alias), road.here.cursor() as cursor:
            found = inspect(road.here)
            if found.blockers or found.collisions or blockers_in_place(cursor, found):
                raise RefusedError(_planned(road, choices, progress))  # a lock might be refused as well
            moving.lock(cursor, [found.relation(table) for table in [*found.tables, predecessor.RECORD]])
            plan = _planned(road, choices, progress)
            _accept(plan, (lambda plan: True) if waits else asked)
            record = _new_record(road, plan, plan.found.schema, [*plan.found.tables, predecessor.RECORD])
            moving.write_record(cursor, record)
            moving.move_aside(cursor, record)
        plan = _where_they_are_now(plan)
    else:
        with road.look():
            plan = _planned(road, choices, progress, schema=moving.LEGACY)
        if plan.refusals():
            raise RefusedError(plan)
        plan.notes = record.notes  # of the database as it was before the tables moved
        _go_on_with(road, choices)
    _migrate(road, progress)
    with transaction.atomic(using=road.alias):
        return _load(road, plan, progress, started, {})


def _new_record(road: Road, plan: Plan, schema: str, tables: list[str], *, was_migrated: bool = False) -> moving.Record:
    return moving.Record(
        in_place=road.is_in_place,
        source=plan.source,
        identity=road.identity(),
        schema=schema,
        tables=tables,
        types=plan.found.types if road.is_in_place else [],
        was_migrated=was_migrated,
        choices=dataclasses.asdict(plan.choices),
        notes=plan.notes,
        begun=dt.datetime.now(dt.UTC),
        adopted=None,
        report=None,
    )


def _go_on_with(road: Road, choices: Choices) -> None:
    with transaction.atomic(using=road.alias), road.here.cursor() as cursor:
        moving.note_choices(cursor, dataclasses.asdict(choices))


def _where_they_are_now(plan: Plan) -> Plan:
    found = dataclasses.replace(plan.found, schema=moving.LEGACY)
    made = map_tables(found, load_expected(), rounding=plan.choices.rounding)
    return dataclasses.replace(plan, found=found, made=made)


def _from_elsewhere(
    road: RoadFromElsewhere, choices: Choices, progress: Progress, asked: Asked, record: moving.Record | None
) -> dict[str, Any]:
    started = time.monotonic()
    was_migrated = record.was_migrated if record else refuse_unfit_target(road.here)
    with road.look():
        if record is not None:
            refuse_another_source(road, record)
        plan = _planned(road, choices, progress)
        snapshot = _snapshot(road.there)
        _accept(plan, asked if record is None else lambda plan: True)
        if record is None:
            with transaction.atomic(using=road.alias), road.here.cursor() as cursor:
                schema = _current_schema(road.here)
                moving.write_record(cursor, _new_record(road, plan, schema, [], was_migrated=was_migrated))
        else:
            _go_on_with(road, choices)
        _migrate(road, progress)
        with transaction.atomic(using=road.alias):
            if was_migrated:
                with road.here.cursor() as cursor:
                    refuse_rows(cursor)
                    keep_seeds(cursor)
            return _load(road, plan, progress, started, snapshot)


def refuse_another_source(road: Road, record: moving.Record) -> None:
    """Raise StateError where the source is not the one that was adopted, or began to be. Within `road.look()`."""
    if not record.in_place and road.identity() != record.identity:
        raise StateError(
            f"The adoption here is of {record.source}; --source names another database, {road.label}. Finish or undo "
            "the one before, or adopt into another database."
        )


def refuse_unfit_target(here: BaseDatabaseWrapper) -> bool:
    """Whether the database is migrated already; raises StateError where it holds what an adoption would mix with."""
    with here.cursor() as cursor:
        if schema_of_predecessor(cursor):
            raise StateError(
                "This database was left by the predecessor itself. Adopt it without --source, or point DATABASE_URL at "
                "an empty database and name this one with --source."
            )
        schema = _current_schema(here)
        cursor.execute("SELECT has_schema_privilege(%s, 'CREATE'), quote_ident(current_user)", [schema])
        may, user = cursor.fetchone()
        if not may:
            raise StateError(f"{user} may not make tables here: GRANT CREATE ON SCHEMA {quoted(schema)} TO {user}.")
        if blockers := encoding_blockers(cursor):
            raise StateError(f"{blockers[0]}.")
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if not cursor.fetchone()[0]:
            if there := standing(cursor, schema):
                raise StateError(
                    f"The database to adopt into has a {there[0].kind} {there[0].name}, a name that White Cross needs: "
                    "take an empty database."
                )
            return False
        if applied_migrations(cursor) != set(MigrationLoader(None).graph.nodes):
            raise StateError(
                "The database to adopt into is migrated by another version, or by something else: run manage.py "
                "migrate first, or take an empty database."
            )
        try:
            refuse_rows(cursor)
        except LoadError as error:
            raise StateError(str(error)) from None
        return True


def _current_schema(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


def _snapshot(there: BaseDatabaseWrapper) -> dict[str, Any]:
    """The moment at which the other database is seen: rows that were written later are not among those adopted."""
    with there.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text, transaction_timestamp()")
        snapshot, moment = cursor.fetchone()
    return {"snapshot": snapshot, "snapshotTaken": moment.isoformat()}


def _migrate(road: Road, progress: Progress) -> None:
    # In one transaction: Django records a migration in another than the one that carries it out, and what was killed in
    # between could neither go on nor begin anew.
    with progress.step("Schema", 1), transaction.atomic(using=road.alias):
        with road.here.cursor() as cursor:
            # Seeded rows would leave foreign keys to check, and the next step could not alter their table.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        call_command("migrate", database=road.alias, verbosity=0, interactive=False)


def _load(road: Road, plan: Plan, progress: Progress, started: float, more: dict[str, Any]) -> dict[str, Any]:
    loaded = load(road, plan, progress)
    if not loaded.holds:
        raise ProofError([proof for proof in loaded.proofs if not proof.holds])
    with road.here.cursor() as cursor:
        report = make_report(road, plan, loaded, time.monotonic() - started, more)
        moving.note_adopted(cursor, report)
    return report


def make_report(road: Road, plan: Plan, loaded: Loaded, seconds: float, more: dict[str, Any]) -> dict[str, Any]:
    """What is to be kept of an adoption: no values of rows, but the ids of those that were set aside."""
    said = plan.as_json()
    here = road.here
    with here.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_user")
        server, user = cursor.fetchone()
    by_table = {table["table"]: table for table in said["tables"]}
    return {
        "adopted": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "by": user,
        "source": {
            "database": plan.source,
            "inPlace": plan.in_place,
            "state": plan.found.state,
            "server": plan.found.server,
            "migrations": plan.found.applied,
            **more,
        },
        "target": {"database": str(here.settings_dict["NAME"]), "server": server.split()[0]},
        "choices": {"setAside": plan.choices.set_aside, "round": plan.choices.rounding},
        "seconds": round(seconds, 1),
        "tables": [{**proof.as_json(), "converted": by_table[proof.table]["converted"]} for proof in loaded.proofs],
        "rows": {
            "there": sum(proof.total for proof in loaded.proofs),
            "here": sum(proof.here.rows for proof in loaded.proofs),
            "setAside": sum(proof.set_aside for proof in loaded.proofs),
        },
        "seededSettings": loaded.seeded,
        "foreignKeysValidated": loaded.foreign_keys,
        "indexesBuilt": loaded.indexes,
        "schemaVerified": loaded.counts,
        "doNotFit": said["doNotFit"],
        "rowsSetAside": said["rows"],
        "columnsSetAside": plan.values_unknown,
        "rounded": plan.rounded,
        "notes": plan.notes,
    }
