"""What becomes of settings and their history.

A setting's own value wins over the seeded one; what it does not say (its type where it says only STRING, its bounds)
comes from its rules, then from the seed. Its history comes along, marked as the predecessor's.
"""

from importlib import import_module

from configuration.enums import ConfigValueType
from configuration.models.history import PREDECESSOR
from whitecross.adoption.conversions import UUID, Conversion, Rule, guarded
from whitecross.adoption.sql import literal, quoted

# The predecessor's words for a type, in a setting's validationRules, and the value type that each means.
TYPES = {
    "number": "NUMBER",
    "integer": "NUMBER",
    "boolean": "BOOLEAN",
    "string": "STRING",
    "email": "EMAIL",
    "url": "URL",
    "json": "JSON",
    "object": "JSON",
    "array": "ARRAY",
    "date": "DATE",
    "time": "TIME",
    "datetime": "DATETIME",
    "color": "COLOR",
}
# The seeded settings, as a FROM: (key, value, category, value_type, min_value, max_value, rules, ...) AS seeded.
SEEDED: str = import_module("configuration.migrations.0003_seed_settings").SETTINGS
# Of a setting, what a version of it keeps as well; and what a version has whose setting is not there any more.
SNAPSHOT = (
    "scope",
    "scopeId",
    "valueType",
    "defaultValue",
    "minValue",
    "maxValue",
    "validValues",
    "validationRules",
    "category",
    "subCategory",
    "displayName",
    "description",
    "tags",
    "sortOrder",
    "isActive",
    "isEditable",
    "requiresRestart",
)
DEFAULTS = {
    "scope": "'SYSTEM'",
    "category": "'GENERAL'",
    "valueType": "'STRING'",
    "sortOrder": "0",
    "isActive": "true",
    "isEditable": "true",
    "requiresRestart": "false",
}


def settings_columns(there: dict[str, str]) -> tuple[str, dict[str, Conversion]]:
    """The rest of the FROM, and the columns of system_configurations that are not simply carried over."""
    said = ["""coalesce(t."valueType"::text, 'STRING')"""] if "valueType" in there else []
    whatever = 't."validationRules"' if "validationRules" in there else "NULL::jsonb"
    rules = f"(CASE jsonb_typeof({whatever}) WHEN 'object' THEN {whatever} END)"
    words = " ".join(f"WHEN {literal(word)} THEN {literal(type_)}" for word, type_ in TYPES.items())
    by_rules = f"""coalesce(CASE lower({rules} ->> 'type') {words} END, 'STRING')"""
    value_type = "coalesce(seeded.value_type, " + (
        f"nullif({said[0]}, 'STRING'), {by_rules})" if said else f"{by_rules})"
    )
    columns = {
        "valueType": _labelled(value_type),
        "validationRules": _same(
            f"""CASE WHEN {rules} IS NULL AND {whatever} <> 'null' THEN {whatever}
                ELSE nullif(coalesce(seeded.rules::jsonb, '{{}}') || coalesce({rules} - 'type', '{{}}'), '{{}}') END""",
            "without the type, beside the seeded rules",
        ),
        "minValue": _same(_bound("min", there, value_type, rules), "from the rules, or as seeded"),
        "maxValue": _same(_bound("max", there, value_type, rules), "from the rules, or as seeded"),
        # What the code that reads the twelve takes where nothing is set; the predecessor's own was never judged.
        "defaultValue": _same(
            """CASE WHEN seeded.key IS NULL THEN t."defaultValue" ELSE seeded.value END"""
            if "defaultValue" in there
            else "seeded.value",
            "as seeded, for the twelve settings",
        ),
        "displayName": _same(_or_seeded("displayName", "seeded.display_name", there)),
        "description": _same(_or_seeded("description", "seeded.description", there)),
    }
    for name in ("tags", "validValues"):
        if name in there:
            columns[name] = _same(f"array_remove(t.{quoted(name)}, NULL)", "without those that are missing")
    if "sortOrder" not in there:
        columns["sortOrder"] = _same("coalesce(seeded.sort_order, 0)")
    columns["minValue"] = _as_float(columns["minValue"])
    columns["maxValue"] = _as_float(columns["maxValue"])
    return f"LEFT JOIN {SEEDED.strip()} ON seeded.key = t.key", columns


def _same(sql: str, how: str | None = None) -> Conversion:
    return Conversion(f"({sql})", f"({sql})", how=how)


def _labelled(value_type: str) -> Conversion:
    """The type, where it is one of ours: somebody may have added a label to the predecessor's."""
    known = ", ".join(literal(str(label)) for label in ConfigValueType)
    why = "valueType: none of the labels of ConfigValueType"
    rule = Rule("valueType_label", ("valueType",), f"({value_type} NOT IN ({known}))", why)
    made = f"({guarded(value_type, (rule,))})"
    return Conversion(made, made, rules=(rule,), how="from the rules, or as seeded, where it was STRING only")


def _as_float(made: Conversion) -> Conversion:
    return Conversion(f"{made.sql}::float8", f"{made.there}::float8", how=made.how)


def _or_seeded(name: str, seeded: str, there: dict[str, str]) -> str:
    return f"coalesce(t.{quoted(name)}, {seeded})" if name in there else seeded


def _bound(rule: str, there: dict[str, str], value_type: str, rules: str) -> str:
    """A bound: the column's, else the rule's, else the seeded one, which a rule of the setting's own replaces."""
    own = f"t.{quoted(f'{rule}Value')}" if f"{rule}Value" in there else "NULL::float8"
    number = f"({rules} ->> '{rule}')::numeric"
    # No float is as large or as small as a number in JSON may be. The rule itself stays, exact, and is judged.
    by_rule = f"""CASE jsonb_typeof({rules} -> '{rule}') WHEN 'number' THEN
        CASE WHEN abs({number}) < 1e-307 THEN 0 WHEN abs({number}) < 1e308 THEN {number}::float8 END END"""
    return f"CASE {value_type} WHEN 'NUMBER' THEN coalesce({own}, {by_rule}, seeded.{rule}_value) ELSE {own} END"


def history_columns(there: dict[str, str], setting: set[str]) -> dict[str, Conversion]:
    """The columns of configuration_history that are not simply carried over.

    The snapshot that a version here has, and the predecessor's had not, is what the setting is now: the row `setting`,
    of which these columns are there.
    """
    is_uuid = f"(t.id ~ {literal(UUID)})"
    derived = "encode(substr(sha256(convert_to('configuration_history ' || t.id, 'UTF8')), 1, 16), 'hex')::uuid"
    is_author = f"""(t."changedBy" ~ {literal(UUID)})"""
    author = f"""(CASE WHEN {is_author} THEN t."changedBy"::uuid END)"""
    said = 't."changedByName"' if "changedByName" in there else "NULL::text"
    # Who is known by another word than a name is known by both.
    both = f"""nullif({said}, t."changedBy") || ' (' || t."changedBy" || ')'"""
    named = f"""(CASE WHEN {is_author} THEN {said} ELSE coalesce({both}, t."changedBy", {said}) END)"""
    columns = {
        "changedBy": Conversion(author, author, how="text to uuid; what is none goes to changedByName"),
        "changedByName": Conversion(named, named),
        "historyType": _same(
            """CASE WHEN t."oldValue" IS NULL THEN '+' ELSE '~' END""" if "oldValue" in there else "'~'",
            "+ where there was no old value",
        ),
        "databaseRole": _same(literal(PREDECESSOR), f"{PREDECESSOR}, which marks where the row comes from"),
        "configurationCreatedAt": _same('coalesce(setting."createdAt", t."createdAt")'),
        "configurationUpdatedAt": _same('t."createdAt"'),
        "lastModifiedBy": Conversion(author, author),
    }
    for name in SNAPSHOT:
        now, otherwise = f"setting.{quoted(name)}", DEFAULTS.get(name)
        if name in setting:
            columns[name] = _same(f"coalesce({now}, {otherwise})" if otherwise else now)
        elif otherwise:
            columns[name] = _same(otherwise)
    if there.get("id") != "uuid":
        either = f"(CASE WHEN {is_uuid} THEN t.id::uuid ELSE {derived} END)"
        columns["id"] = Conversion(
            either,
            f"CASE WHEN {is_uuid} THEN lower(t.id) ELSE {derived}::text END",
            "{}::text",
            how="text to uuid; one that is none gives a uuid derived from it",
        )
    if there.get("changedBy") == "uuid":
        columns["changedBy"] = columns["lastModifiedBy"] = Conversion('t."changedBy"', 't."changedBy"')
        del columns["changedByName"]
    return columns
