"""A rule for new rows, then for those that are there, in two steps.

Reverse: drops the rule.
"""

from django.db import migrations, models

import core.db

RULE = models.CheckConstraint(condition=~models.Q(source="nobody"), name="allergies_source_check")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sample", "0003_index_concurrently")]

    operations = [
        core.db.AddConstraintNotValid(model_name="allergy", constraint=RULE),
        core.db.ValidateConstraint(model_name="allergy", name="allergies_source_check"),
    ]
