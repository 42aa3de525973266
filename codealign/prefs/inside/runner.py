"""Runs code with its tests in a module of its own and counts what the tests asserted."""

import sys
import types

CASES: list = []
FURTHER: list = []  # what `collect.py` adds: runs test functions and classes that nothing called


class Unsupported(Exception):
    """The tests want something that this runner does not have; says nothing of the code."""


class Untested(Exception):
    """No check was evaluated."""


def run_case(number: int) -> int:
    """Run the case `CASES[number]`; return how many checks were evaluated, none of them failing.

    A case is a dictionary: `code`; `tests`, in which each check is wrapped into `__checked__`;
    `style` ("python" or "doctest"); `collect`, the names of test functions and classes; `entry`,
    the name of the function under test. The code is imported, the tests are run as a script.

    Raises
    ------
    Untested, Unsupported
        See there.
    Exception
        Whatever the code or a failing test raises.
    """
    case = CASES[number]
    module = types.ModuleType("solution")
    sys.modules["solution"] = sys.modules["__main__"] = module
    scope, checks, owners = module.__dict__, [0], set()

    def checked(value, owner=""):
        checks[0] += 1
        owners.add(owner)
        return value

    try:
        exec(compile(case["code"], "solution.py", "exec"), scope)
    except SystemExit:
        raise Untested("the code left before any test") from None
    scope.update(__checked__=checked, __name__="__main__", __file__="main.py")
    if "doctest" in case["tests"] or case["style"] == "doctest":
        _count_doctests(checked)
    try:
        if case["style"] == "doctest":
            _run_doctests(case["tests"], scope)
        else:
            exec(compile(case["tests"], "tests.py", "exec"), scope)
    except SystemExit as left:
        if left.code:  # unittest.main() leaves with whether it failed
            raise AssertionError(f"the tests left with {left.code!r}") from None
    for further in FURTHER:
        further(case, scope, owners)
    if not checks[0]:
        raise Untested("nothing that asserts was run")
    return checks[0]


def _count_doctests(checked) -> None:
    """Let every example that doctest runs count as a check, and a failing one raise."""
    import doctest

    original = doctest.DocTestRunner.run

    def run(self, test, *args, **kwargs):
        result = original(self, test, *args, **kwargs)
        for _ in range(result.attempted):
            checked(None)
        if result.failed:
            raise AssertionError(f"doctest: {result.failed} of {result.attempted} examples failed")
        return result

    doctest.DocTestRunner.run = run


def _run_doctests(text: str, scope) -> None:
    import doctest

    examples = doctest.DocTestParser().get_doctest(text, scope, "tests", None, 0)
    doctest.DocTestRunner(verbose=False).run(examples, clear_globs=False)
