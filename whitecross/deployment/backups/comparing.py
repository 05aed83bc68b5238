"""In what a restored database, or one that was changed during its backup, is not as it was."""

from django.db.backends.base.base import BaseDatabaseWrapper

from core.schema.catalog import Catalog
from core.schema.compare import compare
from whitecross.deployment.backups.contents import Contents, Sequence, catalog_of
from whitecross.deployment.backups.objects import also_differs

NAMED_AT_MOST = 5
NOUNS = {"tables": "table", "enums": "enum type", "functions": "function", "sequences": "sequence"}


def schema_differences(wanted: Contents, connection: BaseDatabaseWrapper) -> list[str]:
    """In what the schema is not as it was: some words for each of the first few. Empty where a backup does not say."""
    if wanted.catalog is None:
        return []
    return catalog_differences(wanted.catalog, catalog_of(connection, wanted.schema))


def catalog_differences(wanted: Catalog, found: Catalog) -> list[str]:
    """Which objects are missing, others, or there and should not be; the first few."""
    nothing: Catalog = {group: {} for group in NOUNS}
    wanted, found = {**nothing, **wanted}, {**nothing, **found}
    said = [f"{one.kind}: {one.object}" for one in compare(wanted, found).differences]
    for group, noun in NOUNS.items():
        said += [f"{noun} {name} is there and should not be" for name in sorted(found[group].keys() - wanted[group])]
    said = list(dict.fromkeys(said))  # several facts of one object
    more = len(said) - NAMED_AT_MOST
    return said if more <= 0 else [*said[:NAMED_AT_MOST], f"and {more} more in the schema"]


def object_differences(
    wanted: Contents, found: Contents, *, owner: bool = False, privileges: bool = False
) -> list[str]:
    """Which kinds of object are not as they were. Empty where a backup does not say."""
    if wanted.also is None or found.also is None:
        return []
    return also_differs(wanted.also, found.also, owner=owner, privileges=privileges)


def row_differences(wanted: Contents, found: Contents) -> list[str]:
    """Which tables and sequences are not as they were."""
    said = []
    for name in sorted(wanted.tables.keys() | found.tables.keys()):
        here, there = found.tables.get(name), wanted.tables.get(name)
        if here is None or there is None:
            said.append(f"table {name} is {'missing' if here is None else 'there and should not be'}")
        elif here[0] != there[0]:
            said.append(f"table {name} has {here[0]:,} rows instead of {there[0]:,}")
        elif here != there:
            said.append(f"table {name} has other values in its {here[0]:,} rows")
    for name in sorted(wanted.sequences.keys() | found.sequences.keys()):
        if name not in found.sequences or name not in wanted.sequences:
            said.append(f"sequence {name} is {'there and should not be' if name in found.sequences else 'missing'}")
        elif is_behind(found.sequences[name], wanted.sequences[name]):
            said.append(f"sequence {name} is behind")
    return said


def is_behind(found: Sequence, wanted: Sequence) -> bool:
    """A sequence knows no snapshot: between the manifest and the dump it may have gone on."""
    if wanted.reached is None:
        return False
    if found.reached is None:
        return True
    return found.reached < wanted.reached if wanted.up else found.reached > wanted.reached
