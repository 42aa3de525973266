"""A stand-in for pytest: what tests of single functions use of it.

`mark.parametrize`, `mark.skip`, `mark.skipif`, `mark.xfail` (not run) and any other mark (without
effect), `param`, `raises`, `approx`, `fixture`, `skip`, `fail`, `importorskip`, `main` (nothing to
do: the tests are collected anyway). Everything else is unsupported and says so.
"""

# ruff: noqa: F821 (what is not defined here is defined in runner.py, which stands before it)
import contextlib
import math
import re
import sys
import types


class _Mark:
    def __init__(self, name, args=(), kwargs=None):
        self.name, self.args, self.kwargs = name, args, kwargs or {}

    def __call__(self, *args, **kwargs):
        bare = self.name != "parametrize" and not self.args and not kwargs
        if len(args) == 1 and bare and isinstance(args[0], (types.FunctionType, type)):
            return self._put(args[0])
        mark = _Mark(self.name, args, kwargs)
        return mark._put if self.name == "parametrize" or args or kwargs else mark

    def _put(self, target):
        target.pytestmark = [*target.__dict__.get("pytestmark", ()), self]
        return target

    def skips(self):
        if self.name == "skipif":
            return bool(self.args and self.args[0])
        return self.name in ("skip", "xfail")

    def sets(self):
        """Return one dictionary of arguments for each set of parameters."""
        if self.kwargs.get("indirect"):
            raise Unsupported("parametrize(indirect=...)")
        names, rows = (*self.args, self.kwargs.get("argvalues"))[:2]
        if isinstance(names, str):
            names = [n.strip() for n in names.split(",") if n.strip()]
            single = len(names) == 1
        else:
            single = False
        rows = [r if isinstance(r, _Param) else _Param((r,) if single else r) for r in rows]
        return [dict(zip(names, r.values, strict=True)) for r in rows if not r.skips()]


class _Param:
    def __init__(self, values, marks=()):
        self.values = values
        self.marks = marks if isinstance(marks, (list, tuple)) else (marks,)

    def skips(self):
        return any(getattr(m, "skips", bool)() for m in self.marks)


class _Marks:
    def __getattr__(self, name):
        return _Mark(name)


class _Raised:
    value = None
    type = None

    def match(self, pattern):
        assert re.search(pattern, str(self.value)), f"{pattern!r} not in {str(self.value)!r}"
        return True


@contextlib.contextmanager
def _raising(expected, match):
    raised = _Raised()
    try:
        yield raised
    except expected as error:
        raised.value, raised.type = error, type(error)
        if match is not None:
            raised.match(match)
    else:
        raise AssertionError(f"did not raise {expected}")


def _raises(expected, *args, match=None, **kwargs):
    if not args:
        return _raising(expected, match)
    with _raising(expected, None) as raised:
        args[0](*args[1:], **kwargs)
    return raised


class _Approx:
    __array_priority__ = 100
    __array_ufunc__ = None

    def __init__(self, expected, rel=None, abs=None, nan_ok=False):
        self.expected, self.nan_ok = expected, nan_ok
        self.rel, self.abs = rel, abs

    def __eq__(self, actual):
        return self._near(self.expected, actual)

    def __ne__(self, actual):
        return not self == actual

    __hash__ = None

    def _near(self, wanted, actual):
        if hasattr(wanted, "tolist"):
            wanted = wanted.tolist()
        if hasattr(actual, "tolist"):
            actual = actual.tolist()
        if isinstance(wanted, dict):
            same = isinstance(actual, dict) and wanted.keys() == actual.keys()
            return same and all(self._near(wanted[k], actual[k]) for k in wanted)
        if isinstance(wanted, (list, tuple)):
            same = isinstance(actual, (list, tuple)) and len(wanted) == len(actual)
            return same and all(map(self._near, wanted, actual))
        try:
            if math.isnan(wanted) and math.isnan(actual):
                return self.nan_ok
        except TypeError:
            return wanted == actual
        if wanted == actual or math.isinf(wanted):
            return wanted == actual
        least = 1e-12 if self.abs is None else self.abs
        share = (1e-6 if self.abs is None else 0) if self.rel is None else self.rel
        return abs(wanted - actual) <= max(least, share * abs(wanted))


def _fixture_of(function=None, **options):
    if options.get("params") is not None:
        raise Unsupported("fixture(params=...)")

    def mark(fixture):
        fixture.is_fixture = True
        return fixture

    return mark(function) if function is not None else mark


class _Skipped(SystemExit):
    """Ends the tests without a failure."""


def _skip(reason="", **_):
    raise _Skipped(0)


def _fail(reason="", **_):
    raise AssertionError(reason)


def _importorskip(name, *_, **__):
    try:
        return __import__(name)
    except ImportError:
        raise Unsupported(f"module {name!r}") from None


def _lacks(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise Unsupported(f"pytest.{name}")


stand_in = types.ModuleType("pytest")
stand_in.__dict__.update(
    mark=_Marks(), param=lambda *values, marks=(), **_: _Param(values, marks), raises=_raises,
    approx=_Approx, fixture=_fixture_of, skip=_skip, fail=_fail, importorskip=_importorskip,
    main=lambda *_, **__: 0, __getattr__=_lacks,
)  # fmt: skip
sys.modules["pytest"] = stand_in
