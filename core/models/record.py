"""What the tables share: identity, times, who wrote a row, and removal that can be taken back."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from django.db import connections, models, router, transaction
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from core import access
from core.acting import acting_user_id
from core.db import CamelCaseModelBase, TransactionTime, Trigger, UUIDv7, uuid7

M = TypeVar("M", bound=models.Model, covariant=True)


class ActorField(models.UUIDField):  # type: ignore[type-arg]
    """The id of the user who creates (`on="create"`) or saves (`on="save"`) the row; migrations see a UUIDField.

    No foreign key: the id outlives the user. Where nobody is acting, the value stays what code has set.
    """

    def __init__(self, *, on: str = "save", **kwargs: Any) -> None:
        self.on = on
        super().__init__(**{"null": True, "blank": True, "editable": False, **kwargs})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """As migrations write it: a plain UUIDField."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.UUIDField", args, kwargs

    def clone(self) -> Self:
        """As Field.clone, keeping `on`."""
        copy = super().clone()
        copy.on = self.on
        return copy

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The acting user, where there is one and this is the moment to name them."""
        actor = acting_user_id()
        if actor and (self.on == "save" or (add and getattr(model_instance, self.attname) is None)):
            setattr(model_instance, self.attname, actor)
        return getattr(model_instance, self.attname)


def updated_at_trigger(table: str) -> Trigger:
    """Keeps `updatedAt` true whoever writes: update(), bulk_update(), raw SQL."""
    return Trigger(name=f"{table}_set_updated_at", event="BEFORE UPDATE", function="set_updated_at")


def phi_triggers(table: str) -> list[BaseConstraint]:
    """The triggers of a table of health data: `updatedAt`, and no DELETE by accident."""
    return [
        updated_at_trigger(table),
        Trigger(name=f"{table}_refuse_delete", event="BEFORE DELETE", function="refuse_delete"),
    ]


class RecordQuerySet(models.QuerySet[M]):
    """Rows of which each user sees her own part."""

    def for_user(self, user: Any) -> Self:
        """The rows that the user may see: by her role, of her school or district. See `core.access`."""
        return access.visible(self, user)


class Record(models.Model, metaclass=CamelCaseModelBase):
    """A row with a time-ordered id and its times."""

    id = models.UUIDField(primary_key=True, default=uuid7, db_default=UUIDv7(), editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_default=TransactionTime(), editable=False)
    updated_at = models.DateTimeField(auto_now=True, db_default=TransactionTime())

    objects = RecordQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """What it is and its id: this text ends up in logs and in the admin's own log."""
        return f"{self._meta.verbose_name} {self.pk}"


class AuditedQuerySet(RecordQuerySet[M]):
    """Writes past `save()` that still say who wrote; bulk_update() passes through update()."""

    def update(self, **kwargs: Any) -> int:
        """As Django's, and `updated_by` is the acting user unless given."""
        actor = acting_user_id()
        if actor and "updated_by" not in kwargs:
            kwargs["updated_by"] = actor
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(
        self,
        objs: Iterable[M],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[M]:
        """As Django's; a row that is updated for want of being new says who did."""
        if update_conflicts and update_fields and acting_user_id():
            update_fields = [*{*update_fields, "updated_by"}]
        return super().bulk_create(objs, batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields)

    bulk_create.alters_data = True  # type: ignore[attr-defined]


class AuditedRecord(Record):
    """A row that names its author and its last editor."""

    created_by = ActorField(on="create")
    updated_by = ActorField(on="save")

    objects = AuditedQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        """As Django's; a partial save, also of an instance with deferred fields, names its author as well."""
        fields, deferred = kwargs.get("update_fields"), self.get_deferred_fields()
        if fields is None and deferred and not self._state.adding and not kwargs.get("force_insert"):
            own = {field.attname for field in self._meta.concrete_fields if not field.primary_key}
            fields = own - deferred
        if fields:
            kwargs["update_fields"] = {*fields, "updated_by", "updated_at"}
        super().save(**kwargs)


class PHIManager(models.Manager[M]):
    """The rows that are not marked as deleted."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Leave the marked rows out."""
        present = super().get_queryset().filter(deleted_at__isnull=True)
        present.leaves_out_deleted = True  # type: ignore[attr-defined]
        return present


class PHIQuerySet(AuditedQuerySet[M]):
    """Rows of health data: `delete()` marks them, `erase()` removes them for good."""

    leaves_out_deleted = False

    def _clone(self) -> Self:
        copy = super()._clone()  # type: ignore[misc]
        copy.leaves_out_deleted = self.leaves_out_deleted
        return copy  # type: ignore[no-any-return]

    def delete(self) -> tuple[int, dict[str, int]]:
        """Mark the rows as deleted; rows already marked keep their time. Returns what Django's delete() returns."""
        marked = self.filter(deleted_at__isnull=True).update(deleted_at=timezone.now())
        return marked, {self.model._meta.label: marked} if marked else {}

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def restore(self) -> int:
        """Take the mark away again. Returns the number of rows. Raises TypeError on `objects`: none there is marked."""
        if self.leaves_out_deleted:
            raise TypeError("`objects` leaves deleted rows out; restore them through `all_objects`.")
        return self.filter(deleted_at__isnull=False).update(deleted_at=None)

    restore.alters_data = True  # type: ignore[attr-defined]
    restore.queryset_only = True  # type: ignore[attr-defined]

    def erase(self) -> tuple[int, dict[str, int]]:
        """Remove the rows for good. Raises ProtectedError while other rows depend on them."""
        written: Any = self.all()
        written._for_write = True
        with erasing(written.db):
            return super().delete()

    erase.alters_data = True  # type: ignore[attr-defined]
    erase.queryset_only = True  # type: ignore[attr-defined]


@contextmanager
def erasing(using: str) -> Iterator[None]:
    """A transaction in which the database lets rows of health data be removed (see `refuse_delete()` there).

    Within another one the setting would outlive this block, so it is set back; after an error the rollback does that.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('whitecross.erase', true), '')")
        (before,) = cursor.fetchone()
        cursor.execute("SELECT set_config('whitecross.erase', 'on', true)")
        yield
        cursor.execute("SELECT set_config('whitecross.erase', %s, true)", [before])


class PHIRecord(AuditedRecord):
    """A row of protected health information (45 CFR 160.103): never silently gone.

    `objects` leaves deleted rows out; `all_objects` has them and is the base manager, so that relations and
    refreshes find them. A model with a QuerySet of its own declares both of it.
    """

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PHIManager.from_queryset(PHIQuerySet)()  # type: ignore[assignment,misc]
    all_objects = PHIQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Mark the row as deleted. Returns what Django's delete() returns."""
        row = self._row(using)
        marked = row.delete()
        self.deleted_at = row.values_list("deleted_at", flat=True).first()
        return marked

    delete.alters_data = True  # type: ignore[attr-defined]

    def restore(self, using: str | None = None) -> None:
        """Take the mark away again."""
        self._row(using).restore()
        self.deleted_at = None

    def _row(self, using: str | None) -> PHIQuerySet[Any]:
        # What is marked is the row, whatever this instance believes of it.
        written = using or router.db_for_write(type(self), instance=self)
        return type(self).all_objects.using(written).filter(pk=self.pk)

    restore.alters_data = True  # type: ignore[attr-defined]

    def erase(self, using: str | None = None) -> tuple[int, dict[str, int]]:
        """Remove the row for good. Raises ProtectedError while other rows depend on it."""
        with erasing(using or router.db_for_write(type(self), instance=self)):
            return super().delete(using=using)

    erase.alters_data = True  # type: ignore[attr-defined]
