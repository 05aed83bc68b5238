"""The law of migrations: what may change in a database while the release before is running on it.

`rules` says what is asked, why and what to do instead; docs/migrations.md says it at length, with examples. The law is
applied to migrations that are not released, that is, not in `released.json`; released ones must only stay as they are.
"""

from whitecross.deployment.law.checking import check
from whitecross.deployment.law.errors import LawError
from whitecross.deployment.law.rules import RULES, Finding

__all__ = ["RULES", "Finding", "LawError", "check"]
