"""What upgrade looks at before it changes anything. Reads only, but for the scratch database that drift needs."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from core.schema.verify import verify
from whitecross.adoption.reporting import size
from whitecross.deployment.backups import BackupError, free_space_needed
from whitecross.deployment.backups.connecting import refuse_a_pooler
from whitecross.deployment.checking import Finding, Look, Outcome, found, look_at
from whitecross.deployment.executor import DeploymentExecutor
from whitecross.deployment.holders import holders
from whitecross.deployment.losing import is_reversible, reverse_sentence
from whitecross.deployment.planning import PlannedMigration, planned
from whitecross.deployment.record import Plan, plan_hash, plan_names
from whitecross.deployment.reference import NoScratchError, applied_in_order, drift
from whitecross.deployment.version import code_version
from whitecross.deployment.watch import AT_WORK
from whitecross.postgres.connecting import connect

OLD_TRANSACTION_S = 60
LAG_S, LAG_BYTES = 30, 1 << 30
KEPT_FREE = 1 << 30  # bytes that a disk should have left besides


class Preflight:
    """A look at a database before an upgrade. `findings`, and the pending `plan` with its locks."""

    def __init__(self, alias: str, folder: Path | None, *, backs_up: bool, allows_drift: bool = False) -> None:
        self.alias, self.connection = alias, connections[alias]
        self._folder = folder or Path(settings.WHITECROSS_BACKUP_DIR)
        self._backs_up, self._allows_drift = backs_up, allows_drift
        self.plan: Plan = []
        self.planned: list[PlannedMigration] = []
        self.findings: list[Finding] = []
        self.is_unsure = False  # another run was at work, so that drift could not be told from what that did

    def look(self) -> None:
        """Look at everything, in an order in which each thing can rely on those before."""
        looks: dict[str, Look] = {
            "version": self._version,
            "connection": self._connection,
            "static files": self._static_files,
            "predecessor": self._predecessor,
            "plan": self._pending,
            "privileges": self._privileges,
            "disk space": self._disk,
            "replicas": self._replicas,
            "other runs": self._other_runs,
            "blockers": self._blockers,
            "drift": self._drift,
        }
        self.findings = look_at(looks)

    def look_again(self, plan: Plan) -> None:
        """Another run has ended, and has left this plan: look at what it changed. The caller keeps others out."""
        self.plan, self.is_unsure, self._is_alone = plan, False, True
        self.findings = [finding for finding in self.findings if finding.name != "drift"]
        self.findings += look_at({"drift": self._drift})

    @property
    def names(self) -> list[str]:
        """The plan as the record names it."""
        return plan_names(self.plan)

    @property
    def hash(self) -> str:
        """The plan's hash, as the record keeps it."""
        return plan_hash(self.names)

    def _version(self) -> Iterator[Finding]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version'), pg_is_in_recovery()")
            server, is_standby = cursor.fetchone()
        said = f"White Cross {code_version()}, PostgreSQL {server.split()[0]}, {settings.ENVIRONMENT}"
        if is_standby:
            yield found("version", f"{said}: a standby. Point DATABASE_URL to the primary server.", Outcome.REFUSED)
        else:
            yield found("version", said)

    def _connection(self) -> Iterator[Finding]:
        try:
            refuse_a_pooler(self.connection)
        except BackupError as error:
            yield found("connection", str(error), Outcome.REFUSED)

    def _static_files(self) -> Iterator[Finding]:
        """In production a page fails whose files' hashed names are not known."""
        if settings.PRODUCTION and not (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
            yield found(
                "static files",
                f"They are not collected in {settings.STATIC_ROOT}: python manage.py collectstatic --no-input",
                Outcome.REFUSED,
            )

    def _predecessor(self) -> Iterator[Finding]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('\"SequelizeMeta\"') IS NOT NULL")
            if cursor.fetchone()[0]:
                yield found(
                    "predecessor",
                    "The predecessor's tables are here: python manage.py adopt --plan (docs/adoption.md).",
                    Outcome.REFUSED,
                )

    def _pending(self) -> Finding:
        executor = DeploymentExecutor(self.connection)
        unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
        if unknown:
            return found(
                "plan",
                f"{'.'.join(unknown[0])} is applied, but not in this code: deploy the release that has it.",
                Outcome.REFUSED,
            )
        self.plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        self.planned = planned(self.connection, self.plan)
        if not self.plan:
            return found("plan", "nothing to migrate")
        long = [one.name for one in self.planned if one.is_long]
        said = f"{len(self.plan)} migration{'s' if len(self.plan) != 1 else ''} to apply"
        if long:
            return found(
                "plan",
                f"{said}; {', '.join(long)} may work under locks for longer than others can wait: a quiet hour, or "
                "--allow-long-locks with the application stopped.",
                Outcome.WARNING,
            )
        return found("plan", said)

    def _privileges(self) -> Iterator[Finding]:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE'),"
                " ARRAY(SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace ="
                " current_schema()::regnamespace AND NOT pg_has_role(relowner, 'USAGE') ORDER BY 1)"
            )
            user, schema, may_create, of_others = cursor.fetchone()
        if not may_create:
            yield found(
                "privileges", f"{user} may not make tables: GRANT CREATE ON SCHEMA {schema} TO {user}.", Outcome.REFUSED
            )
        elif of_others:
            yield found(
                "privileges",
                f"{user} does not own {len(of_others)} tables, the first {of_others[0]}: make it a member of their "
                "owner, or migrate as that.",
                Outcome.REFUSED,
            )
        else:
            yield found("privileges", f"{user} owns every table and may make new ones")

    def _disk(self) -> Iterator[Finding]:
        if not self._backs_up:
            yield found("disk space", "no backup is asked for (--no-backup)", Outcome.WARNING)
            return
        there = self._folder.absolute()
        while not there.exists():
            there = there.parent
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield found(
                "disk space",
                f"No backup can be written to {self._folder}, as {there} "
                f"{'cannot be written to' if there.is_dir() else 'is no folder'}: name another --backup-folder.",
                Outcome.REFUSED,
            )
            return
        try:
            needed = free_space_needed(self.alias)
        except BackupError as error:
            yield found("disk space", str(error), Outcome.REFUSED)
            return
        free = shutil.disk_usage(there).free
        said = f"{size(free)} free for a backup of about {size(needed)} in {self._folder}"
        if free < needed:
            yield found("disk space", f"{said}: free some, or name another --backup-folder.", Outcome.REFUSED)
        elif free < needed + KEPT_FREE:
            yield found("disk space", f"{said}: little is left then.", Outcome.WARNING)
        else:
            yield found("disk space", said)

    def _replicas(self) -> Iterator[Finding]:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(nullif(application_name, ''), '?'),"
                " CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) END,"
                " extract(epoch FROM replay_lag) FROM pg_stat_replication ORDER BY 1"
            )
            replicas = cursor.fetchall()
        if not replicas:
            yield found("replicas", "none is connected")
        for name, bytes_, lag in replicas:
            if bytes_ is None:
                yield found("replicas", f"{name}: its lag cannot be seen without pg_monitor", Outcome.WARNING)
            elif (lag or 0) > LAG_S or bytes_ > LAG_BYTES:
                yield found(
                    "replicas",
                    f"{name} lags by {float(lag or 0):.0f} s and {size(int(bytes_))}: let it catch up first.",
                    Outcome.WARNING,
                )
            else:
                yield found("replicas", f"{name} keeps up")

    def _other_runs(self) -> Iterator[Finding]:
        with connect(self.alias) as server:
            pids = server.execute(AT_WORK).fetchall()
            for other in holders(server, [pid for (pid,) in pids]):
                yield found("other runs", f"{other} is changing the schema: this run waits for it.", Outcome.WARNING)
        if not pids:
            yield found("other runs", "none")

    def _blockers(self) -> Iterator[Finding]:
        tables = sorted({lock.table for one in self.planned for lock in one.locks if lock.table})
        with connect(self.alias) as server:
            pids = server.execute(
                "SELECT DISTINCT a.pid FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND l.granted"
                " LEFT JOIN pg_class c ON c.oid = l.relation"
                " WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
                " AND a.backend_type = 'client backend'"
                " AND a.xact_start < clock_timestamp() - make_interval(secs => %s)"
                " AND (c.relname = ANY(%s) OR %s)",
                # An index that is built concurrently waits for every transaction that is older.
                [OLD_TRANSACTION_S, tables, any(not one.migration.atomic for one in self.planned)],
            ).fetchall()
            named = holders(server, [pid for (pid,) in pids])
            prepared = server.execute(
                "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared"
            ).fetchall()
        for holder in named:
            yield found("blockers", f"{holder} would hold the migration up: let it end first.", Outcome.WARNING)
        for (gid,) in prepared:
            yield found("blockers", f"the prepared transaction {gid} holds its locks for ever", Outcome.WARNING)
        if not named and not prepared:
            yield found("blockers", f"no transaction older than {OLD_TRANSACTION_S} s is in the way")

    def _drift(self) -> Iterator[Finding]:
        applied = set(applied_in_order(self.connection))
        if not applied & set(MigrationLoader(None).disk_migrations):
            yield found("drift", "nothing is migrated here yet")
            return
        try:
            differences = drift(self.alias, applied) if self.plan else verify(self.alias).differences
        except NoScratchError as error:
            yield found("drift", str(error), Outcome.WARNING)
            return
        if differences and self._others_migrate(applied):
            self.is_unsure = True
            yield found("drift", "another run is changing the schema: looked at when that has ended", Outcome.WARNING)
        elif differences:
            yield found(
                "drift",
                f"The schema differs in {len(differences)} place{'s' if len(differences) != 1 else ''} from what its "
                f"migrations made, the first: {differences[0]} Mend them, or say --allow-drift.",
                Outcome.WARNING if self._allows_drift else Outcome.REFUSED,
            )
        else:
            yield found("drift", "none: the schema is as its migrations made it")

    def _others_migrate(self, applied: set[tuple[str, str]]) -> bool:
        if self._is_alone:
            return False
        with connect(self.alias) as server:
            at_work = server.execute(AT_WORK).fetchone()
        return at_work is not None or set(applied_in_order(self.connection)) != applied

    _is_alone = False

    def plan_as_json(self) -> list[dict[str, object]]:
        """The pending migrations with their locks, and what each reverse loses."""
        return [
            {
                "migration": one.name,
                "locks": [
                    {"mode": lock.mode.value, "table": lock.table or None, "long": lock.is_long, "why": lock.why}
                    for lock in one.locks
                ],
                "foreseen": one.is_foreseen,
                "atomic": one.migration.atomic,
                "reversible": is_reversible(one.migration),
                "reverseLoses": reverse_sentence(one.migration) or None,
            }
            for one in self.planned
        ]
