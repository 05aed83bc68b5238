"""What was done to the schema: each run of migrate, upgrade and rollback, and each migration of it.

Nothing here is a health record, and no text comes from a row: an error is kept as the sentence that people saw.
"""

import datetime as dt

from django.db import models

from core.db import CamelCaseModelBase, EnumField, Trigger
from core.models.record import RecordQuerySet
from whitecross.deployment.enums import MigrationRunStatus

KEEP = "keep_migration_runs"


def _guards(table: str) -> list[models.BaseConstraint]:
    """A run that is recorded stays recorded."""
    return [
        Trigger(name=f"{table}_refuse_delete", event="BEFORE DELETE OR TRUNCATE", each="STATEMENT", function=KEEP),
    ]


def _ended_at(table: str, noun: str) -> models.CheckConstraint:
    """What has ended has a time at which it did. Said twice, as a comparison with NULL lets a row pass."""
    return models.CheckConstraint(
        condition=models.Q(status="RUNNING", ended_at__isnull=True)
        | models.Q(~models.Q(status="RUNNING"), ended_at__isnull=False, ended_at__gte=models.F("started_at")),
        name=f"{table}_ended_at_check",
        violation_error_message=f"A {noun} that has ended has a time at which it did, and only such a {noun}.",
    )


class MigrationRun(models.Model, metaclass=CamelCaseModelBase):
    """One run of a command that changes the schema: who, where, with what, and how it ended.

    It is RUNNING until its end is known. One that was killed is found by the next, which holds the lock that only one
    may hold, and so knows that the other is gone: FAILED. ROLLED_BACK: each of its migrations was reversed later.
    """

    id = models.BigAutoField(primary_key=True)
    command = models.CharField(max_length=20)
    status = EnumField(MigrationRunStatus)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    executor = models.TextField(help_text="The account that typed the command, as its machine knows it.")
    database_role = models.TextField()
    host = models.TextField(help_text="The machine on which the command ran.")
    environment = models.TextField(help_text="WHITECROSS_ENV.")
    code_version = models.TextField()
    postgresql_version = models.TextField()

    plan = models.JSONField(help_text="The migrations in their order, as app.name; reversed ones with a minus.")
    plan_hash = models.CharField(max_length=64, help_text="SHA-256 of the plan, a line a migration.")
    preflight = models.JSONField(null=True, blank=True, help_text="What upgrade looked at before: check and finding.")
    backup_file = models.TextField(null=True, blank=True, help_text="The backup that was made before.")
    backup_sha256 = models.CharField(max_length=64, null=True, blank=True)
    verification = models.JSONField(null=True, blank=True, help_text="What verify_schema said after.")
    smoke_test = models.JSONField(null=True, blank=True, help_text="What upgrade tried after: check and finding.")
    issues = models.JSONField(default=list, db_default=[], help_text="Sentences: what went wrong or had to wait.")

    objects = RecordQuerySet.as_manager()

    class Meta:
        db_table = "migration_runs"
        verbose_name = "migration run"
        verbose_name_plural = "migration runs"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(command__in=["migrate", "upgrade", "rollback"]),
                name="migration_runs_command_check",
                violation_error_message="The command is migrate, upgrade or rollback.",
            ),
            _ended_at("migration_runs", "run"),
            *_guards("migration_runs"),
        ]

    def __str__(self) -> str:
        return f"{self.command} run {self.pk}"

    @property
    def duration(self) -> dt.timedelta | None:
        """How long it took; None while it runs."""
        return self.ended_at - self.started_at if self.ended_at else None


class MigrationRunStep(models.Model, metaclass=CamelCaseModelBase):
    """One migration of a run, applied or reversed. It is written in the transaction that carries the migration out."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(MigrationRun, models.PROTECT, related_name="steps", db_index=False)
    position = models.IntegerField(help_text="From 1.")
    app = models.TextField()
    name = models.TextField()
    is_reversal = models.BooleanField(default=False, db_default=False)
    status = EnumField(MigrationRunStatus)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=1, db_default=1, help_text="How often it was begun.")
    lock_waits = models.IntegerField(
        default=0, db_default=0, help_text="How often a lock was not to be had in time, and it stepped back."
    )
    notes = models.TextField(default="", db_default="", blank=True)

    objects = RecordQuerySet.as_manager()

    class Meta:
        db_table = "migration_run_steps"
        verbose_name = "step of a migration run"
        verbose_name_plural = "steps of migration runs"
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "position"],
                name="migration_run_steps_position_key",
                violation_error_message="The run has a step at this position.",
            ),
            models.CheckConstraint(
                condition=models.Q(position__gte=1, attempts__gte=1, lock_waits__gte=0),
                name="migration_run_steps_counts_check",
                violation_error_message="Positions and attempts count from 1, waits for locks from 0.",
            ),
            _ended_at("migration_run_steps", "step"),
            *_guards("migration_run_steps"),
        ]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"

    @property
    def duration(self) -> dt.timedelta | None:
        """How long it took with all attempts; None while it runs."""
        return self.ended_at - self.started_at if self.ended_at else None
