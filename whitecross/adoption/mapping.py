"""What becomes of each table: the columns here, each with its expression there, and the rules that a row has to keep.

Most of it follows from the two catalogs. What does not stands in SPECIAL, a function a table.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from core.schema.catalog import Catalog
from whitecross.adoption import predecessor
from whitecross.adoption.conversions import Conversion, Rule, conversion
from whitecross.adoption.inspecting import Inspection
from whitecross.adoption.setting_rows import history_columns, settings_columns
from whitecross.adoption.sql import literal, quoted

# The tables in the order in which rows can be written: each after those that it refers to.
ORDER = (
    "districts",
    "schools",
    "users",
    "students",
    "contacts",
    "health_records",
    "allergies",
    "chronic_conditions",
    "appointments",
    "medications",
    "student_medications",
    "medication_logs",
    "incident_reports",
    "emergency_contacts",
    "vaccinations",
    "screenings",
    "growth_measurements",
    "vital_signs",
    "system_configurations",
    "configuration_history",
)
# Rows whose kind is not a child's record; the trigger that writes the settings' history has to be silent.
SETTINGS, HISTORY = "system_configurations", "configuration_history"
# Where a setting may hold, besides everywhere: its scope, and the table that scopeId refers to.
PLACES = {"DISTRICT": "districts", "SCHOOL": "schools", "USER": "users"}


# Of the 2,704 bytes that a B-tree of PostgreSQL takes, what other columns of the same index leave.
INDEXED = 2500

Relation = Callable[[str], str]


@dataclass(frozen=True)
class Column:
    """A column here, and where its values come from. `enum` is its type where it has one."""

    name: str
    conversion: Conversion
    enum: str | None = None


@dataclass(frozen=True)
class Key:
    """A foreign key here: columns that refer to columns of a parent."""

    name: str
    columns: tuple[str, ...]
    parent: str
    referred: tuple[str, ...]


@dataclass(frozen=True)
class Unique:
    """What may stand once in a table: `expression` of the columns here. Of several rows the first of `order` fits."""

    name: str
    columns: tuple[str, ...]
    expression: str
    order: str
    why: str
    nulls_distinct: bool = True


@dataclass
class Mapping:
    """What becomes of one table.

    `source` is its FROM there, the row being t. `checks` are conditions on the columns here, `rules` on the row there.
    `keys` are the foreign keys here; all are looked at, as one that is valid there may have been off during a load.
    """

    table: str
    source: str
    columns: list[Column]
    rules: list[Rule] = field(default_factory=list)
    checks: list[Rule] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    uniques: list[Unique] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The columns here."""
        return [column.name for column in self.columns]

    def values(self) -> list[tuple[str, str, str | None]]:
        """The columns here as `Road.pour` takes them: name, expression, enum type."""
        return [(column.name, column.conversion.sql, column.enum) for column in self.columns]

    def converted(self, *extra: str) -> str:
        """A subquery of the converted columns, enums as text, and more expressions."""
        values = [f"{column.conversion.sql} AS {quoted(column.name)}" for column in self.columns]
        return f"(SELECT {', '.join([*values, *extra])} FROM {self.source})"

    def every_rule(self) -> list[Rule]:
        """Rules on the row there: its own and those of its columns."""
        return [*self.rules, *(rule for column in self.columns for rule in column.conversion.rules)]

    def said(self) -> list[str]:
        """What is converted, for people."""
        by_how: dict[str, list[str]] = {}
        for column in self.columns:
            if column.conversion.how:
                by_how.setdefault(column.conversion.how, []).append(column.name)
        return [f"{', '.join(names)}: {how}" for how, names in by_how.items()]


Made = dict[str, Mapping]


@dataclass
class Special:
    """What a table's mapping needs besides: a longer FROM, expressions of columns, more rules."""

    source: str = ""
    columns: dict[str, Conversion] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)


def map_tables(found: Inspection, expected: Catalog, *, rounding: bool = False) -> Made:
    """What becomes of the tables that are there, in order. `rounding`: see `conversions.conversion`."""
    made: Made = {}
    for table in ORDER:
        if table in found.tables:
            made[table] = map_table(table, found.columns(table), found, expected, made, rounding=rounding)
    return made


def map_table(
    table: str,
    there: dict[str, str],
    found: Inspection,
    expected: Catalog,
    made: Made,
    *,
    rounding: bool = False,
    relation: Relation | None = None,
) -> Mapping:
    """What becomes of a table with these columns there; `made` are the mappings of the tables before it.

    `relation` names a table in SQL, where not as it was found.
    """
    relation = relation or found.relation
    facts = expected["tables"][table]
    read = (*READ.get(table, ()), *(("scopeId",) if table == SETTINGS and "scope" in there else ()))
    missing = [name for name in read if name not in there]
    if missing:
        sentence = f"{table}: {', '.join(missing)} missing, without which its rows cannot be brought over"
        return Mapping(table, f"{relation(table)} AS t", [], blockers=[sentence])
    special = SPECIAL[table](there, relation, made) if table in SPECIAL else Special()
    mapping = Mapping(table, f"{relation(table)} AS t {special.source}".rstrip(), [], rules=special.rules)
    for name, column in facts["columns"].items():
        enum = column["type"].strip('"') if column["type"].strip('"') in expected["enums"] else None
        column_made = special.columns.get(name)
        if column_made is None and name in there:
            column_made = conversion(
                name,
                there[name],
                column["type"],
                enums_there=found.catalog["enums"],
                enums_here=expected["enums"],
                rounding=rounding,
            )
            if column_made is None:
                mapping.blockers.append(
                    f"{table}.{name} is a {there[name]}, which cannot become a {column['type'].strip(chr(34))} here"
                )
        if name in there and name in special.columns and not _is_as_it_was(table, name, there[name]):
            mapping.blockers.append(f"{table}.{name} is a {there[name]}, which the predecessor never made it")
        if column_made is None:
            if name not in there and not column.get("null") and "default" not in column:
                mapping.blockers.append(f"{table}.{name} is missing, and no row can be without it")
            continue  # as a new row has it
        known = found.catalog["tables"].get(table, {}).get("columns", {}).get(name, {"null": True})
        if not column.get("null") and known.get("null") and name not in special.columns:
            mapping.rules.append(Rule(f"{name}_null", (name,), f"t.{quoted(name)} IS NULL", f"{name}: missing"))
        elif not column.get("null") and name in special.columns and not column_made.rules:
            mapping.rules.append(Rule(f"{name}_null", (name,), f"({column_made.sql}) IS NULL", f"{name}: missing"))
        mapping.columns.append(Column(name, column_made, enum))
    _constraints(mapping, facts, found)
    return mapping


def _is_as_it_was(table: str, name: str, type_: str) -> bool:
    """Whether a column that an expression of SPECIAL reads is of a type that the predecessor gave it."""
    known = predecessor.tables()[table].columns[name]
    texts = ("text", "character varying")
    bare, wanted = (re.sub(r"\(.*?\)", "", one).strip('"') for one in (type_, known.type))
    if wanted in predecessor.enum_types():  # read as text
        return bare in (*texts, *predecessor.enum_types())
    return bare == wanted or (bare in texts and wanted in texts) or (bare == "uuid" and name in ("id", "changedBy"))


def _constraints(mapping: Mapping, facts: dict[str, Any], found: Inspection) -> None:
    table, sentences = mapping.table, _sentences(mapping.table)
    for name, constraint in facts.get("constraints", {}).items():
        definition = constraint["definition"]
        if definition.startswith("CHECK ") and '::"' not in definition:
            columns = _columns_in(definition, facts["columns"])
            if set(columns) <= set(mapping.names):
                why = sentences.get(name, f"breaks {name}")
                mapping.checks.append(Rule(name, columns, f"{definition[len('CHECK ') :]} IS FALSE", why))
        elif key := re.match(r"FOREIGN KEY \((.+?)\) REFERENCES \"?(\w+)\"?\((.+?)\)", definition):
            columns, parent, referred = _split(key[1]), key[2], _split(key[3])
            if not set(columns) <= set(mapping.names):
                continue
            foreign = Key(name, columns, parent, referred)
            mapping.keys.append(foreign)
        elif unique := re.match(r"UNIQUE (NULLS NOT DISTINCT )?\((.+)\)", definition):
            _unique(mapping, name, unique[2], facts, found, sentences, nulls_distinct=not unique[1])
    for name, index in facts.get("indexes", {}).items():
        if index.get("unique") and not index.get("constraint"):
            (expression,) = re.findall(r"USING btree \((.+)\)$", index["definition"])
            _unique(mapping, name, expression, facts, found, sentences)
        _index_room(mapping, index["definition"], facts)
    if found.catalog["tables"].get(table, {}).get("columns", {}).get("id", {}).get("type", "uuid") != "uuid":
        # Two texts may be one UUID.
        mapping.uniques.append(Unique(f"{table}_pkey", ("id",), "id", '"createdAt"', "id: another row has the same"))


def _index_room(mapping: Mapping, definition: str, facts: dict[str, Any]) -> None:
    """A text of any length has to fit into the indexes that it has here, and may not have had there."""
    keys = re.match(r"USING btree \((.+?)\)( INCLUDE| WHERE|$)", definition)
    for column in _columns_in(keys[1], facts["columns"]) if keys else ():
        if facts["columns"][column]["type"] == "text" and column in mapping.names:
            raw = next(made.conversion.sql for made in mapping.columns if made.name == column)
            why = f"{column}: more than {INDEXED:,} bytes, which its index cannot hold"
            rule = Rule(f"{column}_indexed", (column,), f"octet_length({raw}) > {INDEXED}", why)
            if rule not in mapping.rules:
                mapping.rules.append(rule)


def _unique(
    mapping: Mapping,
    name: str,
    expression: str,
    facts: dict[str, Any],
    found: Inspection,
    sentences: dict[str, str],
    *,
    nulls_distinct: bool = True,
) -> None:
    columns = _columns_in(expression, facts["columns"])
    if not set(columns) <= set(mapping.names) or "id" in columns:
        return
    there = found.catalog["tables"].get(mapping.table, {})
    sound = [index for index in there.get("indexes", {}).values() if index.get("unique") and not index.get("invalid")]
    if f"USING btree ({expression})" in [index["definition"] for index in sound]:
        return
    # Of accounts that differ by the case of the email alone, the one that was used last stays.
    order = '"lastLogin" DESC NULLS LAST, "createdAt" DESC, id' if mapping.table == "users" else '"createdAt", id'
    mapping.uniques.append(
        Unique(name, columns, expression, order, sentences.get(name, f"breaks {name}"), nulls_distinct)
    )


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip().strip('"') for name in names.split(","))


def _columns_in(expression: str, columns: Iterable[str]) -> tuple[str, ...]:
    words = set(re.findall(r'"(\w+)"|\b(\w+)\b', re.sub(r"'[^']*'", "", expression)))
    named = {quoted_name or plain for quoted_name, plain in words}
    return tuple(name for name in columns if name in named)


def _sentences(table: str) -> dict[str, str]:
    """Constraint -> its sentence for people."""
    for model in apps.get_models():
        if model._meta.db_table == table:
            return {
                constraint.name: str(constraint.violation_error_message).rstrip(".")
                for constraint in model._meta.constraints
                if getattr(constraint, "violation_error_message", None)
                and constraint.violation_error_message != constraint.default_violation_error_message
            }
    return {}


def _allergies(there: dict[str, str], relation: Relation, made: Made) -> Special:
    if "active" not in there:
        return Special()
    both = 't."isActive" AND coalesce(t.active, true)'
    return Special(columns={"isActive": Conversion(f"({both})", f"({both})", how="true where active was as well")})


def _users(there: dict[str, str], relation: Relation, made: Made) -> Special:
    is_admin = "(t.role::text = 'ADMIN')"
    return Special(
        columns={
            "isStaff": Conversion("true", "true", how="set, so that everybody signs in as before"),
            "isSuperuser": Conversion(is_admin, is_admin, how="set for ADMIN; the others have what their role may"),
        }
    )


def _students(there: dict[str, str], relation: Relation, made: Made) -> Special:
    # Nullable there, where a school's student may stand without a district; the school's is the student's.
    district = 'coalesce(t."districtId", school."districtId")'
    return Special(
        source=f'LEFT JOIN {relation("schools")} AS school ON school.id = t."schoolId"',
        columns={"districtId": Conversion(district, district, how="the school's where none was recorded")},
    )


def _medication_logs(there: dict[str, str], relation: Relation, made: Made) -> Special:
    if "updatedAt" in there:
        return Special()
    return Special(columns={"updatedAt": Conversion('t."createdAt"', 't."createdAt"', how="as createdAt")})


def _settings(there: dict[str, str], relation: Relation, made: Made) -> Special:
    source, columns = settings_columns(there)
    rules = []
    if "scope" in there:
        places = " OR ".join(
            f"EXISTS (SELECT FROM {relation(table)} AS place WHERE t.scope::text = {literal(scope)}"
            ' AND place.id::text = lower(t."scopeId"::text))'
            for scope, table in PLACES.items()
        )
        rules = [
            Rule(
                "system_configurations_scope_check",
                ("scope", "scopeId"),
                """(t.scope::text = 'SYSTEM') <> (t."scopeId" IS NULL)""",
                "Scope: SYSTEM stands alone, every other scope names its id",
            ),
            Rule(
                "system_configurations_place",
                ("scope", "scopeId"),
                f"(t.scope::text <> 'SYSTEM' AND NOT ({places}))",
                "scopeId: no such district, school or user",
            ),
        ]
    return Special(source, columns, rules)


def _history(there: dict[str, str], relation: Relation, made: Made) -> Special:
    settings = made.get(SETTINGS)
    if settings is None:
        return Special(columns=history_columns(there, set()), source="LEFT JOIN (SELECT NULL) AS setting ON false")
    source = f'LEFT JOIN {settings.converted()} AS setting ON setting.id = t."configurationId"'
    return Special(source, history_columns(there, set(settings.names)))


# Columns there without which the expressions here mean nothing.
READ = {
    "schools": ("id", "districtId"),
    "users": ("id", "email", "password", "role", "createdAt"),
    "students": ("id", "schoolId", "districtId"),
    "medication_logs": ("id", "createdAt"),
    SETTINGS: ("id", "key", "value", "createdAt"),
    HISTORY: ("id", "configurationId", "configKey", "newValue", "changedBy", "createdAt"),
}
SPECIAL: dict[str, Callable[[dict[str, str], Relation, Made], Special]] = {
    "allergies": _allergies,
    "users": _users,
    "students": _students,
    "medication_logs": _medication_logs,
    SETTINGS: _settings,
    HISTORY: _history,
}
