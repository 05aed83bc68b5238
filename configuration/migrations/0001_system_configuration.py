"""Settings: one value a key.

Reverse: drops system_configurations with every setting.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_base_schema"),
        ("health_records", "0002_additional_critical_tables"),
    ]

    operations = [
        core.db.enums.CreateEnum(
            name="ConfigCategory",
            labels=[
                "GENERAL",
                "SECURITY",
                "NOTIFICATION",
                "HEALTHCARE",
                "MEDICATION",
                "APPOINTMENTS",
                "UI",
                "QUERY",
                "FILE_UPLOAD",
                "RATE_LIMITING",
                "SESSION",
                "EMAIL",
                "SMS",
            ],
        ),
        migrations.CreateModel(
            name="SystemConfiguration",
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
                ("key", models.CharField(db_column="key", max_length=200)),
                ("value", models.TextField(db_column="value")),
                (
                    "validation_rules",
                    models.JSONField(blank=True, db_column="validationRules", db_default={}, default=dict, null=True),
                ),
                (
                    "category",
                    core.db.EnumField(
                        "ConfigCategory",
                        db_column="category",
                        db_default="GENERAL",
                        default="GENERAL",
                        labels=[
                            "GENERAL",
                            "SECURITY",
                            "NOTIFICATION",
                            "HEALTHCARE",
                            "MEDICATION",
                            "APPOINTMENTS",
                            "UI",
                            "QUERY",
                            "FILE_UPLOAD",
                            "RATE_LIMITING",
                            "SESSION",
                            "EMAIL",
                            "SMS",
                        ],
                    ),
                ),
                (
                    "display_name",
                    models.CharField(blank=True, db_column="displayName", max_length=200, null=True),
                ),
                ("description", models.TextField(blank=True, db_column="description", null=True)),
                ("is_active", models.BooleanField(db_column="isActive", db_default=True, default=True)),
                (
                    "last_modified_by",
                    models.ForeignKey(
                        blank=True,
                        db_column="lastModifiedBy",
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "setting",
                "verbose_name_plural": "settings",
                "db_table": "system_configurations",
                "ordering": ["category", "key"],
                "constraints": [
                    models.UniqueConstraint(fields=("key",), name="system_configurations_key_key"),
                    core.db.Trigger(
                        event="BEFORE UPDATE",
                        function="set_updated_at",
                        name="system_configurations_set_updated_at",
                    ),
                ],
            },
        ),
    ]
