"""What the file of a migration says: its docstring, its imports, where its operations stand."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from whitecross.deployment.law.rules import Finding

OURS = ("core.db", "django")
FROZEN = re.compile(r"[\w.]+\.migrations\.\d{4}_\w+")


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
    """The rules that need no more than the text."""
    docstring = ast.get_docstring(source.tree) or ""
    if not docstring:
        yield source.find("M04", 1, "it has no docstring")
    elif not re.search(r"^Reverse: \S", docstring, re.MULTILINE):
        yield source.find("M04", 1, "its docstring has no sentence that begins with 'Reverse: '")
    if re.search(r"(^|_)auto(_|$)|_and_", source.name):
        yield source.find("M15", 1, f"{source.name} is the name of no deed")
    for line, module in _imports(source.tree):
        if not _stays(module):
            yield source.find("M03", line, f"it imports {module}")


def _stays(module: str) -> bool:
    return (
        module in OURS
        or module.startswith(tuple(f"{name}." for name in OURS))
        or module.split(".")[0] in sys.stdlib_module_names
        or FROZEN.fullmatch(module) is not None  # a frozen file, for the body that a reverse puts back
    )


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if _stays(module):
                yield node.lineno, module
            else:
                yield from ((node.lineno, f"{module}.{alias.name}".strip(".")) for alias in node.names)
        elif isinstance(node, ast.Call) and _name_of(node.func) in ("import_module", "__import__"):
            first = node.args[0] if node.args else None
            named = isinstance(first, ast.Constant) and isinstance(first.value, str)
            yield node.lineno, first.value if named else "a module whose name is computed"  # type: ignore[union-attr]


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
