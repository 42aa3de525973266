"""Each filter removes what it names and nothing else."""

from __future__ import annotations

import ast

import pytest

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
