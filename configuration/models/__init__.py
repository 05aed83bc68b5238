"""Parameters that change while the system runs, and the history of their changes."""

from configuration.models.system_configuration import SystemConfiguration

ConfigurationHistory = SystemConfiguration.history.model

__all__ = ["ConfigurationHistory", "SystemConfiguration"]
