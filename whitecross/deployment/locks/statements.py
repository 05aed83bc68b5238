"""The statements of a text of SQL, and the words of a statement: enough to tell what it touches, not what it means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<blank>   \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<string>  [eE]'(?:[^'\\]|\\.|'')*' | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*' )
    | (?P<dollar>  \$(?P<tag>(?:[^\W\d]\w*)?)\$ .*? \$(?P=tag)\$ )
    | (?P<quoted>  "(?:[^"]|"")+" )
    | (?P<number>  \d[\w.]* )
    | (?P<word>    [^\W\d][\w$]* )
    | (?P<sign>    :: | . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """A word, quoted name, literal or sign. `text`: a quoted name without its quotes, a word in lower case."""

    kind: str
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, given in lower case."""
        return self.kind == "word" and self.text in words

    @property
    def is_name(self) -> bool:
        """Whether it can name a thing."""
        return self.kind in ("word", "quoted")


def tokens(text: str) -> list[Token]:
    """The tokens of a text, without blanks and comments."""
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:  # not to be: a sign is any character
            return
        kind, start, place = found.lastgroup or "", place, found.end()
        if kind == "comment":
            place = _end_of_comment(text, place)
        elif kind != "blank":
            yield Token("string" if kind in ("dollar", "tag") else kind, _meaning(kind, found.group()), start, place)


def _meaning(kind: str, text: str) -> str:
    if kind == "word":
        return text.lower()
    return text[1:-1].replace('""', '"') if kind == "quoted" else text


def _end_of_comment(text: str, place: int) -> int:
    """Comments of this kind nest."""
    depth = 1
    for mark in re.finditer(r"/\*|\*/", text[place:]):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return place + mark.end()
    return len(text)


@dataclass(frozen=True)
class Statement:
    """One statement: its text without the semicolon, and its tokens."""

    text: str
    tokens: list[Token]


def statements(text: str) -> list[Statement]:
    """The statements of a text. Semicolons in literals, in function bodies and in parentheses do not count."""
    found, now, depth, block = [], list[Token](), 0, 0
    for token in tokens(text):
        if token.text == ";" and token.kind == "sign" and not depth and not block:
            found.append(now)
            now = []
            continue
        if token.kind == "sign":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        elif token.is_word("atomic") and now and now[-1].is_word("begin"):
            block = 1  # the body of a function in standard SQL
        elif block and token.is_word("case", "end"):
            block += 1 if token.text == "case" else -1
        now.append(token)
    return [Statement(text[some[0].start : some[-1].end], some) for some in [*found, now] if some]
