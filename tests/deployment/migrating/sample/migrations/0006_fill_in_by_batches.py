"""A value for every row, some rows at a time.

Reverse: leaves the values.
"""

from django.db import migrations

import core.db


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sample", "0005_work_under_a_lock")]

    operations = [
        core.db.RunInBatches(
            "allergy",
            "UPDATE allergies SET source = 'unknown' WHERE {batch} AND source = ''",
            reverse=core.db.RunInBatches.noop,
            size=400,
        )
    ]
