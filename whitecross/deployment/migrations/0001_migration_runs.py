"""The record of what is done to the schema: each run, each migration of it, and how both ended.

It depends on nothing, so that `migrate` carries it out before everything else, and the first deployment is recorded
as well.

Reverse: drops the record of all runs; nothing else holds it.
"""

import django.db.models.deletion
from django.db import migrations, models

import core.db

KEEP = """
CREATE FUNCTION keep_migration_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps what was done to the schema: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Leave the rows: they are few, and hold no health records.';
END
$$
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        core.db.CreateEnum(
            name="MigrationRunStatus",
            labels=["RUNNING", "SUCCEEDED", "FAILED", "ROLLED_BACK"],
        ),
        core.db.CreateFunction("keep_migration_runs()", KEEP),
        migrations.CreateModel(
            name="MigrationRun",
            fields=[
                ("id", models.BigAutoField(db_column="id", primary_key=True, serialize=False)),
                ("command", models.CharField(db_column="command", max_length=20)),
                (
                    "status",
                    core.db.EnumField(
                        "MigrationRunStatus",
                        db_column="status",
                        labels=["RUNNING", "SUCCEEDED", "FAILED", "ROLLED_BACK"],
                    ),
                ),
                ("started_at", models.DateTimeField(db_column="startedAt")),
                ("ended_at", models.DateTimeField(blank=True, db_column="endedAt", null=True)),
                (
                    "executor",
                    models.TextField(
                        db_column="executor", help_text="The account that typed the command, as its machine knows it."
                    ),
                ),
                ("database_role", models.TextField(db_column="databaseRole")),
                ("host", models.TextField(db_column="host", help_text="The machine on which the command ran.")),
                ("environment", models.TextField(db_column="environment", help_text="WHITECROSS_ENV.")),
                ("code_version", models.TextField(db_column="codeVersion")),
                ("postgresql_version", models.TextField(db_column="postgresqlVersion")),
                (
                    "plan",
                    models.JSONField(
                        db_column="plan",
                        help_text="The migrations in their order, as app.name; reversed ones with a minus.",
                    ),
                ),
                (
                    "plan_hash",
                    models.CharField(
                        db_column="planHash", help_text="SHA-256 of the plan, a line a migration.", max_length=64
                    ),
                ),
                (
                    "preflight",
                    models.JSONField(
                        blank=True,
                        db_column="preflight",
                        help_text="What upgrade looked at before: check and finding.",
                        null=True,
                    ),
                ),
                (
                    "backup_file",
                    models.TextField(
                        blank=True, db_column="backupFile", help_text="The backup that was made before.", null=True
                    ),
                ),
                ("backup_sha256", models.CharField(blank=True, db_column="backupSha256", max_length=64, null=True)),
                (
                    "verification",
                    models.JSONField(
                        blank=True, db_column="verification", help_text="What verify_schema said after.", null=True
                    ),
                ),
                (
                    "smoke_test",
                    models.JSONField(
                        blank=True,
                        db_column="smokeTest",
                        help_text="What upgrade tried after: check and finding.",
                        null=True,
                    ),
                ),
                (
                    "issues",
                    models.JSONField(
                        db_column="issues",
                        db_default=[],
                        default=list,
                        help_text="Sentences: what went wrong or had to wait.",
                    ),
                ),
            ],
            options={
                "verbose_name": "migration run",
                "verbose_name_plural": "migration runs",
                "db_table": "migration_runs",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("command__in", ["migrate", "upgrade", "rollback"])),
                        name="migration_runs_command_check",
                        violation_error_message="The command is migrate, upgrade or rollback.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("status", "RUNNING")),
                            models.Q(
                                models.Q(("status", "RUNNING"), _negated=True),
                                ("ended_at__gte", models.F("started_at")),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="migration_runs_ended_at_check",
                        violation_error_message="A run that has ended has a time at which it did, and only such a run.",
                    ),
                    core.db.Trigger(
                        each="STATEMENT",
                        event="BEFORE DELETE OR TRUNCATE",
                        function="keep_migration_runs",
                        name="migration_runs_refuse_delete",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MigrationRunStep",
            fields=[
                ("id", models.BigAutoField(db_column="id", primary_key=True, serialize=False)),
                ("position", models.IntegerField(db_column="position", help_text="From 1.")),
                ("app", models.TextField(db_column="app")),
                ("name", models.TextField(db_column="name")),
                ("is_reversal", models.BooleanField(db_column="isReversal", db_default=False, default=False)),
                (
                    "status",
                    core.db.EnumField(
                        "MigrationRunStatus",
                        db_column="status",
                        labels=["RUNNING", "SUCCEEDED", "FAILED", "ROLLED_BACK"],
                    ),
                ),
                ("started_at", models.DateTimeField(db_column="startedAt")),
                ("ended_at", models.DateTimeField(blank=True, db_column="endedAt", null=True)),
                (
                    "attempts",
                    models.IntegerField(
                        db_column="attempts", db_default=1, default=1, help_text="How often it was begun."
                    ),
                ),
                (
                    "lock_waits",
                    models.IntegerField(
                        db_column="lockWaits",
                        db_default=0,
                        default=0,
                        help_text="How often a lock was not to be had in time, and it stepped back.",
                    ),
                ),
                ("notes", models.TextField(blank=True, db_column="notes", db_default="", default="")),
                (
                    "run",
                    models.ForeignKey(
                        db_column="runId",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="deployment.migrationrun",
                    ),
                ),
            ],
            options={
                "verbose_name": "step of a migration run",
                "verbose_name_plural": "steps of migration runs",
                "db_table": "migration_run_steps",
                "ordering": ["run", "position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("run", "position"),
                        name="migration_run_steps_position_key",
                        violation_error_message="The run has a step at this position.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("attempts__gte", 1), ("lock_waits__gte", 0), ("position__gte", 1)),
                        name="migration_run_steps_counts_check",
                        violation_error_message="Positions and attempts count from 1, waits for locks from 0.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("status", "RUNNING")),
                            models.Q(
                                models.Q(("status", "RUNNING"), _negated=True),
                                ("ended_at__gte", models.F("started_at")),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="migration_run_steps_ended_at_check",
                        violation_error_message="A step that has ended has a time at which it did, and only such a step.",
                    ),
                    core.db.Trigger(
                        each="STATEMENT",
                        event="BEFORE DELETE OR TRUNCATE",
                        function="keep_migration_runs",
                        name="migration_run_steps_refuse_delete",
                    ),
                ],
            },
        ),
    ]
