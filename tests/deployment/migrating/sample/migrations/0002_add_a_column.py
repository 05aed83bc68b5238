"""A column: ACCESS EXCLUSIVE, for a moment.

Reverse: drops it with what it holds.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sample", "0001_tables_in_use")]

    operations = [
        migrations.AddField(
            model_name="allergy", name="source", field=models.TextField(db_column="source", db_default="", default="")
        )
    ]
