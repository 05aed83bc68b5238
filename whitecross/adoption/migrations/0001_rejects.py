"""What an adoption sets aside: rows of the predecessor's that do not fit here, whole, as JSON with the reason.

Reverse: drops the rows that were set aside. Until `adopt --finish` they are still in the predecessor's tables; after it
they are nowhere else.
"""

import django.utils.timezone
from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("configuration", "0007_announce_security_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reject",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        db_default=core.db.UUIDv7(),
                        default=core.db.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(auto_now=True, db_column="updatedAt", db_default=core.db.TransactionTime()),
                ),
                ("source_table", models.TextField(db_column="sourceTable", help_text="The predecessor's table.")),
                ("row_id", models.TextField(db_column="rowId", help_text="The id of the row there.")),
                (
                    "is_whole",
                    models.BooleanField(
                        db_column="isWhole",
                        db_default=True,
                        default=True,
                        help_text="Whether the row itself was set aside, or columns of it only.",
                    ),
                ),
                ("data", models.JSONField(db_column="data", help_text="Column to value, as text.")),
                (
                    "reasons",
                    models.JSONField(db_column="reasons", help_text="Why: a list of rule, columns and sentence."),
                ),
            ],
            options={
                "verbose_name": "row set aside",
                "verbose_name_plural": "rows set aside",
                "db_table": "adoption_rejects",
                "ordering": ["source_table", "row_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source_table", "row_id", "is_whole"),
                        name="adoption_rejects_row_key",
                        violation_error_message="This row is set aside already.",
                    ),
                    core.db.Trigger(
                        event="BEFORE UPDATE", function="set_updated_at", name="adoption_rejects_set_updated_at"
                    ),
                    core.db.Trigger(
                        event="BEFORE DELETE", function="refuse_delete", name="adoption_rejects_refuse_delete"
                    ),
                ],
            },
        ),
    ]
