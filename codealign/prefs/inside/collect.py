"""Runs the test functions and classes that the tests define and nothing has called.

As pytest and unittest do: functions and methods named `test…`, classes named `Test…`, TestCase
classes; parametrized ones once for each set of arguments, each with its fixtures; and
`check(candidate)` with the function under test.
"""

# ruff: noqa: F821 (what is not defined here is defined in runner.py, which stands before it)
import asyncio
import contextlib
import inspect
import itertools

CANDIDATES = ("candidate", "func", "fn", "function", "solution")


def run_collected(case, scope, owners) -> None:
    """Run what `case["collect"]` names, unless one of its checks was evaluated already."""
    for name in case["collect"]:
        test = scope.get(name)
        if name in owners or test is None:
            continue
        if not isinstance(test, type):
            _run_function(test, scope, scope.get(case["entry"]))
        elif hasattr(test, "assertEqual"):
            _run_test_case(test)
        else:
            _run_class(test, scope)


def _run_test_case(cls) -> None:
    import unittest

    class Raised(unittest.TestResult):
        """Keeps the exceptions themselves, in place of their text."""

        def addError(self, test, error):
            self.errors.append((test, error[1]))

        def addFailure(self, test, error):
            self.failures.append((test, error[1]))

        def addSubTest(self, test, subtest, error):
            if error is not None:
                self.addFailure(subtest, error)

    result = Raised()
    unittest.defaultTestLoader.loadTestsFromTestCase(cls).run(result)
    for _, error in (*result.errors, *result.failures):
        if isinstance(error, SystemExit):  # would end the program as if it had left by itself
            raise AssertionError(f"the test left with {error.code!r}")
        raise error


def _run_class(cls, scope) -> None:
    for name in [n for n in vars(cls) if n.startswith("test")]:
        instance = cls()
        for before in ("setup_class", "setup_method", "setup"):
            getattr(instance, before, lambda *_: None)(*_arguments_of(instance, before))
        _run_function(getattr(instance, name), scope, None, instance)
        for after in ("teardown_method", "teardown"):
            getattr(instance, after, lambda *_: None)(*_arguments_of(instance, after))


def _arguments_of(instance, name):
    """Return the test method that `setup_method(self, method)` may ask for."""
    hook = getattr(instance, name, None)
    return [None] * len(inspect.signature(hook).parameters) if hook else []


def _run_function(function, scope, entry, instance=None) -> None:
    marks = [*getattr(type(instance), "pytestmark", ()), *getattr(function, "pytestmark", ())]
    if any(m.skips() for m in marks):
        return
    sets = [m.sets() for m in marks if m.name == "parametrize"]
    for chosen in itertools.product(*sets):
        arguments = {name: value for one in chosen for name, value in one.items()}
        with contextlib.ExitStack() as stack:
            for name in _asked_for(function):
                if name not in arguments:
                    arguments[name] = _fixture(name, scope, entry, stack, instance)
            try:
                returned = function(**arguments)
                if inspect.iscoroutine(returned):
                    asyncio.run(returned)
            except SystemExit as left:  # pytest.skip
                if left.code:
                    raise AssertionError(f"the test left with {left.code!r}") from None


def _asked_for(function):
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]


def _fixture(name, scope, entry, stack, instance):
    make = getattr(instance, name, None) or scope.get(name)
    if not getattr(make, "is_fixture", False):
        if entry is not None and name in CANDIDATES:
            return entry
        raise Unsupported(f"no fixture {name!r}")
    value = make(**{n: _fixture(n, scope, entry, stack, instance) for n in _asked_for(make)})
    if inspect.isgenerator(value):
        stack.callback(next, value, None)  # what stands behind the yield cleans up
        return next(value)
    return value


FURTHER.append(run_collected)
