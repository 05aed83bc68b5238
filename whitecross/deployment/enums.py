"""Labels of the enum types of deployments. Each class is a type of that name in PostgreSQL."""

from django.db.models import TextChoices


class MigrationRunStatus(TextChoices):
    """How far a run of migrations is, or how it ended; of each of its steps as well."""

    RUNNING = "RUNNING", "Running"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"
    ROLLED_BACK = "ROLLED_BACK", "Rolled back"
