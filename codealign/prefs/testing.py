"""A response's code and tests made ready to run in the sandbox, and what came of it.

Tests are run the way they were written: plain asserts, functions that the tests call, functions and
classes in pytest's style, `unittest`, doctest, `check(candidate)`. The code is imported, the tests
are run as a script behind it, and then what pytest or unittest would have collected and nothing has
called. Every check (an assert, a call named `assert…`, `raises`, an `if` that raises, a doctest
example) is counted when it is evaluated: asserts that nothing runs are no tests.

pytest itself is replaced by a stand-in (`inside/stand_in.py` says what it knows): the real one
takes about a second of CPU time per response, against a few milliseconds, and the package runs
without it. Tests that want more are `unsupported`, which says nothing of the code.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from codealign.prefs.sources import free_names
from codealign.sandbox import Call, Program, Result

INSIDE = Path(__file__).parent / "inside"
CANNOT_PARSE = (SyntaxError, ValueError, RecursionError, MemoryError)
NO_CODE, NO_TESTS = "without code", "without tests"
BROKEN_TESTS, OTHER_TESTS = "tests that do not parse", "tests of something else"
TESTS_LACKING = (NO_TESTS, BROKEN_TESTS, OTHER_TESTS)
LACKING = (NO_CODE, *TESTS_LACKING)
"""Why a response is not executed."""
UNTESTED = "Untested"
UNSUPPORTED = ("Unsupported", "ModuleNotFoundError", "PermissionError")
"""Types of exceptions that say nothing of the code; `Unsupported` and `UNTESTED` are those of
`inside/runner.py`."""
TEST_CASES = ("TestCase", "IsolatedAsyncioTestCase")
RUN_DOCTESTS = ("testmod", "run_docstring_examples", "DocTestSuite")
CHECKED = "__checked__"
DOCTEST = re.compile(r"^\s*>>> ", re.MULTILINE)


class Untestable(Exception):
    """A response that cannot be executed with its tests; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Case:
    """Code and tests to run together; see `inside/runner.py` for what the fields mean."""

    code: str
    tests: str
    style: str = "python"
    collect: list[str] = field(default_factory=list)
    entry: str = ""


def make_case(code: str, tests: str) -> Case:
    """Return a response's code and tests, ready to run.

    Raises
    ------
    Untestable
        It lacks something without which nothing can be shown.
    """
    if not code.strip():
        raise Untestable(NO_CODE)
    if (tree := parse_tests(tests)) is None:
        return Case(code, tests, "doctest", [], entry_point(defined(code), tests))
    return case_of(code, tree)


def parse_tests(tests: str) -> ast.Module | None:
    """Return the tests' syntax tree, None if they are a doctest.

    Raises
    ------
    Untestable
        There are none, or they do not parse.
    """
    if not tests.strip():
        raise Untestable(NO_TESTS)
    try:
        return ast.parse(tests)
    except CANNOT_PARSE:
        if DOCTEST.search(tests):
            return None
        raise Untestable(BROKEN_TESTS) from None


def case_of(code: str, tree: ast.Module, without: Collection[ast.AST] = ()) -> Case:
    """Return code and parsed tests, ready to run; `without`: assertions that are left out.

    Raises
    ------
    Untestable
        The tests check nothing, or nothing of the code.
    """
    names = defined(code)
    collect = [n.name for n in tree.body if _is_collected(n)]
    marked = _Marks(names, without)
    tests = ast.unparse(ast.fix_missing_locations(marked.visit(tree)))
    if not marked.checks and not marked.doctests:
        raise Untestable(NO_TESTS)
    free = free_names(tests)
    used = [n for n in names if n in free]
    given = any(_wants_candidate(n) for n in tree.body) or marked.doctests
    if names and not used and not given:
        raise Untestable(OTHER_TESTS)
    return Case(code, tests, "python", collect, used[0] if used else (names or [""])[-1])


def defined(code: str) -> list[str]:
    """Return the functions and classes that code defines at its top level; [] if it is broken."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    try:
        return [n.name for n in ast.parse(code).body if isinstance(n, kinds)]
    except CANNOT_PARSE:
        return []


def entry_point(names: Sequence[str], tests: str) -> str:
    """Return the name that the tests are about: the first one they use, else the last one."""
    used = [n for n in names if re.search(rf"\b{re.escape(n)}\b", tests)]
    return (used or [*names] or [""])[0 if used else -1]


def _is_collected(node: ast.stmt) -> bool:
    if isinstance(node, ast.ClassDef):
        bases = {ast.unparse(b).rsplit(".", 1)[-1] for b in node.bases}
        return node.name.startswith("Test") or bool(bases & {*TEST_CASES})
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name.startswith("test") or _wants_candidate(node)
    return False


def _wants_candidate(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef):
        return False
    names = [a.arg for a in node.args.args]
    return node.name == "check" and len(names) == 1 or names == ["candidate"]


class _Marks(ast.NodeTransformer):
    """Wraps every check into `__checked__(value, owner)` and lets the tests find the code.

    `owner` is the function or class of the top level that the check stands in. Imports of the
    code's own names from a module that no one wrote (`from solution import f`) are taken out.
    """

    def __init__(self, names: Sequence[str], without: Collection[ast.AST]) -> None:
        self.names, self.without = {*names}, {id(n) for n in without}
        self.owner, self.depth, self.checks, self.doctests = "", 0, 0, 0

    def visit(self, node: ast.AST) -> ast.AST:
        """Visit a node; one that is to be left out becomes `pass`."""
        return ast.Pass() if id(node) in self.without else super().visit(node)

    def _definition(self, node: ast.AST) -> ast.AST:
        if not self.depth:
            self.owner = node.name
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1
        if not self.depth:
            self.owner = ""
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _definition

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        """Wrap the condition."""
        self.generic_visit(node)
        node.test = self._checked(node.test)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Wrap calls that check: `self.assertEqual(…)`, `np.testing.assert_allclose(…)`."""
        self.generic_visit(node)
        name = ast.unparse(node.func).rsplit(".", 1)[-1]
        checks = name.startswith("assert") or name in ("raises", "warns")
        self.doctests += name in RUN_DOCTESTS  # their examples are counted as they run
        return self._checked(node) if checks else node

    def visit_If(self, node: ast.If) -> ast.If:
        """Wrap the condition of an `if` that raises."""
        self.generic_visit(node)
        if any(isinstance(n, ast.Raise) for n in node.body):
            node.test = self._checked(node.test)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.AST]:
        """Take the code's own names from where they are."""
        root = (node.module or "").split(".")[0]
        own = all(a.name in self.names for a in node.names) and root not in sys.stdlib_module_names
        if not own:
            return node
        renamed = [a for a in node.names if a.asname]
        return [ast.parse(f"{a.asname} = {a.name}").body[0] for a in renamed] or ast.Pass()

    def _checked(self, value: ast.expr) -> ast.Call:
        self.checks += 1
        return ast.Call(ast.Name(CHECKED, ast.Load()), [value, ast.Constant(self.owner)], [])


@cache
def _inside(name: str) -> str:
    return (INSIDE / f"{name}.py").read_text(encoding="utf-8")


def harness_key() -> str:
    """Return what decides a verdict beside code and tests: the text of all that runs them."""
    return "".join(map(_inside, ("runner", "collect", "stand_in")))


def program_of(name: str, cases: Sequence[Case], cpu_s: float) -> Program:
    """Return the program that runs cases one after the other, each as a call of its own.

    The first case that takes more than `cpu_s` CPU seconds ends the program.
    """
    calls = [Call("run_case", [number]) for number in range(len(cases))]
    return Program(name, _source(cases), calls, cpu_s=cpu_s * len(cases), call_cpu_s=cpu_s)


def script_of(name: str, case: Case, cpu_s: float) -> Program:
    """Return the program that runs one case as a script."""
    return Program(name, _source([case]) + "run_case(0)\n", cpu_s=cpu_s)


def _source(cases: Sequence[Case]) -> str:
    parts = [_inside("runner")]
    if any(c.collect for c in cases):
        parts.append(_inside("collect"))
    if any("pytest" in c.code + c.tests for c in cases):
        parts.append(_inside("stand_in"))
    return "\n".join([*parts, f"CASES = {[asdict(c) for c in cases]!r}\n"])


def verdicts_of(result: Result, cases: int) -> list[tuple[str, str]]:
    """Return verdict and detail of the cases of a program, up to the one that ended it.

    Beside the sandbox's verdicts: `untested` (no check was evaluated), `unsupported` (it wants a
    module, a right, or a feature of pytest that is not there). Neither says that the code is wrong.
    """
    verdicts = [
        (verdict_of("fail" if o.error else "pass", o.exception), o.error) for o in result.outputs
    ]
    if result.verdict == "suspect":
        verdicts = [("suspect", result.detail) if v == "pass" else (v, d) for v, d in verdicts]
    if len(verdicts) < cases or not verdicts:
        verdicts.append((verdict_of(result.verdict, result.exception), result.detail))
    return verdicts


def verdict_of(verdict: str, exception: str) -> str:
    """Return the verdict that a sandbox's verdict stands for, by what the runner raised."""
    if verdict == "fail" and exception in UNSUPPORTED:
        return "unsupported"
    return "untested" if verdict == "fail" and exception == UNTESTED else verdict
