"""Long texts beside each other: each shortened to where they differ, so that a change deep within is seen."""

from difflib import SequenceMatcher

LONG = 200  # characters that are shown as they are
AROUND = 60  # characters around a difference within a line
LINES_AROUND = 2
MOST_SHOWN = 200  # lines
MOST_LINES = 300  # of which single differences are looked for: that takes time by the square


Side = tuple[tuple[str, bool], ...]


def apart(old: str, new: str) -> tuple[Side, Side]:
    """The lines of both texts where they differ, with a little around it; of each line whether it differs."""
    before, after = old.split("\n"), new.split("\n")
    sides: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    steps = _steps(before, after)
    for place, (same, one, other) in enumerate(steps):
        if same:
            kept = _around(one, first=place == 0, last=place == len(steps) - 1)
            told = kept, kept
        elif len(one) == len(other):
            pairs = [_cut(*pair) for pair in zip(one, other, strict=True)]
            told = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        else:
            told = one, other
        for side, lines in zip(sides, told, strict=True):
            side.extend((line, not same) for line in lines)
    return _first(sides[0]), _first(sides[1])


def _first(lines: list[tuple[str, bool]]) -> Side:
    left = len(lines) - MOST_SHOWN
    if left <= 1:
        return tuple(lines)
    return (*lines[:MOST_SHOWN], (f"… and {left} lines more", False))


def _steps(before: list[str], after: list[str]) -> list[tuple[bool, list[str], list[str]]]:
    """The lines of both in order: whether they are the same, those of the one, those of the other."""
    start, end = _common(before, after)
    one, other = before[start : len(before) - end], after[start : len(after) - end]
    steps = [(False, one, other)]
    if max(len(one), len(other)) <= MOST_LINES:
        codes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
        steps = [(kind == "equal", one[i:j], other[k:m]) for kind, i, j, k, m in codes]
    head, tail = before[:start], before[len(before) - end :]
    return [step for step in ((True, head, head), *steps, (True, tail, tail)) if step[1] or step[2]]


def _common(one: list[str] | str, other: list[str] | str) -> tuple[int, int]:
    """How many at the beginning are the same, and how many of the rest at the end."""
    shorter = min(len(one), len(other))
    start = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    end, most = 0, shorter - start
    while end < most and one[-1 - end] == other[-1 - end]:
        end += 1
    return start, end


def _around(lines: list[str], *, first: bool, last: bool) -> list[str]:
    head = [] if first else lines[:LINES_AROUND]
    tail = [] if last else lines[len(head) :][-LINES_AROUND:]
    left = len(lines) - len(head) - len(tail)
    if left == 1:
        return [_short(line) for line in lines]
    gap = [f"… {left} lines as they were …"] if left else []
    return [*map(_short, head), *gap, *map(_short, tail)]


def _short(line: str) -> str:
    return line if len(line) <= LONG else f"{line[:AROUND]}…"


def _cut(one: str, other: str) -> tuple[str, str]:
    """Two long lines where they differ."""
    if max(len(one), len(other)) <= LONG:
        return one, other
    start, end = _common(one, other)
    start, end = max(start - AROUND, 0), max(end - AROUND, 0)
    before, after = "…" * (start > 0), "…" * (end > 0)
    return tuple(f"{before}{line[start : len(line) - end]}{after}" for line in (one, other))  # type: ignore[return-value]
