"""The app, for tests alone."""

from django.apps import AppConfig


class SampleConfig(AppConfig):
    name = "tests.deployment.migrating.sample"
    label = "sample"
