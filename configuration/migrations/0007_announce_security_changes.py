"""Which changes of security settings administrators were told of, so that of many processes one tells them, once.

Reverse: forgets it; after going forward again, changes of the last day are told once more.
"""

from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("configuration", "0006_notify_of_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="id",
                        help_text="The id of the change, a row of configuration_history.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_column="createdAt",
                        db_default=core.db.TransactionTime(),
                        editable=False,
                    ),
                ),
            ],
            options={
                "verbose_name": "announced change of a setting",
                "verbose_name_plural": "announced changes of settings",
                "db_table": "configuration_announcements",
            },
        ),
    ]
