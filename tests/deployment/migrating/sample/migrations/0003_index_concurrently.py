"""An index, built while the table is used.

Reverse: drops it.
"""

from django.db import migrations

import core.db


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sample", "0002_add_a_column")]

    operations = [
        core.db.AddIndexConcurrently(
            model_name="allergy",
            index=core.db.Index(fields=["source"], name="allergies_source_idx", serves="Allergies by their source."),
        )
    ]
