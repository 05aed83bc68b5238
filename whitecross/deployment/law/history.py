"""Which migrations stand before which, and what may stand before a released one."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from django.db.migrations.loader import MigrationLoader

from core.schema.history import in_order
from whitecross.deployment.law.errors import LawError, said
from whitecross.deployment.law.released import Key
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.source import Source


@dataclass
class History:
    """The migrations in the order in which they are carried out, in two parts."""

    released: list[Key] = field(default_factory=list)  # with those of packages that ours do not come before
    later: list[Key] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def history(loader: MigrationLoader, sources: Mapping[Key, Source], known: Collection[Key]) -> History:
    """Divide them: what is in use is what all released ones lead to, whatever now stands before them.

    Raises LawError where their order cannot be told.
    """
    found = History()
    squashes = [key for key, one in loader.disk_migrations.items() if key not in known and _replaces(one, known)]
    for key in squashes:
        source = sources.get(key)
        found.findings.append(_refuse(source, key, "it stands in the place of released ones (replaces)"))
    if squashes:
        if not loader.disk_migrations.keys() >= set(known):
            return found
        try:
            loader.replace_migrations = False  # type: ignore[attr-defined]
            loader.build_graph()
        except Exception as error:
            raise LawError(f"The migrations cannot be put in order: {said(error)}.") from error
    order = [key for key in in_order(loader) if key not in squashes]
    released = set(known) | set(_recorded_by_others(loader, known))
    later = {key for key in order if key in sources and key not in released}
    for key in order:
        if key not in sources and any(parent.key in later for parent in loader.graph.node_map[key].parents):
            later.add(key)
    found.released = [key for key in order if key not in later]
    found.later = [key for key in order if key in later]
    before = {node for key in known if key in loader.graph.nodes for node in loader.graph.forwards_plan(key)}
    for key in order:
        if key in sources and key not in known and key in before:
            found.findings.append(_before(sources[key], key, released))
    return found


def _replaces(migration: object, known: Collection[Key]) -> bool:
    return any(tuple(key) in known for key in getattr(migration, "replaces", ()))


def _before(source: Source, key: Key, released: Collection[Key]) -> Finding:
    if key in released:
        return source.find("M06", 1, "released ones build on it, and released.json has no entry of it any more")
    return _refuse(source, key, "it stands before a released one (run_before)")


def _refuse(source: Source | None, key: Key, what: str) -> Finding:
    return source.find("M19", source.line_of_class(), what) if source else Finding("M19", ".".join(key), None, 0, what)


def _recorded_by_others(loader: MigrationLoader, known: Collection[Key]) -> Iterator[Key]:
    """The migrations that the files of the released ones name before themselves: they were there already."""
    seen, waiting = set[Key](), [key for key in known if key in loader.disk_migrations]
    while waiting:
        for app, name in loader.disk_migrations[waiting.pop()].dependencies:
            key = (app, name)
            if name == "__first__" and app in loader.migrated_apps:
                key = loader.graph.root_nodes(app)[0]
            if key in loader.disk_migrations and key not in seen:
                seen.add(key)
                waiting.append(key)
    yield from seen
