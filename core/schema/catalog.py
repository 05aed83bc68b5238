"""The shape in which the package holds a schema: plain data that JSON can hold.

It is the same on PostgreSQL 15, 17 and 18 for the same schema, whatever the schema's name. A fact that is as usual is
left out, which keeps the snapshot short: a column without `null` is NOT NULL, an index without `invalid` is valid.

    {"tables": {name: {"facts": {...}, "columns": {name: {...}}, "constraints": ..., "indexes": ..., "triggers": ...,
                       "rules": ..., "policies": ...}},
     "enums": {name: [label, ...]},
     "functions": {signature: [line of its definition, ...]},
     "sequences": {name: {"type": ..., "owner": "table.column"}}}

Left out on purpose: the order of columns, comments, owners, privileges, tablespaces, statistics targets and whatever
belongs to an extension.
"""

from typing import Any

Facts = dict[str, Any]
Catalog = dict[str, Any]

# What a table holds, by kind of object, in the order in which to mend it.
MEMBERS = ("columns", "constraints", "indexes", "triggers", "rules", "policies")


def count(catalog: Catalog) -> dict[str, int]:
    """How many objects of each kind there are."""
    tables = catalog["tables"].values()
    return {
        "tables": len(catalog["tables"]),
        "columns": sum(len(table.get("columns", {})) for table in tables),
        "enum types": len(catalog["enums"]),
        "constraints": sum(len(table.get("constraints", {})) for table in tables),
        "indexes": sum(len(table.get("indexes", {})) for table in tables),
        "triggers": sum(len(table.get("triggers", {})) for table in tables),
        "functions": len(catalog["functions"]),
    }
