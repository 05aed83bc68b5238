"""What was set aside: to be looked at, and to be brought over once it is mended.

A row is mended in `adoption_rejects.data`, whose values are texts under the predecessor's names of columns. Trying
again takes each row the way that an adoption takes, rules and all: one that still does not fit stays, with what is
wrong now.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from configuration.changing import changing
from core.schema.catalog import Catalog
from core.schema.expected import load_expected
from whitecross.adoption import predecessor
from whitecross.adoption.building import silence
from whitecross.adoption.conversions import Conversion
from whitecross.adoption.fitting import Misfits, Reason, find_misfits
from whitecross.adoption.inspecting import Inspection
from whitecross.adoption.loading import SILENT
from whitecross.adoption.mapping import HISTORY, ORDER, SETTINGS, Column, Mapping, map_table
from whitecross.adoption.models import Reject
from whitecross.adoption.progress import Progress
from whitecross.adoption.roads import Road, settle
from whitecross.adoption.sql import literal, quoted

WHY = "brought over after it was mended"
# Of the triggers that an adoption silences, those that change or refuse a row; a setting's history hears of it.
SILENT_AGAIN = {SETTINGS: ("system_configurations_stamp",), HISTORY: SILENT[HISTORY]}

EMAIL_KEY = "users_email_key"
CHANGED_HERE = Reason(
    "system_configurations_changed",
    ("value",),
    "value: this setting has been changed here since, and stays so; manage.py config set changes it",
)


@dataclass(frozen=True)
class Kept:
    """A row that is set aside: its id in adoption_rejects, its table and id there, why."""

    id: str
    table: str
    row: str
    is_whole: bool
    reasons: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """For machines. No values."""
        return {
            "id": self.id,
            "table": self.table,
            "row": self.row,
            "isWhole": self.is_whole,
            "reasons": self.reasons,
        }


def kept(alias: str) -> list[Kept]:
    """What is set aside, in the order in which it would be brought over."""
    place = {table: number for number, table in enumerate(ORDER)}
    rows = [
        Kept(str(reject.pk), reject.source_table, reject.row_id, reject.is_whole, reject.reasons)
        for reject in Reject.objects.using(alias).defer("data").iterator()
    ]
    return sorted(rows, key=lambda row: (place.get(row.table, len(place)), row.row))


def retry(alias: str, progress: Progress | None = None) -> tuple[Counter[str], list[Kept]]:
    """Try to bring over every row that was set aside whole. Returns table -> rows brought over, and what remains.

    Each row is a deed of its own: it is here and no longer set aside, or neither has changed.
    """
    expected, brought, progress = load_expected(), Counter[str](), progress or Progress()
    settle(connections[alias])
    rows = [row for row in kept(alias) if row.is_whole]
    with progress.step("Rows set aside", len(rows)):
        for row in rows:
            if _bring(alias, row, expected):
                brought[row.table] += 1
            progress.advance(1, row.table)
    return brought, kept(alias)


def _bring(alias: str, row: Kept, expected: Catalog) -> bool:
    connection = connections[alias]
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        reject = (
            Reject.objects.using(alias).select_for_update(skip_locked=True).filter(pk=row.id, is_whole=True).first()
        )
        if reject is None:
            return False  # somebody else has it
        if rival := _rival(cursor, reject):
            reject.reasons = [rival.as_json()]
            reject.save(update_fields=["reasons", "updated_at"])
            return False
        try:
            with transaction.atomic(using=alias), changing(reason=WHY, using=alias):
                reasons = _insert(cursor, alias, reject, expected)
        except DatabaseError as error:
            reasons = (_refusal(error),)
        if reasons:
            said = [reason.as_json() for reason in reasons]
            if reject.reasons != said:
                reject.reasons = said
                reject.save(update_fields=["reasons", "updated_at"])
            return False
        unknown = {
            name: value
            for name, value in reject.data.items()
            if value is not None and name not in predecessor.tables()[row.table].columns
        }
        if unknown:  # the row is here; what nobody knows a column for stays
            reject.is_whole, reject.data = False, unknown
            reject.save()
        else:
            cursor.execute("SELECT set_config('whitecross.erase', 'on', true)")
            reject.delete()
            cursor.execute("SELECT set_config('whitecross.erase', 'off', true)")
    return True


def _rival(cursor: CursorWrapper, reject: Reject) -> Reason | None:
    """Why an account that another one is in use beside has to wait: the other one is set aside as well."""
    if not any(reason["rule"] == EMAIL_KEY for reason in reject.reasons):
        return None
    cursor.execute(
        """
        SELECT EXISTS (
            SELECT FROM adoption_rejects
            WHERE "sourceTable" = 'users' AND "isWhole" AND id <> %s AND upper(data ->> 'email') = upper(%s)
              AND NOT EXISTS (SELECT FROM jsonb_array_elements(reasons) AS reason WHERE reason ->> 'rule' = %s)
        )
        """,
        [str(reject.pk), reject.data.get("email"), EMAIL_KEY],
    )
    if not cursor.fetchone()[0]:
        return None
    return Reason(
        EMAIL_KEY, ("email",), "email: the account in use with this email is set aside as well, and goes first"
    )


def _insert(cursor: CursorWrapper, alias: str, reject: Reject, expected: Catalog) -> tuple[Reason, ...]:
    """Insert the row, or say why it does not fit. Raises DatabaseError where the database refuses it."""
    table = reject.source_table
    mapping = _mapping(reject, expected)
    if mapping.blockers:
        return (Reason("columns", (), mapping.blockers[0]),)
    misfits: Misfits = find_misfits(
        cursor,
        {table: mapping},
        here=connections[alias],
        expected=expected,
        relation=quoted,
        present=frozenset(ORDER),
    )
    if reasons := misfits.rows.get(table):
        return next(iter(reasons.values()))
    if table == SETTINGS:
        scope = "t.scope::text = 'SYSTEM'" if "scope" in mapping.names else "true"
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM {quoted(SETTINGS)} AS s JOIN {quoted(HISTORY)} AS h"
            f""" ON h."configurationId" = s.id WHERE s.scope = 'SYSTEM' AND s.key IN"""
            f" (SELECT t.key FROM {mapping.source} WHERE {scope}))"
        )
        if cursor.fetchone()[0]:
            return (CHANGED_HERE,)
        cursor.execute(
            f"DELETE FROM {quoted(SETTINGS)} WHERE scope = 'SYSTEM' AND key IN"
            f" (SELECT t.key FROM {mapping.source} WHERE {scope})"
        )
    # Nothing is refused any more but by an error, with which the triggers are as they were.
    loud = silence(cursor, {table: SILENT_AGAIN[table]}) if table in SILENT_AGAIN else []
    Road(alias).pour(table, mapping.values(), f"FROM {mapping.source}", lambda rows: None)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for statement in loud:
        cursor.execute(statement)
    return ()


def _mapping(reject: Reject, expected: Catalog) -> Mapping:
    """The mapping of a row whose columns are texts in adoption_rejects."""
    table = reject.source_table
    known = predecessor.tables()[table].columns
    types = {name: _type(column.type) for name, column in known.items() if name in reject.data}
    fields = ", ".join(f"{_read(name, type_)} AS {quoted(name)}" for name, type_ in types.items())
    row = f"(SELECT {fields} FROM adoption_rejects AS r WHERE r.id = {literal(str(reject.pk))})"
    found = Inspection("", "", "", max(predecessor.STATES), {"tables": {}, "enums": {}}, [table], [])
    settings = Mapping(SETTINGS, f"{quoted(SETTINGS)} AS t", _as_they_are(expected))
    return map_table(
        table,
        types,
        found,
        expected,
        {SETTINGS: settings},
        relation=lambda name: row if name == table else quoted(name),
    )


def _type(type_: str) -> str:
    """The type as which a text is read: an enum's labels are judged as texts.

    Without length or precision: to cast to those would cut what does not fit, where a rule has to refuse it.
    """
    return "text" if type_.strip('"') in predecessor.enum_types() else re.sub(r"\(.*?\)", "", type_)


def _read(name: str, type_: str) -> str:
    """The value of a column, read from its text."""
    text = f"(r.data ->> {literal(name)})"
    if type_ == "timestamp without time zone":
        return f"({text}::timestamptz AT TIME ZONE 'UTC')"  # whoever mended it may have named a zone, which counts
    return f"{text}::{type_}"


def _as_they_are(expected: Catalog) -> list[Column]:
    """The columns of settings that are here already, enums as text."""
    columns = []
    for name, facts in expected["tables"][SETTINGS]["columns"].items():
        value = f"t.{quoted(name)}" + ("::text" if facts["type"].strip('"') in expected["enums"] else "")
        columns.append(Column(name, Conversion(value, value)))
    return columns


def _refusal(error: BaseException) -> Reason:
    """What the database says of a row, without its values."""
    diag = getattr(error.__cause__, "diag", None)
    rule = getattr(diag, "constraint_name", None) or getattr(error.__cause__, "sqlstate", None) or "database"
    column = getattr(diag, "column_name", None)
    said = type(error.__cause__ or error).__name__
    return Reason(str(rule), (column,) if column else (), f"the database refuses it ({said}, {rule})")


def as_text(reasons: list[dict[str, Any]]) -> str:
    """Reasons in one line."""
    return "; ".join(str(reason["why"]) for reason in reasons)
