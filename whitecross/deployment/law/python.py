"""What the Python of a migration uses: what goes on changing, and the database behind the back of who reads the SQL."""

import ast
import re
import sys
from collections.abc import Iterator
from itertools import chain

from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.source import Source

OURS = ("core.db", "django")
FROZEN = re.compile(r"[\w.]+\.migrations\.\d{4}_\w+")
IMPORTERS = ("importlib.import_module", "__import__", "importlib.__import__")
# What is another thing tomorrow, though it stands in Django or in the standard library.
CHANGING = {
    "django.apps.apps": "the models of today; those of the migration are the argument `apps`",
    "django.contrib.auth.get_user_model": "the models of today; those of the migration are the argument `apps`",
    "django.core.management.call_command": "a command as it is today",
    "django.utils.module_loading": "a module by its name",
    "importlib.resources": "another file",
    "importlib.util": "a module by its name",
    "pkgutil": "a module or file by its name",
    "runpy": "a module by its name",
    "sys.modules": "a module by its name",
    "exec": "code that is text",
    "eval": "code that is text",
    "compile": "code that is text",
    "open": "another file",
    "io.open": "another file",
}
OF_FILES = ("read_text", "read_bytes", "open")
MODELS = re.compile(r"django\.contrib\.\w+\.models(\..*)?")
OF_CONNECTIONS = ("django.db.connection", "django.db.connections", "django.db.transaction.get_connection")
OF_CURSORS = ("cursor", "execute", "executemany", "raw")


def judge_python(source: Source) -> Iterator[Finding]:
    """M03, and M16 where Python asks the database itself."""
    names = _names(source.tree)
    imported = {module: line for line, module in _imports(source.tree)}
    for module, line in imported.items():
        yield source.find("M03", line, f"it imports {module}" + (f": {CHANGING[module]}" if module in CHANGING else ""))
    allowed = {id(call.func) for call in _calls(source.tree) if _dotted(call.func, names) in IMPORTERS}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield from _of_call(source, node, names)
        if not isinstance(node, ast.Name | ast.Attribute) or id(node) in allowed:
            continue
        dotted = _dotted(node, names)
        if dotted in IMPORTERS:
            yield source.find("M03", node.lineno, f"it hands {dotted} on")
        elif dotted in CHANGING and dotted not in imported:
            yield source.find("M03", node.lineno, f"it uses {dotted}: {CHANGING[dotted]}")
        elif dotted in OF_CONNECTIONS:
            yield source.find("M16", node.lineno, f"it uses {dotted}")
    yield from _of_functions(source, names)


def _of_call(source: Source, call: ast.Call, names: dict[str, str]) -> Iterator[Finding]:
    dotted = _dotted(call.func, names)
    if dotted in IMPORTERS:
        first = call.args[0] if call.args else None
        named = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        if not _stays(named):
            yield source.find("M03", call.lineno, f"it imports {named or 'a module whose name is computed'}")
    elif isinstance(call.func, ast.Attribute):
        if call.func.attr in OF_FILES and dotted not in CHANGING:
            yield source.find("M03", call.lineno, f"it uses .{call.func.attr}(): another file")
        elif call.func.attr in OF_CURSORS:
            yield source.find("M16", call.lineno, f"Python calls .{call.func.attr}()")


def _stays(module: str) -> bool:
    if MODELS.fullmatch(module) or any(f"{module}.".startswith(f"{name}.") for name in CHANGING):
        return False
    return (
        module in OURS
        or module.startswith(tuple(f"{name}." for name in OURS))
        or module.split(".")[0] in sys.stdlib_module_names
        or FROZEN.fullmatch(module) is not None  # a frozen file, for the body that a reverse puts back
    )


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What is imported and does not stay as it is."""
    for node in ast.walk(tree):
        named: list[str] = []
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            dot = "" if module.endswith(".") else "."
            named = [f"{module}{dot}{alias.name}" for alias in node.names]
        yield from ((node.lineno, name) for name in named if not _stays(name))  # type: ignore[attr-defined]


def _names(tree: ast.Module) -> dict[str, str]:
    """What the names of the file mean that are imported, and the built-in ones that matter here."""
    found = {name: name for name in chain(CHANGING, IMPORTERS) if "." not in name}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names if alias.asname}
            found |= {(top := alias.name.partition(".")[0]): top for alias in node.names if not alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name that an expression such as models.Model means; nothing where it is not imported."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value, names)):
        return f"{before}.{node.attr}"
    return ""


_Function = ast.FunctionDef | ast.Lambda


def _of_functions(source: Source, names: dict[str, str]) -> Iterator[Finding]:
    """The functions that RunPython calls stand in the file, and ask the schema editor for its alias alone."""
    functions: dict[str, _Function] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            functions |= {one.id: node.value for one in node.targets if isinstance(one, ast.Name)}
    for call in _calls(source.tree):
        if not _dotted(call.func, names).endswith(".RunPython"):
            continue
        given = [*call.args[:2], *(one.value for one in call.keywords if one.arg in ("code", "reverse_code"))]
        for one in given:
            function = one if isinstance(one, ast.Lambda) else functions.get(getattr(one, "id", ""))
            if function is not None:
                yield from _of_function(source, function)
            elif not _dotted(one, names).endswith(".RunPython.noop"):
                yield source.find("M16", one.lineno, f"RunPython calls {ast.unparse(one)}, which does not stand here")


def _of_function(source: Source, function: _Function) -> Iterator[Finding]:
    parameters = [*function.args.posonlyargs, *function.args.args]
    if len(parameters) < 2:
        yield source.find("M16", function.lineno, "a function of RunPython takes `apps` and `schema_editor` by name")
        return
    editor = parameters[1].arg
    inside = list(ast.walk(function))
    fine = {
        id(node.value.value)
        for node in inside
        if isinstance(node, ast.Attribute)
        and node.attr == "alias"
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "connection"
    }
    for node in inside:
        if isinstance(node, ast.Name) and node.id == editor and id(node) not in fine:
            yield source.find("M16", node.lineno, f"Python uses {editor} for more than {editor}.connection.alias")
