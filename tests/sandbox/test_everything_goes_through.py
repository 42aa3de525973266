"""Code that a stage did not write is executed in the sandbox and nowhere else.

Every place in the package, and in what only a clone has, that could run code or start a program is
found in the syntax trees, and must stand in `ALLOWED`, with the reason why no generated code gets
there.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "codealign"
BESIDE = ("nano/lab", "tools")
NOTEBOOKS = sorted((PACKAGE.parent / "notebooks").glob("*.ipynb"))
RUNS_CODE = {"exec", "eval", "compile", "__import__", "execfile"}
"""Built-in functions."""
MODULES = {
    "subprocess", "multiprocessing", "runpy", "code", "codeop", "pty", "pickle", "marshal",
    "shelve", "concurrent.futures.process", "doctest", "timeit", "joblib", "dill",
}  # fmt: skip
"""Modules that run code or start programs; each import is a finding."""
OF_OS = {"system", "popen", "startfile", "fork", "forkpty"}
"""Functions of `os`, besides all that begin with `exec`, `spawn` and `posix_spawn`."""
OF_OTHERS = {
    "unsafe_execute", "untrusted_check", "check_correctness", "import_module", "exec_module",
    "ProcessPoolExecutor",
}  # fmt: skip
"""Functions of the benchmark packages that run solutions in this process or a bare fork, and of
other modules that run what they are given."""

ALLOWED = {
    "__init__.py": ({"import_module"}, "this package's own modules, by a fixed table"),
    "evaluate/judges/__init__.py": ({"import_module"}, "a judge that the user wrote and named"),
    "evaluate/judges/evidence.py": ({"subprocess"}, "ruff: reads code and runs none of it"),
    "nano/lab/__main__.py": (
        {"multiprocessing", "ProcessPoolExecutor"},
        "itself, to train pretrainings beside each other",
    ),
    "nano/lab/benchmarks.py": ({"eval"}, "an expression of the grammar, written there"),
    "nano/lab/inputs.py": ({"exec"}, "the grammar's own reference solutions, written there"),
    "prefs/filters.py": ({"subprocess"}, "the type checker: reads code and runs none of it"),
    "prefs/inside/runner.py": (
        {"compile", "doctest", "exec"},
        "sent into the sandbox, where it runs a response's tests",
    ),
    "prefs/inside/stand_in.py": ({"__import__"}, "sent into the sandbox, in pytest's place"),
    "provenance.py": ({"subprocess"}, "git"),
    "sandbox/inside/child.py": ({"compile", "exec"}, "the sandbox: the forked, isolated child"),
    "sandbox/inside/hashing.py": ({"marshal"}, "only packs values, to hash them; reads none"),
    "sandbox/inside/server.py": ({"import_module", "os.fork"}, "the sandbox: preload, fork"),
    "sandbox/worker.py": ({"subprocess"}, "the sandbox: starts the isolated server"),
    "sandbox/workfolder.py": ({"subprocess"}, "chmod and rm of a worker's folder"),
    "workflow/colab.py": ({"subprocess", "import_module"}, "pip, nvidia-smi; Colab's own drive"),
    "workflow/rates.py": ({"subprocess"}, "itself, to measure this machine's pace apart"),
    "workflow/run.py": ({"subprocess"}, "snakemake, which runs the notebooks"),
    "workflow/slurm.py": ({"subprocess"}, "the cluster's own commands"),
    "workflow/warm.py": (
        {"subprocess", "import_module", "os.fork"},
        "processes with what the notebooks import, from which their kernels are forked",
    ),
}
"""File: what it uses, and why that runs no generated code."""


def findings(tree: ast.AST) -> Counter[str]:
    used: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used.update(name for a in node.names if (name := _module(a.name)))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            used.update(name for name in [_module(node.module or "")] if name)
            used.update(a.name for a in node.names if a.name in OF_OTHERS)
            used.update(f"os.{a.name}" for a in node.names if node.module == "os" and _os(a.name))
        elif isinstance(node, ast.Name) and node.id in RUNS_CODE:
            used[node.id] += 1
        elif isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            used.update([f"os.{node.attr}"] if owner == "os" and _os(node.attr) else [])
            used.update([node.attr] if node.attr in OF_OTHERS else [])
            used.update([node.attr] if owner == "builtins" and node.attr in RUNS_CODE else [])
    return used


def _module(name: str) -> str:
    return next((m for m in MODULES if name == m or name.startswith(f"{m}.")), "")


def _os(name: str) -> bool:
    return name in OF_OS or name.startswith(("exec", "spawn", "posix_spawn"))


@pytest.fixture(scope="module")
def by_file() -> dict[str, set[str]]:
    files = {
        str(p.relative_to(PACKAGE)): p
        for p in PACKAGE.rglob("*.py")
        if PACKAGE / "data" not in p.parents
    }
    for folder in BESIDE:
        files |= {f"{folder}/{p.name}": p for p in (PACKAGE.parent / folder).glob("*.py")}
    uses = {name: set(findings(ast.parse(p.read_text("utf-8")))) for name, p in files.items()}
    return {name: used for name, used in sorted(uses.items()) if used}


def test_nothing_runs_code_outside_the_sandbox_but_what_is_listed(by_file) -> None:
    assert by_file == {name: used for name, (used, _) in ALLOWED.items()}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_none(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    tree = ast.parse(code)
    opening = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(opening.test).startswith("'google.colab' in sys.modules and ")
    source, fetching = map(ast.unparse, opening.body)  # this package, by pip
    assert source.startswith("source = '")
    assert fetching.startswith("get_ipython().run_line_magic('pip', ")
    tree.body.remove(opening)
    assert "run_line_magic" not in ast.unparse(tree)
    assert not findings(tree)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("exec('x')", "exec"), ("run = eval", "eval"), ("import subprocess as s", "subprocess"),
        ("from multiprocessing.pool import Pool", "multiprocessing"),
        ("os.execvp('a')", "os.execvp"), ("os.posix_spawn(a)", "os.posix_spawn"),
        ("import os\nos.system('a')", "os.system"), ("from os import popen", "os.popen"),
        ("from evalplus.eval import untrusted_check", "untrusted_check"),
        ("evalplus.eval.unsafe_execute(x)", "unsafe_execute"), ("builtins.exec(x)", "exec"),
        ("importlib.import_module(x)", "import_module"), ("import pickle", "pickle"),
    ],
)  # fmt: skip
def test_each_way_is_found(code: str, name: str) -> None:
    assert findings(ast.parse(code)) == {name: 1}


@pytest.mark.parametrize("code", ["re.compile('x')", "import ast; ast.literal_eval('1')", "x.exec"])
def test_harmless_namesakes_are_not(code: str) -> None:
    assert not findings(ast.parse(code))
