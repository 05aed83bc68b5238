"""A school that comes, goes or changes its district notifies the processes that read settings.

Which district's value holds for a school follows from its row, so whoever keeps settings in memory keeps that too.

Reverse: loses nothing; processes notice when they next look, some half a second later.
"""

from django.db import migrations

import core.db

NOTIFY = """
CREATE FUNCTION notify_of_settings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('whitecross_settings', '');
    RETURN NULL;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_performance_indexes"),
        ("health_records", "0004_performance_indexes"),
    ]

    operations = [
        core.db.CreateFunction("notify_of_settings()", NOTIFY),
        migrations.AddConstraint(
            model_name="school",
            constraint=core.db.Trigger(
                event='AFTER INSERT OR UPDATE OF "districtId" OR DELETE',
                each="STATEMENT",
                function="notify_of_settings",
                name="schools_notify",
            ),
        ),
    ]
