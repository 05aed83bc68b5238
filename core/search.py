"""Finding students by what somebody types: the beginnings of names and numbers, in any order."""

from django.db.models import BooleanField, Func, Value

from core.db import SearchWords

# Longer than any name; without a limit a word could outgrow what PostgreSQL indexes (2 kB), which is an error.
MOST_WORDS = 20
LONGEST_WORD = 100


class SearchPrefixes(Func):
    """The query for texts in which each word of an argument begins some word."""

    template = "search_prefixes(search_text(%(expressions)s))"


class Matches(Func):
    """Whether a tsvector satisfies a tsquery."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


def names_begin(text: str, *, of: str = "") -> Matches:
    """A condition: each word of the text begins a word of a student's first name, last name or number.

    `of` is the path to the student where the rows are not students: `names_begin("obr", of="student")`.
    A text without words is satisfied by nobody. The database folds it as it folded the names: case, diacritics,
    apostrophes and hyphens make no difference.
    """
    words = text.replace("\x00", " ").split()[:MOST_WORDS]
    typed = Value(" ".join(word[:LONGEST_WORD] for word in words))
    path = f"{of}__" if of else ""
    names = SearchWords(*(path + name for name in ("first_name", "last_name", "student_number")))
    return Matches(names, SearchPrefixes(typed))
