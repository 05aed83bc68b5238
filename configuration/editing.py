"""How people change settings, from admin, API and command alike: with a reason, and only what is theirs to change.

Each function is one transaction: the change and its history, or neither. All raise EditError with a sentence for
people. Who is acting is known from `core.acting`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DataError, IntegrityError, OperationalError, connection, models

from configuration.changing import changing
from configuration.enums import ConfigScope
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.parameters import DECLARED, VALUE_TYPES, near
from configuration.resolution import SECRET
from configuration.values import ValueTextError, write
from core.models import District, School, User

# What a version of a setting consists of: all but who wrote it when.
FACTS = tuple(
    field.attname
    for field in SystemConfiguration._meta.concrete_fields
    if field.name not in ("id", "created_at", "updated_at", "last_modified_by")
)
# What the value of a district, school or user takes over from the system's row.
INHERITED = tuple(name for name in FACTS if name not in ("key", "scope", "scope_id", "value", "default_value"))
MEANWHILE = "Somebody has changed {key} meanwhile. Nothing was {deed}: look at it, then try again."
BUSY = "Somebody else is changing this setting and has not finished. Nothing was done: try again in a moment."
PATIENCE = "10s"  # for whoever has locked what is to be changed
BUSY_STATES = ("55P03", "40P01")  # the SQLSTATEs of a lock that does not come
UNMASKED = "Without the tag the {what} could be read: give it a new one as well."
MODELS: dict[str, type[models.Model]] = {
    ConfigScope.DISTRICT: District,
    ConfigScope.SCHOOL: School,
    ConfigScope.USER: User,
}


class EditError(Exception):
    """What a person asked for cannot be done. `errors`: field name -> sentences; "" for those about no field."""

    def __init__(self, errors: str | dict[str, list[str]]) -> None:
        self.errors = {"": [errors]} if isinstance(errors, str) else errors
        super().__init__(" ".join(sentence for sentences in self.errors.values() for sentence in sentences))


class NotEditableError(EditError):
    """The setting is marked as read-only for people."""


class NoSuchSettingError(EditError):
    """There is no such setting, or no such version of it."""


class StaleError(EditError):
    """Somebody has changed the setting since whoever is changing it has looked."""


class ReasonError(EditError):
    """A change needs a reason."""


class BusyError(EditError):
    """Somebody else is changing the same setting, and has not finished in time."""


def require_reason(reason: str | None) -> str:
    """The reason without blanks around it. Raises ReasonError where there is none."""
    kept = (reason or "").replace("\x00", "").strip()
    if not kept:
        raise ReasonError({"reason": ["Say why: the reason stays in the history."]})
    return kept


def find(key: str, scope: str = ConfigScope.SYSTEM, scope_id: uuid.UUID | None = None) -> SystemConfiguration | None:
    """The row of a key for a scope, locked until the transaction ends; None where there is none."""
    return locked(key=key, scope=scope, scope_id=scope_id)


def locked(**which: Any) -> SystemConfiguration | None:
    """The row that fits, locked until the transaction ends; None where there is none. Raises BusyError."""
    with refusals():
        be_patient()
        return SystemConfiguration.objects.select_for_update(of=("self",), no_key=True).filter(**which).first()


@contextmanager
def _change(reason: str | None = None) -> Iterator[None]:
    with refusals(), changing(reason=reason):
        be_patient()
        yield


def be_patient() -> None:
    """Let nothing in this transaction wait for a lock without end; a limit that the connection has stays."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true) WHERE current_setting('lock_timeout') = '0'", [PATIENCE]
        )


def version(setting: SystemConfiguration) -> str:
    """Names the state of a row: another state has another name. For ETags, and to notice lost races."""
    return f"{setting.pk}-{setting.updated_at.timestamp():.6f}"


def refuse_if_read_only(setting: SystemConfiguration) -> None:
    """Raise NotEditableError where people do not change this row, or the system's row of its key."""
    if setting.is_editable and setting.scope != ConfigScope.SYSTEM:
        parent = SystemConfiguration.objects.of_the_system().filter(key=setting.key).first()
        setting = parent or setting
    if not setting.is_editable:
        raise NotEditableError(f"{setting.key} is read-only: only whoever runs the system changes it.")


def save(setting: SystemConfiguration, *, reason: str | None, expected: str | None = None) -> SystemConfiguration:
    """Store a new or changed setting. `expected` is the version() that the person saw.

    Raises ReasonError, NotEditableError, StaleError, or EditError with what is wrong by field.
    """
    reason = require_reason(reason)
    with _change(reason):
        if setting._state.adding:
            refuse_if_read_only(setting)
        else:
            stored = _lock(setting.pk)
            if expected is not None and version(stored) != expected:
                raise StaleError(MEANWHILE.format(key=stored.key, deed="saved"))
            refuse_if_read_only(stored)
            _refuse_unmasking(stored, setting)
        setting.full_clean()
        setting.save()
        setting.refresh_from_db()
    return setting


def set_value(
    key: str, value: Any, *, scope: str = ConfigScope.SYSTEM, scope_id: uuid.UUID | None = None, reason: str | None
) -> SystemConfiguration:
    """Give a key a value: of Python's type for its value type, or the text that the table holds.

    A district, school or user that has none of its own gets one, a declared key that is not stored is. Raises what
    `save` raises, and NoSuchSettingError.
    """
    where: dict[str, Any] = {"key": key, "scope": scope, "scope_id": scope_id}
    is_again = False
    while True:
        setting = None
        try:
            with _change():
                setting = find(**where) or new(**where)
                setting.value = text_of(setting, value)
                return save(setting, reason=reason)
        except EditError:
            # Somebody else may have given it one meanwhile: then there is a row, and it is changed.
            is_new = setting is not None and setting._state.adding
            if is_again or not is_new or not SystemConfiguration.objects.filter(**where).exists():
                raise
            is_again = True


def text_of(setting: SystemConfiguration, value: Any) -> str:
    """The text that the table holds for a value. A text is taken as it is. Raises EditError."""
    if isinstance(value, str):
        return value
    try:
        return write(setting.value_type, value)
    except ValueTextError as error:
        raise EditError({"value": [f"{setting.key}: the value {error}."]}) from None


def new(key: str, scope: str = ConfigScope.SYSTEM, scope_id: uuid.UUID | None = None) -> SystemConfiguration:
    """A row of a known key that is not saved yet and has no value: the facts are the system's or the declared ones.

    Raises NoSuchSettingError for a key that is neither stored nor declared.
    """
    parent = SystemConfiguration.objects.of_the_system().filter(key=key).first()
    if parent is not None:
        facts = {name: getattr(parent, name) for name in INHERITED}
        return SystemConfiguration(key=key, scope=scope, scope_id=scope_id, **{**facts, "is_active": True})
    parameter = DECLARED.get(key)
    if parameter is None:
        known = {*DECLARED, *SystemConfiguration.objects.values_list("key", flat=True)}
        if key in known:
            raise NoSuchSettingError(
                f"{key} has no value for the system, of which others take their type: store it first."
            )
        hint = f" Did you mean {' or '.join(found)}?" if (found := near(key, known)) else ""
        raise NoSuchSettingError(f"There is no setting {key!r}.{hint}")
    kind = VALUE_TYPES[parameter.type][0]
    return SystemConfiguration(
        key=key,
        scope=scope,
        scope_id=scope_id,
        value_type=kind,
        default_value=write(kind, parameter.default),
        min_value=parameter.minimum,
        max_value=parameter.maximum,
        validation_rules={"integer": True} if parameter.type is int else {},
        category=parameter.category,
        display_name=parameter.label,
        description=parameter.help,
    )


def delete(setting: SystemConfiguration, *, reason: str | None, expected: str | None = None) -> None:
    """Remove a row: what it hid holds again. Raises ReasonError, NotEditableError, StaleError, NoSuchSettingError."""
    reason = require_reason(reason)
    with _change(reason):
        stored = _lock(setting.pk)
        if expected is not None and version(stored) != expected:
            raise StaleError(MEANWHILE.format(key=stored.key, deed="deleted"))
        refuse_if_read_only(stored)
        _hand_on_secrecy(stored)
        stored.delete()


def restore(
    change: Any, *, reason: str | None, before: bool = False, expected: str | None = None
) -> SystemConfiguration | None:
    """Bring a setting back to what it was after a change (a row of the history), or before it.

    The state after a deletion is what was deleted. Where there was nothing before, the setting is removed, and None is
    returned. It is a new change, with its own reason. `expected` is the version() that the person saw, "" where there
    was no setting. Raises what `save` raises.
    """
    reason = require_reason(reason)
    with _change(reason):
        facts = facts_before(change) if before else {name: getattr(change, name) for name in FACTS}
        if facts is not None and facts["value"] is None:
            raise EditError(f"The history does not say what {change.key} was before that change. Nothing was restored.")
        scope_of = facts or {name: getattr(change, name) for name in FACTS}
        stored = locked(pk=change.id) or find(scope_of["key"], scope_of["scope"], scope_of["scope_id"])
        if expected is not None and expected != (version(stored) if stored else ""):
            raise StaleError(MEANWHILE.format(key=scope_of["key"], deed="restored"))
        if stored is not None:
            refuse_if_read_only(stored)
        if facts is None:
            if stored is not None:
                _hand_on_secrecy(stored)
                stored.delete()
            return None
        setting = stored or SystemConfiguration(pk=change.id)
        for name, fact in facts.items():
            setattr(setting, name, fact)
        if not setting.is_secret and _was_ever_secret(setting.key):
            # Of a time when it was none. The history does not show it any more, so this does not, either.
            setting.tags = [*(setting.tags or ()), SECRET]
        if stored is None:
            refuse_if_read_only(setting)
        setting.full_clean()
        setting.save()
        setting.refresh_from_db()
        return setting


def _refuse_unmasking(stored: SystemConfiguration, setting: SystemConfiguration) -> None:
    if not stored.is_secret or setting.is_secret:
        return
    for name, what in (("value", "value"), ("default_value", "default value")):
        kept = getattr(stored, name)
        if kept is not None and getattr(setting, name) == kept:
            raise EditError({"tags": [UNMASKED.format(what=what)]})
    _hand_on_secrecy(stored)


def _hand_on_secrecy(leaving: SystemConfiguration) -> None:
    """Give the other rows of the key the tag, where this row's alone has hidden their values so far."""
    others = SystemConfiguration.objects.filter(key=leaving.key).exclude(pk=leaving.pk)
    if not leaving.is_secret or others.filter(tags__contains=[SECRET]).exists():
        return
    for other in others.select_for_update(of=("self",), no_key=True).order_by("pk"):
        other.tags = [*(other.tags or ()), SECRET]
        other.save(update_fields=["tags"])


def _was_ever_secret(key: str) -> bool:
    return bool(ConfigurationHistory.objects.filter(key=key, tags__contains=[SECRET]).exists())


def facts_before(change: Any) -> dict[str, Any] | None:
    """The facts of a setting before a change of its history, by attribute; None where it did not exist.

    A row from before the database kept them tells less: the version before it is asked, and where there is none, the
    value may be None, unknown. One query for such a row.
    """
    if change.before is not None:
        by_column = {field.column: field for field in SystemConfiguration._meta.concrete_fields}
        return {
            field.attname: field.to_python(change.before[column])
            for column, field in by_column.items()
            if field.attname in FACTS
        }
    if change.history_type == "+":
        return None
    versions = ConfigurationHistory.objects.filter(id=change.id, history_date__lt=change.history_date)
    last = versions.exclude(history_type="-").order_by("-history_date").first()
    facts = {name: getattr(last or change, name) for name in FACTS}
    if last is None and change.history_type == "~":
        facts["value"] = change.old_value
    return facts


def change_of(pk: Any) -> Any:
    """The row of the history with this id. Raises NoSuchSettingError."""
    try:
        return ConfigurationHistory.objects.get(pk=pk)
    except (ConfigurationHistory.DoesNotExist, ValidationError, ValueError, TypeError):
        raise NoSuchSettingError("There is no such version in the history.") from None


def _lock(pk: Any) -> SystemConfiguration:
    stored = locked(pk=pk)
    if stored is None:
        raise NoSuchSettingError("The setting does not exist any more: somebody has deleted it.")
    return stored


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the database and full_clean() refuse into an EditError."""
    try:
        yield
    except ValidationError as error:
        fields = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        raise EditError(
            {"" if name == NON_FIELD_ERRORS else name: list(said) for name, said in fields.items()}
        ) from None
    except IntegrityError as error:
        raise EditError(sentence(error)) from None
    except (DataError, UnicodeEncodeError):
        raise EditError("The database cannot keep one of these values.") from None
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) in BUSY_STATES:
            raise BusyError(BUSY) from None
        # 54: a limit of the program, such as that of a tag that goes into an index.
        if not str(getattr(error.__cause__, "sqlstate", None)).startswith("54"):
            raise
        raise EditError("The database cannot keep so large a value.") from None


def sentence(error: IntegrityError) -> str:
    """What the database says of a row that it refuses. Its own words hold no secret: see configuration.0004."""
    diagnosis: Any = getattr(error.__cause__, "diag", None)
    constraint = getattr(diagnosis, "constraint_name", None) or ""
    if constraint == "system_configurations_check_value":
        return str(diagnosis.message_primary)
    for rule in SystemConfiguration._meta.constraints:
        if rule.name == constraint and rule.violation_error_message:
            return str(rule.violation_error_message)
    return "The database refuses the change. Nothing was saved."
