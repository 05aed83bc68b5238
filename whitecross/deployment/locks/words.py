"""Walking over the words of a statement."""

from collections.abc import Sequence
from itertools import pairwise

from whitecross.deployment.locks.modes import UNNAMED
from whitecross.deployment.locks.statements import Token

_OPENING, _CLOSING = ("(", "["), (")", "]")


class Words:
    """The tokens of a statement that are still to be read."""

    def __init__(self, some: Sequence[Token]) -> None:
        self.rest = list(some)

    def at(self, *phrases: str) -> bool:
        """Whether one of these phrases stands here; in lower case, with single blanks."""
        return any(self._is_at(phrase.split()) for phrase in phrases)

    def _is_at(self, words: Sequence[str]) -> bool:
        return len(self.rest) >= len(words) and all(
            token.is_word(word) for token, word in zip(self.rest, words, strict=False)
        )

    def take(self, *phrases: str) -> bool:
        """Pass over the first of these phrases that stands here."""
        for phrase in phrases:
            if self.at(phrase):
                del self.rest[: len(phrase.split())]
                return True
        return False

    def opens(self) -> bool:
        """Whether a parenthesis opens here."""
        return bool(self.rest) and self.rest[0].text == "(" and self.rest[0].kind == "sign"

    def name(self) -> str:
        """Pass over a name, with its schema if there is one. Returns it without the schema."""
        name = UNNAMED
        while self.rest and self.rest[0].is_name:
            name = self.rest.pop(0).text
            if not self._take_sign("."):
                break
        self._take_sign("*")
        return name

    def is_qualified(self) -> bool:
        """Whether the name that stands here bears its schema."""
        return len(self.rest) > 1 and self.rest[1].kind == "sign" and self.rest[1].text == "."

    def _take_sign(self, sign: str) -> bool:
        if self.rest and self.rest[0].kind == "sign" and self.rest[0].text == sign:
            del self.rest[0]
            return True
        return False

    def table(self) -> str:
        """Pass over the name of a table and the words that may stand before it."""
        self.take("if not exists", "if exists")
        self.take("only")
        return self.name()

    def after(self, *phrases: str) -> "Words | None":
        """What follows the first of the phrases that stands outside parentheses."""
        for place in self.outside():
            here = Words(self.rest[place:])
            if here.take(*phrases):
                return here
        return None

    def has(self, *phrases: str) -> bool:
        """Whether one of the phrases stands outside parentheses."""
        return self.after(*phrases) is not None

    def parts(self) -> list["Words"]:
        """What stands between the commas outside parentheses."""
        places = [-1, *(place for place in self.outside() if self.rest[place].text == ","), len(self.rest)]
        return [Words(self.rest[start + 1 : end]) for start, end in pairwise(places)]

    def inside(self) -> "Words":
        """What stands within the parentheses that open here."""
        depth = 0
        for place, token in enumerate(self.rest):
            if token.kind == "sign":
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if not depth:
                return Words(self.rest[1:place])
        return Words(self.rest[1:])

    def outside(self) -> list[int]:
        """The places outside parentheses; an opening one counts as outside, its closing one too."""
        places, depth = [], 0
        for place, token in enumerate(self.rest):
            if token.kind == "sign" and token.text in _CLOSING:
                depth -= 1
            if not depth:
                places.append(place)
            if token.kind == "sign" and token.text in _OPENING:
                depth += 1
        return places
