"""The project's settings, with the sample app, for commands in processes of their own."""

from whitecross.settings import *  # noqa: F403
from whitecross.settings import INSTALLED_APPS as PROJECTS_OWN

INSTALLED_APPS = [*PROJECTS_OWN, "tests.deployment.migrating.sample"]
