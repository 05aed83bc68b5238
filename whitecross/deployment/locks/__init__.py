"""Which locks a statement takes on which tables, as far as its text says it, and what they stop.

A lock is held until the transaction ends. What it stops, it stops that long, and from the moment that it is waited for:
everybody who comes later queues behind it. So two things matter: how strong it is, and whether the statement takes its
time under it.
"""

from whitecross.deployment.locks.modes import UNNAMED, Lock, LockMode
from whitecross.deployment.locks.reading import Reading, locks_of, tables_created
from whitecross.deployment.locks.statements import Statement, statements

__all__ = ["UNNAMED", "Lock", "LockMode", "Reading", "Statement", "locks_of", "statements", "tables_created"]
