"""A statement that changes settings notifies the processes that listen, so that they read them again at once.

The notification says only that something changed; the values stay in the table. PostgreSQL sends it at commit.

Reverse: loses nothing; processes notice changes when they next look, some half a second later.
"""

from django.db import migrations

import core.db


class Migration(migrations.Migration):
    dependencies = [
        ("configuration", "0005_record_every_change"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="systemconfiguration",
            constraint=core.db.Trigger(
                event="AFTER INSERT OR UPDATE OR DELETE",
                each="STATEMENT",
                function="notify_of_settings",
                name="system_configurations_notify",
            ),
        ),
    ]
