"""gunicorn's own log without names of children: for errors that arise outside Django, as while a page is sent.

gunicorn's first process imports this, and forks the workers, after a reload those of the next release too. Whatever it
imports they would keep, old beside new: so it imports nothing that a release may bring in another version.
"""

import logging
import re
from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]

LEFT_OUT = "(address left out of the log)"


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  (the name is logging's)
        from whitecross.postgres.log import DiscreetFormatter

        return DiscreetFormatter().formatException(ei)


class DiscreetLogger(glogging.Logger):  # type: ignore[misc]
    """As gunicorn's, but without addresses, in which somebody may be searched for, and values of rows."""

    def setup(self, cfg: Any) -> None:
        """Set up the handlers, as gunicorn does; what a database error quotes is left out of tracebacks."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(_Formatter(self.error_fmt, self.datefmt))

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """An error of a request or of a worker."""
        super().exception(msg, *[LEFT_OUT if _is_address(one) else one for one in args], **kwargs)

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Something odd; of a request that cannot be understood gunicorn quotes the first line."""
        said = re.sub(r"(?s)^(Invalid request from ip=\S+): .*", rf"\1 {LEFT_OUT}", str(msg))
        super().warning(said, *args, **kwargs)


def _is_address(argument: object) -> bool:
    return isinstance(argument, str) and argument.startswith(("/", "http:", "https:"))
