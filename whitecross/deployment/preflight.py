"""What upgrade looks at before it changes anything. Reads only, but for the scratch database that drift needs."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import Error, connections
from django.db.migrations.loader import MigrationLoader

from core.schema.verify import verify
from whitecross.adoption.reporting import size
from whitecross.deployment.backups import BackupError, free_space_needed
from whitecross.deployment.backups.connecting import refuse_a_pooler
from whitecross.deployment.backups.programs import fitting
from whitecross.deployment.backups.sealing import recipients
from whitecross.deployment.checking import Finding, Look, Outcome, Told, ended, found, look_at, refusals
from whitecross.deployment.executor import DeploymentExecutor
from whitecross.deployment.failures import sentence
from whitecross.deployment.holders import holders
from whitecross.deployment.losing import is_reversible, reverse_sentence
from whitecross.deployment.planning import PlannedMigration, planned
from whitecross.deployment.record import Plan, plan_hash, plan_names
from whitecross.deployment.reference import NoScratchError, applied_in_order, drift
from whitecross.deployment.static_files import missing_static_files
from whitecross.deployment.version import code_version
from whitecross.deployment.watch import AT_WORK
from whitecross.postgres.connecting import connect

OLD_TRANSACTION_S = 60
LAG_S, LAG_BYTES = 30, 1 << 30
KEPT_FREE = 1 << 30  # bytes that a disk should have left besides
LOOK_S = 5  # for so long a look waits for a lock
HOLDING_READERS_UP = """
SELECT DISTINCT pid FROM pg_locks
WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Not what belongs to an extension: pg_stat_statements is made by a superuser, and no migration touches its views.
OF_OTHERS = """
WITH things (what, owner, class, oid) AS (
    SELECT CASE relkind WHEN 'S' THEN 'the sequence ' WHEN 'v' THEN 'the view ' ELSE 'the table ' END || relname,
           relowner, tableoid, oid
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'the function ' || proname, proowner, tableoid, oid
    FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'the type ' || typname, typowner, tableoid, oid FROM pg_type
    WHERE typtype = 'e' AND typnamespace = current_schema()::regnamespace
)
SELECT what, pg_get_userbyid(owner) FROM things
WHERE NOT pg_has_role(owner, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = things.oid AND d.deptype = 'e')
ORDER BY what NOT LIKE 'the table%', what
"""


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

    def look(self, told: Told = lambda finding: None) -> None:
        """Look at everything, in an order in which each thing can rely on those before, and tell what is found."""
        self.findings = look_at({"connection": self._connection}, told=told)
        if refusals(self.findings):
            return
        looks: dict[str, Look] = {
            "version": self._version,
            "static files": self._static_files,
            "predecessor": self._predecessor,
            "plan": self._pending,
            "privileges": self._privileges,
            "other runs": self._other_runs,
            "blockers": self._blockers,
            "backup": self._backup,
            "disk space": self._disk,
            "replicas": self._replicas,
            "drift": self._drift,
        }
        with self._impatient():
            self.findings += look_at(looks, told=told, why=self._why)

    @contextmanager
    def _impatient(self) -> Iterator[None]:
        """Meanwhile a table that somebody holds is not waited for."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOOK_S}s"])
        try:
            yield
        finally:
            with suppress(Error), self.connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")

    def _why(self, error: Exception) -> str:
        if getattr(error.__cause__, "sqlstate", None) != "55P03":
            return sentence(error)
        with connect(self.alias) as server:
            named = holders(server, [pid for (pid,) in server.execute(HOLDING_READERS_UP).fetchall()])
        who = "; ".join(map(str, named)) or "somebody who has gone by now"
        return f"A table is held, so that nobody can read it, by {who}. Let that end first."

    def look_again(self, plan: Plan) -> None:
        """Another run has ended, and has left this plan: look at what it changed. The caller keeps others out."""
        self.plan, self.is_unsure, self._is_alone = plan, False, True
        self.findings = [finding for finding in self.findings if finding.name != "drift"]
        with self._impatient():
            self.findings += look_at({"drift": self._drift}, why=self._why)

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
            cursor.execute(
                "SELECT current_setting('server_version'), pg_is_in_recovery(),"
                " current_setting('transaction_read_only')::boolean, current_user"
            )
            server, is_standby, reads_only, user = cursor.fetchone()
        said = f"White Cross {code_version()}, PostgreSQL {server.split()[0]}, {settings.ENVIRONMENT}"
        if is_standby:
            yield found("version", f"{said}: a standby. Point DATABASE_URL to the primary server.", Outcome.REFUSED)
        elif reads_only:
            yield found(
                "version",
                f"{said}: {user} may only read here, as default_transaction_read_only is on: reset it for the role and "
                "the database.",
                Outcome.REFUSED,
            )
        else:
            yield found("version", said)

    def _connection(self) -> Iterator[Finding]:
        try:
            refuse_a_pooler(self.connection)
        except BackupError as error:
            yield found("connection", str(error), Outcome.REFUSED)

    def _static_files(self) -> Iterator[Finding]:
        """In production a page fails whose files' hashed names are not known."""
        if settings.PRODUCTION and (missing := missing_static_files()):
            yield found(
                "static files",
                f"{len(missing)} are not collected in {settings.STATIC_ROOT}, the first: {missing[0]}. Collect them by "
                "python manage.py collectstatic --no-input",
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
            cursor.execute("SELECT current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE')")
            user, schema, may_create = cursor.fetchone()
            cursor.execute(OF_OTHERS)
            of_others = cursor.fetchall()
        if of_others:
            what, owner = of_others[0]
            yield found(
                "privileges",
                f"{user} does not own {len(of_others)} things of the schema, the first: {what}, of {owner}. Use the "
                f"DATABASE_URL of {owner}; where that is the wrong one, let it say ALTER ... OWNER TO.",
                Outcome.REFUSED,
            )
        elif not may_create:
            yield found(
                "privileges", f"{user} may not make tables: GRANT CREATE ON SCHEMA {schema} TO {user}", Outcome.REFUSED
            )
        else:
            yield found("privileges", f"{user} owns every table and may make new ones")

    def _backup(self) -> Iterator[Finding]:
        """What would be refused only once the run has begun."""
        if not self._backs_up:
            yield found("backup", "none is asked for (--no-backup)", Outcome.WARNING)
            return
        try:
            programs = fitting(self.connection.pg_version, exactly=True)  # type: ignore[attr-defined]
            keys = recipients()
        except BackupError as error:
            yield found("backup", str(error), Outcome.REFUSED)
            return
        sealed = f"encrypted for {len(keys)} key{'s' if len(keys) != 1 else ''}" if keys else "not encrypted"
        yield found("backup", f"by pg_dump {programs.version}, {sealed}")

    def _disk(self) -> Iterator[Finding]:
        if not self._backs_up:
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
            # A base backup, and what archives WAL, replay nothing: they are no replicas. Of another role's nothing but
            # the name is told without pg_read_all_stats.
            cursor.execute(
                "SELECT coalesce(nullif(application_name, ''), '?'), state IS NULL,"
                " CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) END,"
                " extract(epoch FROM replay_lag) FROM pg_stat_replication"
                " WHERE state IS NULL OR replay_lsn IS NOT NULL ORDER BY 1"
            )
            replicas = cursor.fetchall()
        if not replicas:
            yield found("replicas", "none is connected")
        for name, is_hidden, bytes_, lag in replicas:
            if is_hidden:
                yield found("replicas", f"{name}: its lag cannot be seen without pg_read_all_stats", Outcome.WARNING)
            elif (lag or 0) > LAG_S or (bytes_ or 0) > LAG_BYTES:
                yield found(
                    "replicas",
                    f"{name} lags by {float(lag or 0):.0f} s and {size(int(bytes_ or 0))}: let it catch up first.",
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
                f"migrations made, the first: {ended(str(differences[0]))} Mend them, or say --allow-drift.",
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
