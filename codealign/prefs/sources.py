"""Python source files read into functions, with what each needs from its module."""

from __future__ import annotations

import ast
import builtins
import symtable
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError, nearest
from codealign.params import Hub
from codealign.paths import PROJECT

UNREADABLE, NOT_TEXT = "files that cannot be read", "files that are not UTF-8"
NOT_PYTHON = "files that do not parse"
LOST = (UNREADABLE, NOT_TEXT, NOT_PYTHON)
"""What the counts of a corpus call the files that gave nothing."""
SKIPPED_FOLDERS = frozenset(
    "test tests __pycache__ site-packages idlelib lib2to3 turtledemo ensurepip _vendor".split()
)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Binding:
    """A module-level import or constant: what provides a name. `module` is "" for a constant."""

    statement: str
    module: str
    line: int


@dataclass(frozen=True)
class Module:
    """A parsed source file; `path` is relative to the corpus, with forward slashes."""

    path: str
    lines: tuple[str, ...]
    tree: ast.Module

    @cached_property
    def bindings(self) -> dict[str, Binding]:
        """What provides each name that the module imports or assigns at its top level."""
        bindings: dict[str, Binding] = {}
        for node in self.tree.body:
            bindings.update(_bindings(node))
        return bindings


@dataclass(frozen=True)
class SourceFunction:
    """A function with the module it stands in."""

    module: Module
    node: FunctionNode

    @cached_property
    def code(self) -> str:
        """The function's own source lines, decorators included, with a final newline."""
        first = min([self.node.lineno, *(d.lineno for d in self.node.decorator_list)])
        return "\n".join(self.module.lines[first - 1 : self.node.end_lineno]) + "\n"

    @cached_property
    def docstring(self) -> str:
        """The cleaned docstring, "" if there is none."""
        return ast.get_docstring(self.node) or ""

    @cached_property
    def requirements(self) -> list[Binding] | None:
        """The imports and constants the code needs, in source order; None if a name is not found.

        A constant's own names are followed too.
        """
        needed: dict[str, Binding] = {}
        todo = list(free_names(self.code) - {self.node.name})
        while todo:
            name = todo.pop()
            if name in needed:
                continue
            if name not in self.module.bindings:
                return None
            needed[name] = self.module.bindings[name]
            if not needed[name].module:
                todo.extend(free_names(needed[name].statement))
        return sorted(needed.values(), key=lambda b: b.line)

    @property
    def standalone(self) -> str:
        """The code after the imports and constants it needs (none if a name is not found)."""
        needed = dict.fromkeys(b.statement for b in self.requirements or ())
        return "".join(s + "\n" for s in needed) + ("\n\n" if needed else "") + self.code


def _bindings(node: ast.stmt) -> Iterator[tuple[str, Binding]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = (alias.asname or alias.name).split(".")[0]
            statement = ast.unparse(ast.Import([alias]))
            yield name, Binding(statement, alias.name.split(".")[0], node.lineno)
    elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        for alias in node.names:
            statement = ast.unparse(ast.ImportFrom(node.module, [alias], 0))
            root = node.module.split(".")[0]
            yield alias.asname or alias.name, Binding(statement, root, node.lineno)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        if len(node.targets) == 1:
            yield node.targets[0].id, Binding(ast.unparse(node), "", node.lineno)


def free_names(code: str) -> set[str]:
    """Return the names that a piece of code reads but neither defines nor finds among builtins."""
    top = symtable.symtable(code, "<code>", "exec")
    tables = [top]
    names: set[str] = set()
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        for symbol in table.get_symbols():
            defined = symbol.is_assigned() or symbol.is_imported()
            if symbol.is_referenced() and (symbol.is_global() or (table is top and not defined)):
                names.add(symbol.get_name())
    defined_at_top = {s.get_name() for s in top.get_symbols() if s.is_assigned()}
    return {n for n in names - defined_at_top if not hasattr(builtins, n)}


def corpus_folder(corpus: str) -> Path:
    """Return the folder of a corpus: `stdlib` is the running Python's library, else a folder.

    A relative one is the project's, wherever the command was given: its jobs work there.

    Raises
    ------
    CodealignError
        There is no such folder.
    """
    # An absolute path, as the library's is, stays what it is.
    folder = PROJECT / (sysconfig.get_path("stdlib") if corpus == "stdlib" else corpus)
    if not folder.is_dir():
        raise CodealignError(
            f"corpus {corpus!r}: no such folder; give `stdlib`, a folder or `hub:<data set>`"
        )
    return folder


def read_modules(folder: Path, counts: Counter[str]) -> Iterator[Module]:
    """Yield the modules under a folder in the order of their paths.

    `counts` gets the files that were read and, by reason, those that could not be. Test folders,
    vendored packages, site-packages and hidden folders are left out.
    """
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        if any(p in SKIPPED_FOLDERS or p.startswith(".") for p in relative.parts[:-1]):
            continue
        try:
            content = path.read_bytes()
        except OSError:
            counts["files"] += 1
            counts[UNREADABLE] += 1
        else:
            yield from parsed(content, relative.as_posix(), counts)


def parsed(content: bytes | str, path: str, counts: Counter[str]) -> Iterator[Module]:
    """Yield the module in a file's content, or nothing; `counts` gets the file and the reason."""
    counts["files"] += 1
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        text = text.replace("\r\n", "\n").replace("\r", "\n")  # the lines that ast counts
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of other people's code
            tree = ast.parse(text)
    except UnicodeDecodeError:
        counts[NOT_TEXT] += 1
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        counts[NOT_PYTHON] += 1
    else:
        yield Module(path, tuple(text.split("\n")), tree)


def functions(module: Module) -> Iterator[SourceFunction]:
    """Yield the functions defined at a module's top level (not methods, not nested ones)."""
    for node in module.tree.body:
        if isinstance(node, FunctionNode):
            yield SourceFunction(module, node)


# A corpus that is a data set: The Stack, or any other with a text column, read as a stream.

PREFIX = "hub:"


def hub_modules(name: str, settings: Hub, counts: Counter[str]) -> Iterator[Module]:
    """Yield the modules of a data set in its own order, one row per file; nothing is kept.

    Parameters
    ----------
    name : a data set of the Hugging Face hub, e.g. `bigcode/the-stack-dedup`, or a folder that
        `datasets` can load (Parquet or JSON Lines files).
    counts : gets the files that were read and, by reason, those that could not be.

    Raises
    ------
    CodealignError
        No access (says how to log in), no such data set, no network, or no such column.
    """
    for number, row in enumerate(islice(_rows(name, settings), settings.files or None)):
        if settings.column not in row:
            raise CodealignError(
                f"data set {name}: no column {settings.column!r}"
                + nearest(settings.column, list(row))
            )
        parts = [str(row[c]) for c in settings.path_columns if row.get(c)]
        yield from parsed(row[settings.column] or "", "/".join(parts) or f"row {number}", counts)


def _rows(name: str, settings: Hub) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset

    try:
        yield from load_dataset(
            name,
            data_dir=settings.data_dir or None,
            split=settings.split,
            revision=None if Path(name).is_dir() else settings.revision,
            streaming=True,
        )
    except (OSError, ValueError) as error:  # what datasets and huggingface_hub raise is one of them
        raise CodealignError(f"data set {name}: {_advice(name, error)}") from error


def _advice(name: str, error: Exception) -> str:
    why = str(error).split("\n")[0]
    # Only words tell: `datasets` raises what the hub refused anew, without the hub's own error.
    if "gated" in why.lower() or "401" in why or "403" in why:
        return (
            f"no access ({why}); accept its terms at https://huggingface.co/datasets/{name}, then "
            "run `hf auth login` or set HF_TOKEN"
        )
    return (
        f"cannot be read ({why}); check its name, `hub.data_dir` and `hub.split`, and the network "
        "(HF_HUB_OFFLINE); a private one needs `hf auth login` or HF_TOKEN"
    )
