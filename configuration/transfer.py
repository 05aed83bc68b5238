"""Settings as a file that people read: JSON, sorted, the same bytes for the same settings.

    {"format": "whitecross-settings", "version": 1, "settings": [
      {"key": "SESSION_TIMEOUT_MINUTES", "scope": "SCHOOL", "of": "S1", "value": "30", "valueType": "NUMBER", ...}
    ]}

`of` is the code of a district or school or the email of a user. Values are texts as the table holds them. Ids, times
and who wrote are not in it: they belong to the database. Secrets stand in it without their values, unless asked for.
"""

import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from configuration.editing import FACTS
from configuration.enums import ConfigCategory, ConfigScope, ConfigValueType
from configuration.models import SystemConfiguration
from configuration.places import names_of
from configuration.values import DEEPEST

FORMAT, VERSION = "whitecross-settings", 1
LARGEST_MB = 20
OF_SECRETS = ("value", "defaultValue")
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**31), 2**31 - 1

# As files name the facts -> attributes of the model. scopeId stands in a file as `of`.
NAMES = {
    str(field.column): field.attname
    for field in SystemConfiguration._meta.concrete_fields
    if field.attname in FACTS and field.attname != "scope_id"
}


class TransferError(Exception):
    """A file cannot be written, or is not taken. `problems`: a sentence each."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


def exported(*, with_secrets: bool = False) -> tuple[str, int]:
    """The text of the file, and how many secrets are in it without their values."""
    rows = list(SystemConfiguration.objects.all())
    names = names_of((row.scope, row.scope_id) for row in rows)
    entries, left_out = [], 0
    for row in rows:
        facts = {name: _for_file(getattr(row, attribute)) for name, attribute in NAMES.items()}
        entry = {"key": facts.pop("key"), "scope": facts.pop("scope"), "of": names.get((row.scope, row.scope_id))}
        if row.is_secret and not with_secrets:
            left_out += 1
            facts = {name: fact for name, fact in facts.items() if name not in OF_SECRETS}
        entries.append({**entry, **facts})
    order = list(ConfigScope.values)
    entries.sort(key=lambda entry: (entry["key"], order.index(entry["scope"]), entry["of"] or ""))
    whole = {"format": FORMAT, "version": VERSION, "settings": entries}
    return json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False) + "\n", left_out


def _for_file(fact: Any) -> Any:
    if isinstance(fact, float) and math.isinf(fact):
        return "Infinity" if fact > 0 else "-Infinity"
    if isinstance(fact, dict):
        return {name: _for_file(fact[name]) for name in sorted(fact)}
    return fact


def write(path: Path, text: str, *, replace: bool, private: bool) -> None:
    """Write a file whole or not at all; one that is there stays unless `replace`. Raises TransferError."""
    if path.exists() and not (replace and path.is_file()):
        what = "is there already: name another, or say --force" if path.is_file() else "is no file: name one"
        raise TransferError(f"{path} {what}. Nothing was written.")
    beside = None
    try:
        target = path.resolve()
        descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            mask = os.umask(0)
            os.umask(mask)
            Path(beside).chmod(0o666 & ~mask)
        Path(beside).replace(target)
    except (OSError, RuntimeError) as error:
        raise TransferError(f"{path} cannot be written: {_reason(error)}. Nothing was written.") from None
    finally:
        if beside is not None:
            with suppress(OSError):
                Path(beside).unlink(missing_ok=True)


def _reason(error: OSError | RuntimeError) -> str:
    return getattr(error, "strerror", None) or "its name leads in a circle"


def read(path: Path) -> bytes:
    """What a file holds. Raises TransferError."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_MB * 2**20 + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is none"
        raise TransferError(f"{path} cannot be read: {reason}.") from None


def entries_of(content: bytes) -> list[dict[str, Any]]:
    """The entries of a file, each of the right shape; whether their values are right, the database says later.

    Raises TransferError with all that is wrong.
    """
    whole = _parsed(content)
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise TransferError(f'This is no file of settings: it needs "format": "{FORMAT}". Make one with config export.')
    if whole.get("version") != VERSION or isinstance(whole["version"], bool):
        raise TransferError(f"The file's version is {json.dumps(whole.get('version'))[:40]}; this program reads 1.")
    entries = whole.get("settings")
    if not isinstance(entries, list) or set(whole) != {"format", "version", "settings"}:
        raise TransferError('The file needs "format", "version" and "settings" (a list), and nothing else.')
    problems = [problem for number, entry in enumerate(entries, 1) for problem in _problems(number, entry)]
    if problems:
        raise TransferError(*problems)
    return entries


def _parsed(content: bytes) -> Any:
    if len(content) > LARGEST_MB * 2**20:
        raise TransferError(f"The file is larger than {LARGEST_MB} MB: it cannot be one of settings.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TransferError(f"The file is not UTF-8: byte {error.start + 1} is wrong. Save it as UTF-8.") from None
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise TransferError(f"The file is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise TransferError("The file is nested too deep.") from None
    except ValueError as error:
        said = str(error) if isinstance(error, _StrangeError) else "it holds a number that is too long"
        raise TransferError(f"The file is not taken: {said}.") from None


class _StrangeError(ValueError):
    """JSON that the parser would take, and that means nothing or two things."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _StrangeError(f"it names {json.dumps(name)[:80]} twice in one entry")
        found[name] = value
    return found


def _refuse(constant: str) -> None:
    raise _StrangeError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _StrangeError("it holds a number that is too large")
    return number


def describe(entry: Any, number: int | None = None) -> str:
    """An entry for people: its number in the file, key, scope and whose."""
    known = [entry.get(name) for name in ("key", "scope", "of")] if isinstance(entry, dict) else []
    words = " ".join(json.dumps(word, ensure_ascii=True)[1:-1][:80] for word in known if isinstance(word, str))
    return " ".join(filter(None, (f"Entry {number}" if number else "", f"({words})" if number and words else words)))


def _problems(number: int, entry: Any) -> Iterator[str]:
    where = describe(entry, number)
    if not isinstance(entry, dict):
        yield f'{where}: is no object such as {{"key": ..., "scope": ..., "value": ...}}.'
        return
    for name in ("key", "scope"):
        if name not in entry:
            yield f"{where}: has no {name}. Add it."
    for name, fact in entry.items():
        if name != "of" and name not in NAMES:
            yield f"{where}: the field {json.dumps(name)[:80]} is unknown. The fields are: {', '.join(['of', *NAMES])}."
        elif wrong := _shape_problem(name, fact):
            yield f"{where}: {name} {wrong}."
        elif _cannot_be_kept(fact, 0):
            yield f"{where}: {name} holds a character that the database cannot keep, or is nested too deep."
    scope, of = entry.get("scope"), entry.get("of")
    if scope == ConfigScope.SYSTEM and of is not None:
        yield f'{where}: the scope SYSTEM is nobody\'s own. Leave "of" out, or name another scope.'
    elif scope in ConfigScope.values and scope != ConfigScope.SYSTEM and of is None:
        yield f'{where}: whose is it? Add "of": the code of the district or school, or the email of the user.'


def _shape_problem(name: str, fact: Any) -> str | None:
    test, wanted = SHAPES[name]
    return None if test(fact) else f"is not {wanted}"


def _is_text(fact: Any) -> bool:
    return isinstance(fact, str)


def _is_number(fact: Any) -> bool:
    if isinstance(fact, int) and not isinstance(fact, bool):
        return abs(fact) < 10**308
    return isinstance(fact, float) or fact in ("Infinity", "-Infinity")


def _is_integer(fact: Any) -> bool:
    return isinstance(fact, int) and not isinstance(fact, bool) and SMALLEST_INTEGER <= fact <= LARGEST_INTEGER


def _is_texts(fact: Any) -> bool:
    return isinstance(fact, list) and all(isinstance(text, str) for text in fact)


def _or_null(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda fact: fact is None or test(fact)


def _one_of(names: list[str]) -> tuple[Callable[[Any], bool], str]:
    return lambda fact: isinstance(fact, str) and fact in names, f"one of {', '.join(names)}"


TEXT = (_is_text, 'a text such as "60"')
TEXT_OR_NULL = (_or_null(_is_text), 'a text such as "60", or null')
NUMBER_OR_NULL = (_or_null(_is_number), "a number or null")
TEXTS_OR_NULL = (_or_null(_is_texts), 'a list of texts such as ["a", "b"], or null')
BOOLEAN = (lambda fact: isinstance(fact, bool), "true or false")
SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "key": (lambda fact: isinstance(fact, str) and 0 < len(fact) <= 200, "a text of 1 to 200 characters"),
    "scope": _one_of(ConfigScope.values),
    "of": TEXT_OR_NULL,
    "value": TEXT,
    "valueType": _one_of(ConfigValueType.values),
    "defaultValue": TEXT_OR_NULL,
    "minValue": NUMBER_OR_NULL,
    "maxValue": NUMBER_OR_NULL,
    "validValues": TEXTS_OR_NULL,
    "validationRules": (_or_null(lambda fact: isinstance(fact, dict)), 'an object such as {"minLength": 1}, or null'),
    "category": _one_of(ConfigCategory.values),
    "subCategory": TEXT_OR_NULL,
    "displayName": TEXT_OR_NULL,
    "description": TEXT_OR_NULL,
    "tags": TEXTS_OR_NULL,
    "sortOrder": (_is_integer, "a whole number"),
    "isActive": BOOLEAN,
    "isEditable": BOOLEAN,
    "requiresRestart": BOOLEAN,
}


def _cannot_be_kept(fact: Any, depth: int) -> bool:
    if isinstance(fact, str):
        return any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in fact)
    if isinstance(fact, list | dict):
        members = [*fact, *fact.values()] if isinstance(fact, dict) else fact
        return depth > DEEPEST or any(_cannot_be_kept(member, depth + 1) for member in members)
    return False
