"""Operations that change a table in use: none reads or writes all of it under a lock that readers or writers wait for.

Each stands in a migration with `atomic = False`, as its steps are transactions of their own, and each can be run again
after it was killed at whatever moment: it looks at what is there and does the rest. Where all of `migrate` runs in one
transaction (`adopt`, on empty tables), they do the same in that transaction.
"""

from core.db.online.batches import RunInBatches
from core.db.online.constraints import AddConstraintNotValid, AddForeignKeyNotValid, SetNotNull, ValidateConstraint
from core.db.online.indexes import AddIndexConcurrently, RemoveIndexConcurrently
from core.db.online.uniqueness import AddUniqueConcurrently

__all__ = [
    "AddConstraintNotValid",
    "AddForeignKeyNotValid",
    "AddIndexConcurrently",
    "AddUniqueConcurrently",
    "RemoveIndexConcurrently",
    "RunInBatches",
    "SetNotNull",
    "ValidateConstraint",
]
