"""What code a notebook runs: its cells and the modules it imports, as one hash."""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.paths import PACKAGE, PROJECT

TEXT = (".txt", ".yaml")
COLAB = "'google.colab' in sys.modules"
"""The test, as `ast.unparse` writes it, of what a notebook does on Google Colab alone."""
# Folders without modules that are read by the module named: part of what it computes.
READ_BY = {
    "analysis/scores.py": ("data",),
    "models.py": ("nano/data", "nano/weights"),
    "prefs/pool.py": ("nano/pool",),
    "prompts/__init__.py": ("prompts/chat", "prompts/few_shot", "prompts/rubrics"),
}


def notebook_path(notebook: str) -> Path:
    """Return the path of a notebook given as `02_sft`."""
    return PROJECT / "notebooks" / f"{notebook}.ipynb"


@cache
def code_cells(notebook: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (source, tags) of each code cell.

    Raises
    ------
    CodealignError
        The notebook is missing or is not a notebook.
    """
    path = notebook_path(notebook)
    try:
        cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise CodealignError(f"{path}: cannot be read as a notebook: {error!r}") from None
    return tuple(
        ("".join(cell["source"]), tuple(cell["metadata"].get("tags", ())))
        for cell in cells
        if cell["cell_type"] == "code"
    )


def notebook_parameters(notebook: str) -> list[str]:
    """Return the names assigned in the cell tagged `parameters`."""
    for source, tags in code_cells(notebook):
        if "parameters" in tags:
            return [
                node.target.id if isinstance(node, ast.AnnAssign) else node.targets[0].id
                for node in ast.parse(source).body
                if isinstance(node, ast.Assign | ast.AnnAssign)
            ]
    raise CodealignError(f"{notebook_path(notebook)}: no cell is tagged `parameters`")


def computing(source: str) -> str:
    """Return a cell's source without what it does on Colab alone: that decides where it runs."""
    lines = source.splitlines(keepends=True)
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.If) and ast.unparse(node.test) == COLAB:
            del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)


def _module_file(name: str) -> Path | None:
    base = PACKAGE.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.exists():
            return path
    return None


def imported_modules(source: str) -> set[str]:
    """Return the names of the project's own modules that a source text imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found.update(n for n in names if n.split(".")[0] == "codealign" and _module_file(n))
    return found


@cache
def closure(notebook: str) -> tuple[Path, ...]:
    """Return the project's source files that a notebook imports, directly or not.

    The package's own `__init__.py` names everything and loads it late: it is left out.
    """
    cells = [computing(source) for source, _ in code_cells(notebook)]
    todo = set().union(*(imported_modules(source) for source in cells))
    seen: dict[str, Path] = {}
    while todo:
        name = todo.pop()
        path = _module_file(name)
        if name in seen or path in (None, PACKAGE / "__init__.py"):
            continue
        seen[name] = path
        todo |= imported_modules(path.read_text(encoding="utf-8"))
    return tuple(sorted(set(seen.values())))


@cache
def code_hash(notebook: str) -> str:
    """Return 16 hexadecimal digits over a notebook's code cells, its modules and their data files.

    The driver's own modules (`codealign.workflow`) decide when a job runs, not what it computes,
    and are left out; so is what a cell does on Colab alone. Text files in a package's folder
    (templates) are part of it, and so are the folders named in `READ_BY`.
    """
    digest = hashlib.sha256()
    for source, _ in code_cells(notebook):
        digest.update(computing(source).encode())
    for path in closure(notebook):
        driving = PACKAGE / "workflow" in path.parents and path.name != "context.py"
        if driving or path == PACKAGE / "checks.py":
            continue
        for file in (path, *_read_by(path)):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _read_by(module: Path) -> list[Path]:
    """Return the data files that belong to a module."""
    found = []
    if module.name == "__init__.py":
        found = [p for p in module.parent.iterdir() if p.suffix in TEXT]
    for folder in READ_BY.get(module.relative_to(PACKAGE).as_posix(), ()):
        found += [p for p in (PACKAGE / folder).rglob("*") if p.is_file()]
    return sorted(p for p in found if "__pycache__" not in p.parts)
