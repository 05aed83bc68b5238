"""The limit of requests, which is a setting itself."""

from typing import Any

from configuration.declared import API_REQUESTS_PER_MINUTE
from core.api.throttling import MinuteThrottle


class RequestsPerMinute(MinuteThrottle):
    """API_REQUESTS_PER_MINUTE, as it is now for the user."""

    def limit(self, user: Any) -> int:
        """How many."""
        return API_REQUESTS_PER_MINUTE.get(user=user)
