"""Settings and their history in the admin."""

from configuration.admin.history import ConfigurationHistoryAdmin
from configuration.admin.setting import SystemConfigurationAdmin

__all__ = ["ConfigurationHistoryAdmin", "SystemConfigurationAdmin"]
