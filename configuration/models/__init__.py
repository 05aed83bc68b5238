"""Parameters that change while the system runs, and the history of their changes."""

from configuration.models.announcement import Announcement
from configuration.models.system_configuration import SystemConfiguration

ConfigurationHistory = SystemConfiguration.history.model

__all__ = ["Announcement", "ConfigurationHistory", "SystemConfiguration"]
