"""Names and literals in SQL that is put together from the catalog."""

from collections.abc import Iterable


def quoted(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text, quoted; a backslash is itself, as standard_conforming_strings is on in our sessions."""
    return "'" + text.replace("'", "''") + "'"


def array(texts: Iterable[str], type_: str = "text") -> str:
    """An array of texts, cast to another type's array where named."""
    return f"ARRAY[{', '.join(map(literal, texts))}]::{type_}[]"


def within(schema: str, name: str) -> str:
    """A name in a schema."""
    return f"{quoted(schema)}.{quoted(name)}"
