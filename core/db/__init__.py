"""What PostgreSQL offers and Django's ORM lacks: the vocabulary of our models and migrations.

Migrations import from here, so a name or signature in this package, once released, stays as it is.
Nothing here imports a model.
"""

from core.db.columns import CamelCaseModelBase, column_name
from core.db.constraints import CompositeForeignKey, Trigger
from core.db.enums import (
    AddEnumLabel,
    CreateEnum,
    DropEnum,
    EnumField,
    RemoveEnumLabel,
    RenameEnumLabel,
)
from core.db.expressions import SearchWords, TransactionTime, UUIDv7
from core.db.identifiers import uuid7
from core.db.indexes import BrinIndex, GinIndex, Index
from core.db.online import (
    AddConstraintNotValid,
    AddForeignKeyNotValid,
    AddIndexConcurrently,
    AddUniqueConcurrently,
    RemoveIndexConcurrently,
    RunInBatches,
    SetNotNull,
    ValidateConstraint,
)
from core.db.operations import AddFields, AddIndexes, CreateFunction, DropFunction, ReplaceFunction

__all__ = [
    "AddConstraintNotValid",
    "AddEnumLabel",
    "AddFields",
    "AddForeignKeyNotValid",
    "AddIndexConcurrently",
    "AddIndexes",
    "AddUniqueConcurrently",
    "BrinIndex",
    "CamelCaseModelBase",
    "CompositeForeignKey",
    "CreateEnum",
    "CreateFunction",
    "DropEnum",
    "DropFunction",
    "EnumField",
    "GinIndex",
    "Index",
    "RemoveEnumLabel",
    "RemoveIndexConcurrently",
    "RenameEnumLabel",
    "ReplaceFunction",
    "RunInBatches",
    "SearchWords",
    "SetNotNull",
    "TransactionTime",
    "Trigger",
    "UUIDv7",
    "ValidateConstraint",
    "column_name",
    "uuid7",
]
