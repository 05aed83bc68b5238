"""The check: which migrations there are, which of them are released, and what the rules say of the others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from core.schema.history import in_order
from whitecross.deployment.law import released
from whitecross.deployment.law.effects import collect, judge_effects
from whitecross.deployment.law.operations import judge_operations
from whitecross.deployment.law.released import Key
from whitecross.deployment.law.rules import ROOT, Finding
from whitecross.deployment.law.running import Running, running, state_of
from whitecross.deployment.law.source import Source, judge_source
from whitecross.deployment.law.squawk import executable, judge_sql


@dataclass
class Checked:
    """What a check has found, and of which migrations."""

    findings: list[Finding] = field(default_factory=list)
    sources: dict[Key, Source] = field(default_factory=dict)
    unreleased: list[Key] = field(default_factory=list)
    sql: dict[Key, str] = field(default_factory=dict)  # of the unreleased ones

    @property
    def refusals(self) -> list[Finding]:
        """What stops a check."""
        return [finding for finding in self.findings if not finding.warns]


def check(
    *,
    known: Mapping[Key, str] | None = None,
    loader: MigrationLoader | None = None,
    sources: Mapping[Key, Source] | None = None,
    alias: str = DEFAULT_DB_ALIAS,
    asks_squawk: bool = True,
) -> Checked:
    """Judge the migrations. `known`: the released ones with their hashes.

    The database is asked for its version alone, and that only where there is SQL to be written. squawk is asked where
    it is installed. Raises SquawkError.
    """
    known = released.read() if known is None else known
    loader = loader or MigrationLoader(None)
    found = Checked(sources=dict(our_sources(loader) if sources is None else sources))
    found.findings += released.compare(found.sources, known)
    order = in_order(loader)
    found.unreleased = [key for key in order if key in found.sources and key not in known]
    if not found.unreleased:
        return found
    later = set(found.unreleased)
    for key in order:
        if any(parent.key in later for parent in loader.graph.node_map[key].parents):
            later.add(key)
    state = state_of(loader, [key for key in order if key not in later])
    now = running(state)
    for key in order:
        if key in found.unreleased:
            state = _judge(found, key, loader, state, now, alias=alias, asks_squawk=asks_squawk)
        elif key in later:  # of a package, after one of ours
            state = loader.graph.nodes[key].mutate_state(state, preserve=False)
    return found


def _judge(
    found: Checked,
    key: Key,
    loader: MigrationLoader,
    state: ProjectState,
    now: Running,
    *,
    alias: str,
    asks_squawk: bool,
) -> ProjectState:
    source, migration = found.sources[key], loader.graph.nodes[key]
    found.findings += judge_source(source)
    found.findings += judge_operations(source, migration)
    collected = collect(migration, state, alias)
    found.findings += judge_effects(source, collected, now)
    found.sql[key] = collected.sql
    if asks_squawk and executable():
        found.findings += judge_sql(source, collected, in_transaction=migration.atomic)
    return collected.after


def our_sources(loader: MigrationLoader) -> Iterator[tuple[Key, Source]]:
    """The files of the migrations of apps whose code is in this project."""
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).is_relative_to(ROOT)}
    for app, name in sorted(loader.disk_migrations):
        if app in ours and (path := _file_of(loader, app, name)) is not None:
            yield (app, name), Source(app, name, path)


def _file_of(loader: MigrationLoader, app: str, name: str) -> Path | None:
    module = loader.disk_migrations[app, name].__module__
    spec = find_spec(module)
    path = Path(spec.origin) if spec and spec.origin else None
    # A virtual environment may lie in the project's folder.
    return None if path is None or "site-packages" in path.parts else path
