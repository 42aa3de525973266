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
        found = scope.get(name)
        if name in owners or found is None:
            continue
        if not isinstance(found, type):
            _run_function(found, scope, scope.get(case["entry"]))
        elif hasattr(found, "assertEqual"):
            _run_test_case(found)
        else:
            _run_class(found, scope)


def _run_test_case(cls) -> None:
    import unittest

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(cls).run(result)
    for _, said in (*result.errors, *result.failures):
        last = said.strip().splitlines()[-1]
        if "Unsupported: " in last or last.startswith("ModuleNotFoundError"):
            raise Unsupported(last)
        raise AssertionError(last)


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
        given = {name: value for one in chosen for name, value in one.items()}
        with contextlib.ExitStack() as stack:
            for name in _asked_for(function):
                if name not in given:
                    given[name] = _fixture(name, scope, entry, stack, instance)
            try:
                made = function(**given)
                if inspect.iscoroutine(made):
                    asyncio.run(made)
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
    made = make(**{n: _fixture(n, scope, entry, stack, instance) for n in _asked_for(make)})
    if inspect.isgenerator(made):
        value = next(made)
        stack.callback(next, made, None)  # what stands behind the yield cleans up
        return value
    return made


FURTHER.append(run_collected)
