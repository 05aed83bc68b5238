"""What the law forbids: half a second of work under a lock that nobody gets past.

Reverse: nothing.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sample", "0004_a_rule_to_be_proven")]

    operations = [
        migrations.RunSQL("LOCK TABLE allergies IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.5)", migrations.RunSQL.noop)
    ]
