"""What the file of a migration says: its name, its docstring, where its operations stand."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from whitecross.deployment.law.rules import Finding


@dataclass
class Source:
    """The file of a migration."""

    app: str
    name: str
    path: Path
    tree: ast.Module = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.path.read_text(encoding="utf-8-sig"))

    @property
    def label(self) -> str:
        """As people write it."""
        return f"{self.app}.{self.name}"

    def lines(self) -> list[int]:
        """The lines of the operations, in their order; nothing where they are no list that stands there."""
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == "operations" for target in node.targets)
                and isinstance(node.value, ast.List)
            ):
                return [element.lineno for element in node.value.elts]
        return []

    def line_of(self, place: int) -> int:
        """The line of an operation by its place."""
        lines = self.lines()
        return lines[place] if place < len(lines) else self.line_of_class()

    def line_of_class(self) -> int:
        """The line of class Migration."""
        classes = (
            node.lineno for node in self.tree.body if isinstance(node, ast.ClassDef) and node.name == "Migration"
        )
        return next(classes, 1)

    def find(self, rule: str, line: int, what: str) -> Finding:
        """A finding here."""
        return Finding(rule, self.label, self.path, line, what)


def judge_source(source: Source) -> Iterator[Finding]:
    """The rules of the name and the docstring."""
    docstring = ast.get_docstring(source.tree) or ""
    if not docstring:
        yield source.find("M04", 1, "it has no docstring")
    elif not re.search(r"^Reverse: \S", docstring, re.MULTILINE):
        yield source.find("M04", 1, "its docstring has no sentence that begins with 'Reverse: '")
    if re.search(r"(^|_)auto(_|$)|_and_", source.name):
        yield source.find("M15", 1, f"{source.name} is the name of no deed")
