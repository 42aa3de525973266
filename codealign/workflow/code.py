"""What code decides a notebook's result, as one hash.

A notebook that calls a stage (`codealign.stages`) shows what the stage has made: its code is the
stage's, not its cells and not what draws. Of any other notebook it is its cells and what these
import.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.paths import PACKAGE, PROJECT
from codealign.workflow.notebooks import SHOWING

TEXT = (".txt", ".yaml")
STAGES = "codealign.stages."
ANALYSIS, DRIVING = "codealign.analysis", ("codealign.workflow", "codealign.checks")
SETTINGS = "codealign.params"
"""Counted by value: a job's settings are part of what it is made from, defaults filled in."""
WORDING = (
    "codealign.evaluate.functional.wording",
    "codealign.generate.progress",
    "codealign.markdown",
    "codealign.prefs.readme",
    "codealign.progress",
    "codealign.train.readme",
)
"""What only words or draws a stage's work: no number and no record hangs on it."""
JUDGES = "codealign.evaluate.judges"
DECIDING = ("codealign.analysis.measured", "codealign.analysis.gating")
"""What a stage takes from the analysis into its result: intervals, and a gate's verdict."""
COLAB = "'google.colab' in sys.modules"
"""How the test begins, as `ast.unparse` writes it, of what is done on Google Colab alone."""
# Files, and folders without modules, that the module named reads: part of what it computes.
READ_BY = {
    "analysis/survey.py": ("data",),  # which 06 and 07 import, and no stage that computes
    "analysis/questions.py": ("data/observations.yaml",),
    "analysis/scores.py": ("data/benchmarks.yaml",),
    "models.py": ("nano/data", "nano/weights"),
    "prefs/pool.py": ("nano/pool",),
    "prefs/steps.py": ("prompts/chat", "prompts/few_shot"),
    "evaluate/judges/grading.py": ("prompts/rubrics",),
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
        if isinstance(node, ast.If) and ast.unparse(node.test).startswith(COLAB):
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
    modules = set()
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        modules.update(n for n in names if n.split(".")[0] == "codealign" and _module_file(n))
    return modules


@cache
def _read(path: Path) -> tuple[set[str], str]:
    """Return what a module imports and its plain source, as it was when first asked for."""
    source = path.read_text(encoding="utf-8")
    return imported_modules(source), plain(source)


def _named(notebook: str) -> tuple[set[str], set[str]]:
    """Return the modules of the stages that a notebook's cells import, and all they import."""
    cells = [computing(source) for source, _ in code_cells(notebook)]
    named: set[str] = set().union(*(imported_modules(source) for source in cells))
    return {name for name in named if name.startswith(STAGES)}, named


@cache
def closure(notebook: str, anew: bool = True, judged: bool = True) -> tuple[Path, ...]:
    """Return the project's source files that decide what a notebook computes.

    Followed are the imports of its stage, or else of its cells, at any depth. Left out are the
    driver's modules, which decide when a job runs, `SETTINGS`, and `__init__.py` of the package,
    which names everything and loads it late. A notebook that computes (all but `SHOWING`) takes
    nothing into its result from `WORDING`, nor from `codealign.analysis` but `DECIDING`.

    Parameters
    ----------
    anew : False leaves out `DECIDING` too, which is computed anew whenever the notebook runs, so
        that it cannot make work stale that the notebook would continue.
    judged : False leaves out `JUDGES`, of a job that asks none.
    """
    left_out = (*DRIVING, SETTINGS, *(() if judged else (JUDGES,)))
    left_out += () if notebook in SHOWING else WORDING
    stages, todo = _named(notebook)
    seen = {name: path for name in stages if (path := _module_file(name))}
    if stages:
        todo = set().union(*(_read(path)[0] for path in seen.values())) - stages
    if notebook not in SHOWING:
        counted = DECIDING if anew else ()
        todo = {name for name in todo if not _within(name, (ANALYSIS,)) or name in counted}
    while todo:
        name = todo.pop()
        path = _module_file(name)
        if name in seen or _within(name, left_out) or path in (None, PACKAGE / "__init__.py"):
            continue
        seen[name] = path
        todo |= _read(path)[0]
    return tuple(sorted(set(seen.values())))


def _within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def code_of(notebook: str, settings: Mapping[str, Any], anew: bool = True) -> str:
    """Return the `code_hash` of a notebook's job with these settings, by section.

    Preference data are rated if their settings name a judge; without one no judge decides them.
    """
    judged = "prefs" not in settings or bool(settings["prefs"]["pairs"]["judge"])
    return code_hash(notebook, anew, judged)


@cache
def code_hash(notebook: str, anew: bool = True, judged: bool = True) -> str:
    """Return 16 hexadecimal digits over the code that decides a notebook's result.

    That is the code of `closure` with its data files, and of a notebook without a stage its code
    cells. Comments and docstrings are no part of it, nor is what a cell does on Colab alone. Text
    files in a package's folder (templates) are part of it, and so are the folders in `READ_BY`.

    Parameters
    ----------
    anew, judged : as in `closure`.
    """
    digest = hashlib.sha256()
    for source, _ in code_cells(notebook) if not _named(notebook)[0] else ():
        digest.update(plain(computing(source)).encode())
    for path in closure(notebook, anew, judged):
        digest.update(_read(path)[1].encode())
        for file in _read_by(path):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def plain(source: str) -> str:
    """Return source text without comments, docstrings and empty lines (strings keep theirs)."""
    lines, gone = source.splitlines(), set()
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str):
                gone.update(range(node.lineno - 1, node.end_lineno))
    kept = ["" if row in gone else line for row, line in enumerate(lines)]
    # Where no string is left that spans lines, each line shows by itself where its comment begins:
    # reading the few lines with a `#` is many times faster than reading all.
    whole = not any(quotes in line for line in kept for quotes in ('"""', "'''"))
    for row, column in _by_line(kept) if whole else _comments("\n".join(kept)):
        kept[row] = kept[row][:column].rstrip()
        gone |= set() if kept[row] else {row}
    gone |= {row for row, line in enumerate(kept) if whole and not line.strip()}
    return "\n".join(line for row, line in enumerate(kept) if row not in gone)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements in a module, at any depth; of expressions nothing."""
    for part in ("body", "handlers", "orelse", "finalbody", "cases"):
        inside = getattr(node, part, ())
        for child in inside if isinstance(inside, list) else ():
            if isinstance(child, ast.stmt):
                yield child
            yield from _statements(child)


def _comments(text: str) -> list[tuple[int, int]]:
    """Return row and column, from 0, of each comment; of a part of a source as far as it goes."""
    places = []
    with contextlib.suppress(tokenize.TokenError, IndentationError):
        for token in tokenize.generate_tokens(StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                places.append((token.start[0] - 1, token.start[1]))
    return places


def _by_line(lines: list[str]) -> list[tuple[int, int]]:
    return [(row, column) for row, line in enumerate(lines) if "#" in line
            for _, column in _comments(line)]  # fmt: skip


def _read_by(module: Path) -> list[Path]:
    """Return the data files that belong to a module."""
    files = []
    if module.name == "__init__.py":
        files = [p for p in module.parent.iterdir() if p.suffix in TEXT]
    for folder in READ_BY.get(module.relative_to(PACKAGE).as_posix(), ()):
        place = PACKAGE / folder
        files += [p for p in place.rglob("*") if p.is_file()] if place.is_dir() else [place]
    return sorted(p for p in files if "__pycache__" not in p.parts)
