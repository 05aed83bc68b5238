"""A page that shows commands and what they print, read for a test: the blocks in order, and a comparison of output.

In what a page shows, `…` stands for anything, and on a line of its own for any number of lines; numbers, times, sizes,
hashes and names of accounts may differ.
"""

import re
from dataclasses import dataclass, field

BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
# What differs from run to run and place to place, the longest first.
MASKS = [
    (re.compile(r"White Cross [^\s,]+( \([0-9a-f]+(-dirty)?\))?"), "White Cross #"),
    (re.compile(r"PostgreSQL [\d.]+ \([^)]*\)"), "PostgreSQL #"),  # as Debian's says of itself
    (re.compile(r"(privileges: )\S+"), r"\1#"),
    (re.compile(r"(process \S+ of|session \S+:) \S+"), r"\1 #"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b"), "#"),
    (re.compile(r"\d+(?:[.,:]\d+)*(?: (?:bytes|[kMGT]B|ms|s|min|h|d)\b)?"), "#"),
    (re.compile(r"#(?:[-tT ]#)+Z?"), "#"),
    (re.compile(r"[ \t]+"), " "),  # columns are as wide as what stands in them
    (re.compile(r"[-+]{4,}"), "----"),
]


@dataclass
class Command:
    """A block to type, and the block that shows what is seen then."""

    script: str
    seen: str | None = None


@dataclass
class Section:
    """A situation: what is seen at first, and the commands in the order in which they are typed."""

    title: str
    symptom: str | None = None
    commands: list[Command] = field(default_factory=list)


def sections(page: str) -> list[Section]:
    """The parts of a page below headings of the second level."""
    within = [range(*block.span()) for block in BLOCK.finditer(page)]  # which may show headings
    headings = [found for found in SECTION.finditer(page) if not any(found.start() in block for block in within)]
    ends = [following.start() for following in headings[1:]] + [len(page)]
    return [_section(found[1], page[found.end() : end]) for found, end in zip(headings, ends, strict=True)]


def _section(title: str, body: str) -> Section:
    found = Section(title)
    for kind, block in BLOCK.findall(body):
        if kind == "bash":
            found.commands.append(Command(block))
        elif not found.commands:
            found.symptom = block
        elif found.commands[-1].seen is None:
            found.commands[-1].seen = block
    return found


def masked(text: str) -> list[str]:
    """The lines, with what may differ replaced."""
    lines = []
    for line in text.splitlines():
        for pattern, instead in MASKS:
            line = pattern.sub(instead, line)
        if line.strip():
            lines.append(line.strip())
    return lines


def shows(expected: str, actual: str) -> bool:
    """Whether what came is what the page shows."""
    pattern = ""
    for line in masked(expected):
        pattern += r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in masked(actual))) is not None
