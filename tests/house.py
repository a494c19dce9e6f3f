"""Reads the imports of the house without running anything."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGES = ("keys", "vault", "client")

# The longest prefix decides. A module without a floor is a module in the wrong place.
FLOORS = {
    "keys": 0,
    "vault.merkle": 1,
    "vault.journal": 1,
    "vault.certificates": 1,
    "vault.container": 1,
    "vault.api": 1,
    "vault.server": 2,
    "client": 2,
}
EMPTY_PACKAGES = {"vault"}


class Import(NamedTuple):
    """One import: by which module, of what, on which line, and whether only a type checker follows it."""

    by: str
    of: str
    line: int
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.by}:{self.line} imports {self.of}"


@cache
def modules() -> dict[str, Path]:
    """All modules of the house by their dotted names."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def programs() -> list[Path]:
    """All files of Python that the project has written, tests included."""
    folders = (*PACKAGES, "tests", "examples", "benchmarks")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


class Walker(ast.NodeVisitor):
    def __init__(self, module: str, *, is_package: bool) -> None:
        self.module = module
        self.package = module if is_package else module.rpartition(".")[0]
        self.imports: list[Import] = []
        self.dynamic: list[int] = []
        self._typing = False

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        named = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
        before, self._typing = self._typing, self._typing or named == "TYPE_CHECKING"
        for child in node.body:
            self.visit(child)
        self._typing = before
        for child in [test, *node.orelse]:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            self._add(name.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            base = ".".join([*above, *([base] if base else [])])
        for name in node.names:
            whole = f"{base}.{name.name}"
            self._add(whole if whole in modules() else base, node)

    def visit_Call(self, node: ast.Call) -> None:
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in {"import_module", "__import__"}:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                self._add(first.value, node)
            else:
                self.dynamic.append(node.lineno)
        self.generic_visit(node)

    def _add(self, name: str, node: ast.AST) -> None:
        self.imports.append(Import(self.module, name, node.lineno, self._typing))


@cache
def walked(module: str) -> Walker:
    path = modules()[module]
    walker = Walker(module, is_package=path.name == "__init__.py")
    walker.visit(ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return walker


def imports() -> list[Import]:
    return [one for module in modules() for one in walked(module).imports]


def is_within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def is_ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES


def floor_of(module: str) -> int | None:
    prefixes = [prefix for prefix in FLOORS if is_within(module, prefix)]
    return FLOORS[max(prefixes, key=len)] if prefixes else None


def reached_from(module: str) -> dict[str, str]:
    """All modules that importing ``module`` may load, sooner or later, each with who imports it."""
    found = {module: ""}
    waiting = [module]
    while waiting:
        current = waiting.pop()
        for one in walked(current).imports:
            # Importing a.b.c runs a and a.b as well.
            parts = one.of.split(".")
            for length in range(1, len(parts) + 1):
                name = ".".join(parts[:length])
                if not one.typing_only and name in modules() and name not in found:
                    found[name] = current
                    waiting.append(name)
    return found


def way_to(target: str, found: dict[str, str]) -> str:
    way = [target]
    while found[way[-1]]:
        way.append(found[way[-1]])
    return " <- ".join(way)
