"""Kinds of tampering with a catalog: what is done, what it is called, and what follows from it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """`found` is `kind: object`; `follows` are the differences that come with it.

    `since` is the first PostgreSQL that has such a thing; `mended` says that the advice, typed as it is, mends it.
    """

    sentence: str
    sql: str
    found: str
    follows: tuple[str, ...] = ()
    since: int = 150000
    mended: bool = True
