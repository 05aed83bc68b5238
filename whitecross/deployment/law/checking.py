"""The check: which migrations there are, which of them are released, and what the rules say of the others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from whitecross.deployment.law import released
from whitecross.deployment.law.effects import judge_effects
from whitecross.deployment.law.errors import LawError, said
from whitecross.deployment.law.history import history
from whitecross.deployment.law.operations import judge_operations
from whitecross.deployment.law.python import judge_python
from whitecross.deployment.law.release import Release
from whitecross.deployment.law.released import Key
from whitecross.deployment.law.rules import ROOT, Finding
from whitecross.deployment.law.running import running
from whitecross.deployment.law.source import Source, judge_source
from whitecross.deployment.law.squawk import executable, judge_sql
from whitecross.deployment.law.steps import collect


@dataclass
class Checked:
    """What a check has found, and of which migrations."""

    findings: list[Finding] = field(default_factory=list)
    sources: dict[Key, Source] = field(default_factory=dict)
    unreleased: list[Key] = field(default_factory=list)
    sql: dict[Key, str] = field(default_factory=dict)  # of the unreleased ones
    asks_squawk: bool = False  # whether squawk is there, and wanted
    lacks_squawk: bool = False  # whether it is wanted and not there

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

    Only where there is SQL to be written, the database is asked, for its version and for what single operations want to
    know; it need not hold a schema, and is not changed. squawk is asked where it is installed. Raises LawError.
    """
    known = released.read() if known is None else known
    loader = loader or read_migrations()
    found = Checked(sources=dict(our_sources(loader) if sources is None else sources))
    found.asks_squawk = asks_squawk and executable() is not None
    found.lacks_squawk = asks_squawk and not found.asks_squawk
    found.findings += released.compare(found.sources, known)
    divided = history(loader, found.sources, known)
    found.findings += divided.findings
    found.unreleased = [key for key in divided.later if key in found.sources]
    if found.unreleased:
        state = ProjectState(real_apps=loader.unmigrated_apps)
        for key in divided.released:
            state = _after(loader, key, state)
        release = Release(running(state))
        for key in divided.later:
            # The others are of packages, after one of ours.
            is_ours = key in found.sources
            state = _judge(found, key, loader, state, release, alias) if is_ours else _after(loader, key, state)
        found.findings += release.finish()
    found.findings = list(dict.fromkeys(found.findings))
    return found


def read_migrations() -> MigrationLoader:
    """The migrations on disk. Raises LawError that names the file at fault."""
    try:
        return MigrationLoader(None)
    except Exception as error:  # whatever a file may raise while it is imported
        raise LawError(f"The migrations cannot be read: {_culprit(error)}{said(error)}.") from error


def _culprit(error: BaseException) -> str:
    """The file of the migration that was being imported."""
    place, trace = "", error.__traceback__
    while trace:
        code, module = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__"))
        if ".migrations." in module and not module.startswith("django.db."):
            place = code.co_filename
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        place = error.filename or place
    path = Path(place)
    return f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: " if place else ""


def _after(loader: MigrationLoader, key: Key, state: ProjectState) -> ProjectState:
    try:
        after: ProjectState = loader.graph.nodes[key].mutate_state(state, preserve=False)
    except Exception as error:
        raise LawError(f"{'.'.join(key)} cannot be judged: {said(error)}.") from error
    return after


def _judge(
    found: Checked, key: Key, loader: MigrationLoader, state: ProjectState, release: Release, alias: str
) -> ProjectState:
    source, migration = found.sources[key], loader.graph.nodes[key]
    try:
        found.findings += judge_source(source)
        found.findings += judge_python(source)
        found.findings += judge_operations(source, migration)
        collected = collect(migration, state, alias)
        found.findings += judge_effects(source, collected, release)
    except (LawError, DatabaseError):
        raise
    except Exception as error:
        raise LawError(f"{source.label} cannot be judged: {said(error)}.") from error
    found.sql[key] = collected.sql
    if found.asks_squawk:
        found.findings += judge_sql(source, collected, release)
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
