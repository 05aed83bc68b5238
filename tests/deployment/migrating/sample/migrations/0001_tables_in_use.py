"""The tables that are there already, as far as the next ones need them.

Reverse: nothing, as nothing is made.
"""

from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    dependencies = [("health_records", "0004_performance_indexes")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Allergy",
                    fields=[
                        ("id", models.UUIDField(primary_key=True)),
                        ("allergen", models.CharField(db_column="allergen", max_length=200)),
                        (
                            "created_at",
                            models.DateTimeField(db_column="createdAt", db_default=core.db.TransactionTime()),
                        ),
                    ],
                    options={"db_table": "allergies"},
                )
            ]
        )
    ]
