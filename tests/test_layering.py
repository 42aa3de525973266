"""Imports go one way: a module imports only from rows below its own; no circles."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "codealign"
# From the ground up; modules of one row share a number, and stages of row 2 do not meet.
ROWS = {
    "errors": 0, "params": 1, "paths": 1, "additions": 1, "records": 1, "resumable": 1,
    "texts": 1, "markdown": 1, "provenance": 1, "progress": 1, "cell": 1, "noise": 1,
    "prompts": 2, "models": 2, "registry": 2, "text": 2, "checks": 2, "shapes": 2, "weights": 2,
    "generate": 2, "sandbox": 2, "hub": 2, "fences": 2, "mistakes": 2,
    "prefs": 3, "train": 3, "evaluate": 3,
    "analysis": 4, "stages": 5,
    "doctor": 6, "report": 7, "workflow": 7, "commands": 8,
    "cli": 9, "": 9, "__main__": 9,
}  # fmt: skip
STAGES = {"prefs", "train", "evaluate"}
# data/ holds examples to be shown, not modules.
FILES = sorted(p for p in PACKAGE.rglob("*.py") if PACKAGE / "data" not in p.parents)
# What only a clone has.
BESIDE = [*(PACKAGE.parent / "nano" / "lab").glob("*.py"), *(PACKAGE.parent / "tools").glob("*.py")]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(p for p in parts if p != "__init__")


def file_of(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


def imports_of(path: Path) -> list[str]:
    """Return the package's modules that a file imports, without the leading `codealign`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:  # only in sandbox/inside, which is also run as a package of its own
                assert path.parent.name == "inside" and node.level == 1, f"{path}: relative import"
                found.append(f"codealign.sandbox.inside.{node.module}")
            elif node.module == "codealign":
                found += [f"codealign.{alias.name}" for alias in node.names]
            else:
                found.append(node.module or "")
    own = [n for n in found if n.split(".")[0] == "codealign"]
    return [n.removeprefix("codealign").lstrip(".") for n in own]


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_module_imports_only_downwards(path: Path) -> None:
    top = module_of(path).split(".")[0]
    for name in imports_of(path):
        other = name.split(".")[0]
        if other in ("__version__", top):
            continue
        assert ROWS[other] <= ROWS[top], f"{module_of(path)} imports {name}, which is above it"
        assert not {top, other} <= STAGES, f"stage {top} imports stage {other}"


def test_there_is_no_circle() -> None:
    graph = {module_of(p): {n for n in imports_of(p)} for p in FILES}
    known = set(graph)
    graph = {m: {n if n in known else n.rpartition(".")[0] for n in ns} for m, ns in graph.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module in done:
            return
        for other in graph.get(module, ()):
            if other != module and not module.startswith(f"{other}.") and other:
                visit(other, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def test_the_package_never_imports_what_only_a_clone_has() -> None:
    for path in FILES:
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        named = [node.module or "" for node in tree if isinstance(node, ast.ImportFrom)]
        assert not [name for name in named if name.split(".")[0] in ("nano", "tools")], path


def test_light_modules_do_not_import_torch() -> None:
    """Notebooks that only analyse must start fast."""
    light = "codealign.cli, codealign.analysis.scores, codealign.workflow.reproduce"
    code = f"import sys, {light}; assert 'torch' not in sys.modules, 'torch was imported'"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", [*FILES, *BESIDE], ids=file_of)
def test_modules_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", [*FILES, *BESIDE], ids=file_of)
def test_every_module_and_public_name_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "module"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
