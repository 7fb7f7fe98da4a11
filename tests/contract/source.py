"""The project's own source, parsed, for tests that ask what is written in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("chassis", "services", "marketplace", "telemetry_store", "lab")


@cache
def trees(*packages: str) -> dict[str, ast.Module]:
    """Syntax tree by path, relative to the checkout."""
    files = (path for package in packages or PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in files}


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(module, name it is bound to) of every import, wherever in the file it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, alias.asname or alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", alias.asname or alias.name


def used(tree: ast.AST) -> set[str]:
    """Every name that is read."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def calls(tree: ast.AST, *methods: str) -> Iterator[ast.Call]:
    """Calls of a method of one of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            yield node
