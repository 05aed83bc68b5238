"""Parameters that change while the system runs, and the history of their changes.

from configuration import config

config.get("SESSION_TIMEOUT_MINUTES", school=school)
"""

from configuration.live import LiveConfiguration

config = LiveConfiguration()

__all__ = ["config"]
