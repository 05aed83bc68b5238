"""Changes that the API asks for, made as everybody's are: by `configuration.editing`."""

from collections.abc import Collection
from typing import Any, TypeVar

from django.db import connection, transaction

from configuration import editing
from configuration.changing import changing
from configuration.enums import ConfigScope, ConfigValueType
from configuration.models import SystemConfiguration
from configuration.outcomes import CUSTOM
from configuration.resolution import SECRET
from configuration.values import ValueTextError, write
from core.api.problems import Errors, Problem, escaped
from core.db import column_name

T = TypeVar("T")

IDENTITY = ("key", "scope", "scope_id")
STATUSES: tuple[tuple[type[editing.EditError], int], ...] = (
    (editing.NoSuchSettingError, 404),
    (editing.NotEditableError, 409),
    (editing.BusyError, 409),
    (editing.StaleError, 412),
    (editing.EditError, 422),
)
# What a setting has of which nobody says anything.
USUAL = {
    field.attname: field.get_default()
    for field in SystemConfiguration._meta.concrete_fields
    if field.attname in editing.FACTS and field.attname not in (*IDENTITY, "value", "value_type")
}
UNSEEN = "The value is secret, so null is not it: send another one, or leave it out of a PATCH."


def status_of(error: editing.EditError) -> int:
    """The status that a refusal is answered with."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def errors_of(error: editing.EditError, pointer: str = "#") -> Errors:
    """What is wrong, field by field."""
    return [
        {"detail": said, "pointer": f"{pointer}/{escaped(column_name(name))}" if name else pointer}
        for name, sentences in error.errors.items()
        for said in sentences
    ]


def problem_of(error: editing.EditError) -> Problem:
    """A refusal as a problem document."""
    return Problem(status_of(error), str(error), errors=errors_of(error))


def locked(pk: Any, versions: Collection[str] | None, deed: str = "saved") -> SystemConfiguration:
    """The row, locked until the transaction ends. Raises NoSuchSettingError, and StaleError by `versions`."""
    return _current(editing.locked(pk=pk), versions, deed)


def _current(
    row: SystemConfiguration | None, versions: Collection[str] | None, deed: str = "saved"
) -> SystemConfiguration:
    if row is None:
        raise editing.NoSuchSettingError("There is no such setting (any more).")
    if versions is not None and editing.version(row) not in versions:
        raise editing.StaleError(editing.MEANWHILE.format(key=row.key, deed=deed))
    return row


def create(facts: dict[str, Any], *, reason: str) -> SystemConfiguration:
    """A new row: of a known key with the facts of its system's row or declaration, else of a key of one's own."""
    key, scope, place = facts["key"], facts.get("scope", ConfigScope.SYSTEM), facts.get("scope_id")
    with editing.refusals(), changing(reason=reason):
        _refuse_nobody(scope, place)
        if editing.find(key, scope, place):
            raise editing.EditError({"key": ["This setting has a value for this scope already: change that one."]})
        try:
            row = editing.new(key, scope, place)
        except editing.NoSuchSettingError:
            _refuse_strange(key)
            row = SystemConfiguration(key=key, scope=scope, scope_id=place)
            facts = {**facts, "tags": [*dict.fromkeys([CUSTOM, *facts.get("tags", ())])]}
        _apply(row, facts)
        return editing.save(row, reason=reason)


def _refuse_strange(key: str) -> None:
    if not key.isprintable() or key != key.strip():
        raise editing.EditError({"key": ["A key is one line, without blanks around it."]})


def _refuse_nobody(scope: str, place: Any) -> None:
    model: Any = editing.MODELS.get(scope)
    if model is not None and place is not None and not model._default_manager.filter(pk=place).exists():
        raise editing.EditError({"scope_id": [f"There is no {scope.lower()} with this id."]})


def alter(row: SystemConfiguration, facts: dict[str, Any], *, reason: str) -> SystemConfiguration:
    """Change what is given; the row is `locked`."""
    _apply(row, facts)
    return editing.save(row, reason=reason)


def replace(row: SystemConfiguration, facts: dict[str, Any], *, reason: str) -> SystemConfiguration:
    """Change everything: what is not given gets its usual value. A secret default that is sent as null stays."""
    usual = dict(USUAL)
    if is_secret(row) and facts.get("default_value") is None:
        del usual["default_value"]
        facts = {name: fact for name, fact in facts.items() if name != "default_value"}
    return alter(row, {**usual, **facts}, reason=reason)


def is_secret(row: SystemConfiguration) -> bool:
    """Whether nobody is shown the value: this row's tag says so, or that of another row of the key."""
    others = SystemConfiguration.objects.filter(key=row.key, tags__contains=[SECRET])
    return row.is_secret or others.exists()


def _apply(row: SystemConfiguration, facts: dict[str, Any]) -> None:
    was_secret = not row._state.adding and is_secret(row)
    for name, fact in facts.items():
        if name in editing.FACTS and name not in ("value", "default_value", *IDENTITY):
            setattr(row, name, fact)
    if "value" in facts:
        if facts["value"] is None and was_secret:
            raise editing.EditError({"value": [UNSEEN]})
        row.value = _text(row, "value", facts["value"])
    if "default_value" in facts:
        given = facts["default_value"]
        row.default_value = None if given is None else _text(row, "default_value", given)


def _text(row: SystemConfiguration, name: str, value: Any) -> str:
    # A string is the text of a value, but for JSON, of which strings are values themselves.
    if isinstance(value, str) and row.value_type != ConfigValueType.JSON:
        return value
    try:
        return write(row.value_type, value)
    except ValueTextError as error:
        raise editing.EditError({name: [f"{row.key}: the value {error}."]}) from None


def change_all(changes: list[dict[str, Any]], *, reason: str) -> list[SystemConfiguration | None]:
    """Make all of these changes, or none: the rows, None for a deleted one. Raises Problem that names every refusal."""
    wrong: Errors = []
    made: list[SystemConfiguration | None] = []
    editing.require_reason(reason)
    with changing(reason=reason):
        with editing.refusals(), connection.cursor() as cursor:
            editing.be_patient()
            # Two of these that lock the same rows in another order would wait for each other for ever.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('whitecross settings in bulk', 0))")
        for index, change in enumerate(changes):
            try:
                with transaction.atomic():
                    made.append(_one(change, reason=change.get("reason", reason)))
            except editing.EditError as error:
                here = f"#/changes/{index}"
                wrong += [{**one, "index": index, "status": status_of(error)} for one in errors_of(error, here)]
        if wrong:
            raise Problem(422, "Some of the changes are refused, so none was made.", errors=wrong)
    return made


def _one(change: dict[str, Any], *, reason: str) -> SystemConfiguration | None:
    action = change["action"]
    if action == "create":
        needed = [name for name in ("key", "value") if name not in change]
        if needed:
            raise editing.EditError({name: ["A new setting needs this."] for name in needed})
        if "id" in change or "version" in change:
            raise editing.EditError("A new setting has neither id nor version yet.")
        return create(change, reason=reason)
    versions = [change["version"]] if "version" in change else None
    if ("id" in change) == ("key" in change):
        raise editing.EditError("Name the setting by its id, or by its key and scope; not by both.")
    if "id" in change:
        if "scope" in change or "scope_id" in change:
            raise editing.EditError("Name the setting by its id, or by its key and scope; not by both.")
        row = locked(change["id"], versions)
    else:
        place = change.get("scope", ConfigScope.SYSTEM), change.get("scope_id")
        row = _current(editing.find(change["key"], *place), versions)
    if action == "delete":
        extra = sorted(set(change) - {"action", "id", "version", "reason", *IDENTITY})
        if extra:
            raise editing.EditError({name: ["A deletion takes no facts of the setting."] for name in extra})
        editing.delete(row, reason=reason)
        return None
    return alter(row, change, reason=reason)
