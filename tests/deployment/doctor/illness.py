"""What can be wrong with a database: how it is brought about, what finds it, and whether the commands given mend it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Illness:
    """`found` is `severity id object`. `asks` are the choices: deep, minutes.

    `since` is the first PostgreSQL that has such a thing; `mended` says that the commands, typed as they are, mend it.
    """

    sentence: str
    check: str
    sql: tuple[str, ...]
    found: str
    deep: bool = False
    mended: bool = True
    since: int = 150000
