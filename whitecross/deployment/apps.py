"""The app of deployments."""

from django.apps import AppConfig


class DeploymentConfig(AppConfig):
    """Keeps the record of migrations in `migration_runs`."""

    name = "whitecross.deployment"
    label = "deployment"
    verbose_name = "Deployment"
