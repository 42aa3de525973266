"""Each filter removes what it names and nothing else: faults, type errors, overlap, duplicates."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.prefs import filters
from codealign.prefs.filters import Benchmarks, NearDuplicates, fingerprint, grams, shingles
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


TEXT = "return the sum of all even numbers in a list of integers"  # 12 words: 3 10-grams


def test_grams_of_twelve_words_are_three() -> None:
    assert len(grams(TEXT)) == 3


def test_grams_of_a_short_text_are_one_and_of_an_empty_text_none() -> None:
    assert grams("Two words") == {("two", "words")}
    assert grams(" .") == set()


def test_case_and_punctuation_do_not_hide_a_benchmark_text() -> None:
    guard = Benchmarks([TEXT])
    assert guard.contaminate(f'def f(x):\n    """{TEXT.upper()}!"""\n')


def test_a_seed_with_less_than_half_of_the_grams_is_clean() -> None:
    # the first 10 words hold 1 of 3 grams, the first 11 hold 2 of 3
    words = TEXT.split()
    assert not Benchmarks([TEXT]).contaminate(" ".join(words[:10]))
    assert Benchmarks([TEXT]).contaminate(" ".join(words[:11]))


def test_a_benchmark_text_shorter_than_a_gram_is_found_as_a_whole() -> None:
    assert Benchmarks(["reverse a string"]).contaminate("we reverse a string here")
    assert not Benchmarks(["reverse a string"]).contaminate("we reverse a list here")


def test_without_benchmarks_nothing_is_contaminated() -> None:
    assert not Benchmarks([]).contaminate(TEXT)


def test_name_docstring_and_layout_do_not_tell_functions_apart() -> None:
    one = 'def f(x):\n    """Say."""\n    return x+1\n'
    other = "def g(x):\n\n    return x + 1  # more\n"
    assert fingerprint(one) == fingerprint(other)


def test_another_constant_is_another_function() -> None:
    assert fingerprint("def f(x):\n    return x + 1\n") != fingerprint(
        "def f(x):\n    return x + 2\n"
    )


def lines(*changed: int) -> str:
    """Forty lines of code, each its own words; the changed ones have others."""
    return "".join(
        f"value_{i} = other_{i} * {i} + 1\n" if i in changed else f"name_{i} = first_{i} + {i}\n"
        for i in range(40)
    )


def test_shingles_are_runs_of_five_tokens() -> None:
    # tokens: return a + b [ 0 ], seven of them, three runs
    assert shingles("return a + b[0]") == {"return a + b [", "a + b [ 0", "+ b [ 0 ]"}


def test_code_with_one_changed_line_in_forty_is_a_near_duplicate() -> None:
    near = NearDuplicates(0.7)
    assert not near.seen(lines())
    assert near.seen(lines(7))


def test_other_code_is_no_near_duplicate() -> None:
    near = NearDuplicates(0.7)
    assert not near.seen(lines())
    assert not near.seen(lines(*range(30)))


def test_a_near_duplicate_is_not_remembered() -> None:
    # each version changes three more lines: the third resembles the second, but not the first
    near = NearDuplicates(0.7)
    assert not near.seen(lines())
    assert near.seen(lines(*range(3)))
    assert not near.seen(lines(*range(20)))


def test_a_threshold_of_one_finds_nothing() -> None:
    near = NearDuplicates(1.0)
    assert not near.seen(lines())
    assert not near.seen(lines())
