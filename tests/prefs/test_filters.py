"""Each filter removes what it names and nothing else, type errors among it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.prefs import filters
from codealign.prefs.sources import Module, functions

GOOD = '''import re
SEP = ","

def f(text):
    """Split a text at commas."""
    return re.split(SEP, text)
'''


def function(source: str):
    module = Module("one.py", tuple(source.split("\n")), ast.parse(source))
    return next(functions(module))


def reasons(source: str) -> list[str]:
    return [f.name for f in filters.FILTERS if not f.keep(function(source))]


@pytest.mark.parametrize("arguments", ["text", "text, /", "text, /, more=1", "text, *, more=1"])
def test_a_documented_self_contained_function_passes_all(arguments: str) -> None:
    assert reasons(GOOD.replace("f(text)", f"f({arguments})")) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"""Split a text at commas."""', '"""Split."""', "no docstring"),
        ("return re.split(SEP, text)", "return None", "returns no value"),
        ("return re.split(SEP, text)", "lambda: SEP\n    return", "returns no value"),
        ("f(text)", "f(*text)", "no plain arguments"),
        ("f(text)", "f(text, **more)", "no plain arguments"),
        ("def f", "@staticmethod\ndef f", "generator, coroutine, decorated or outer variables"),
        ("def f", "async def f", "generator, coroutine, decorated or outer variables"),
        (
            "    return",
            "    global SEP\n    return",
            "generator, coroutine, decorated or outer variables",
        ),
        ("    return", "    x = 1\n" * 40 + "    return", "too short or too long"),
        ("Split a text", "TODO: split a text", "docstring says unfinished"),
        ("    return", "    print(text)\n    return", "input, output or evaluation"),
        ("import re", "import subprocess as re", "not self-contained"),
        ("SEP = ", "OTHER = ", "not self-contained"),
    ],
)
def test_one_fault_is_removed_by_its_filter_alone(old: str, new: str, reason: str) -> None:
    assert old in GOOD
    assert reasons(GOOD.replace(old, new, 1)) == [reason]


def test_a_return_in_a_nested_function_is_not_the_functions_own() -> None:
    source = 'def f(x):\n    """Do some things."""\n    def g():\n        return 1\n    g()\n'
    assert "returns no value" in reasons(source)


def test_a_yield_in_a_nested_function_does_not_make_a_generator() -> None:
    nested = "    def g():\n        yield x\n"
    source = f'def f(x):\n    """Do some things."""\n{nested}    return list(g())\n'
    assert reasons(source) == []


TYPED = "import math\n\n\ndef f(x: float) -> float:\n    return math.sqrt(x)\n"


def test_the_places_of_the_faulty_pieces_are_told() -> None:
    wrong_type = "def f(x: int) -> str:\n    return x + 1\n"
    no_attribute = "import math\n\n\ndef f(x):\n    return math.square_root(x)\n"
    assert filters.faulty([TYPED, wrong_type, TYPED, no_attribute]) == {1, 3}


def test_code_without_annotations_is_checked_by_what_can_be_known() -> None:
    assert filters.faulty(["def f(x):\n    return x + 1\n"]) == set()
    assert filters.faulty(["def f():\n    return 'a' + 1\n"]) == {0}


def test_pieces_do_not_see_each_other() -> None:
    assert filters.faulty(["HELPER = 1\n", "from candidate_0 import HELPER\n"]) == {1}


def test_nothing_to_check_is_nothing_faulty() -> None:
    assert filters.faulty([]) == set()


def test_the_code_is_not_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    filters.faulty([f"from pathlib import Path\n\nPath({str(trace)!r}).touch()\n"])
    assert not trace.exists()


def test_a_checker_that_fails_is_an_error_with_a_way_out(monkeypatch) -> None:
    monkeypatch.setattr(filters, "PYREFLY_OPTIONS", ("--no-such-option",))
    with pytest.raises(CodealignError, match="pyrefly failed.*type_check: false"):
        filters.faulty([TYPED])
