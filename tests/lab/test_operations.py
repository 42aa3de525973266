"""Every operation of the grammar against a result worked out by hand from its words."""

from __future__ import annotations

import string

import pytest

from nano.lab import inputs
from nano.lab.ops import FILTERS, MAPS, SOURCES
from nano.lab.sequence_ops import LISTS, OPS, REDUCTIONS
from nano.lab.tasks import Step, Task
from nano.lab.vocabulary import HINTS, result_type

NUMBERS = [5, -4, 12, 0, 5, 7]
NAMES = ["Anna", "noon", "cat", "MAX", "a"]
TEXT = "aB 3cae"

# filters keep these of NUMBERS, NAMES or the characters of TEXT
KEPT = {
    "even": ("", [-4, 12, 0]),
    "odd": ("", [5, 5, 7]),
    "positive": ("", [5, 12, 5, 7]),
    "negative": ("", [-4]),
    "nonzero": ("", [5, -4, 12, 5, 7]),
    "greater": ("5", [12, 7]),
    "less": ("5", [-4, 0]),
    "at_least": ("5", [5, 12, 5, 7]),
    "at_most": ("5", [5, -4, 0, 5]),
    "multiple": ("4", [-4, 12, 0]),
    "not_multiple": ("4", [5, 5, 7]),
    "other_than": ("5", [-4, 12, 0, 7]),
    "last_digit": ("2", [12]),
    "prime": ("", [5, 5, 7]),
    "vowel": ("", "aae"),
    "consonant": ("", "Bc"),
    "digit": ("", "3"),
    "capital": ("", "B"),
    "small": ("", "acae"),
    "letter": ("", "aBcae"),
    "not_space": ("", "aB3cae"),
    "equal": ('"a"', "aa"),
    "unequal": ('"a"', "B 3ce"),
    "longer": ("3", ["Anna", "noon"]),
    "shorter": ("3", ["a"]),
    "of_length": ("3", ["cat", "MAX"]),
    "starting": ('"n"', ["noon"]),
    "ending": ('"n"', ["noon"]),
    "containing": ('"a"', ["Anna", "cat", "a"]),
    "lacking": ('"a"', ["noon", "MAX"]),
    "shouting": ("", ["MAX"]),
    "palindrome": ("", ["noon", "a"]),
    "even_length": ("", ["Anna", "noon"]),
}
# maps turn [3, -5] or ["ab", "Cd"] into these
MAPPED = {
    "square": ("", [9, 25]),
    "cube": ("", [27, -125]),
    "double": ("", [6, -10]),
    "triple": ("", [9, -15]),
    "half": ("", [1, -3]),
    "add": ("2", [5, -3]),
    "subtract": ("2", [1, -7]),
    "times": ("4", [12, -20]),
    "negate": ("", [-3, 5]),
    "absolute": ("", [3, 5]),
    "modulo": ("4", [3, 3]),
    "cap": ("1", [1, -5]),
    "upper": ("", ["AB", "CD"]),
    "lower": ("", ["ab", "cd"]),
    "capitalize": ("", ["Ab", "Cd"]),
    "spell_back": ("", ["ba", "dC"]),
    "prefix": ("1", ["a", "C"]),
    "append": ('"x"', ["abx", "Cdx"]),
    "twice": ("", ["abab", "CdCd"]),
}
# operations on [3, 1, 3, 2], on ["bb", "a", "bb"] or on "cabA"
WHOLE = {
    "sort": ("", [1, 2, 3, 3]),
    "sort_down": ("", [3, 3, 2, 1]),
    "reverse": ("", [2, 3, 1, 3]),
    "unique": ("", [3, 1, 2]),
    "first": ("2", [3, 1]),
    "last": ("3", [1, 3, 2]),
    "drop": ("1", [1, 3, 2]),
    "alternate": ("", [3, 3]),
    "running": ("", [3, 4, 7, 9]),
    "differences": ("", [-2, 2, -1]),
    "by_length": ("", ["a", "bb", "bb"]),
    "lengths": ("", [2, 1, 2]),
    "text_upper": ("", "CABA"),
    "text_lower": ("", "caba"),
    "text_reverse": ("", "Abac"),
    "text_first": ("2", "ca"),
    "text_last": ("3", "abA"),
    "text_sort": ("", "Aabc"),
    "text_unique": ("", "cabA"),
    "text_repeat": ("2", "cabAcabA"),
    "text_dash": ("", "c-a-b-A"),
    "sum": ("", 9),
    "product": ("", 18),
    "maximum": ("", 3),
    "minimum": ("", 1),
    "count": ("", 4),
    "count_distinct": ("", 3),
    "has": ("2", True),
    "join_commas": ("", "3,1,3,2"),
    "join_spaces": ("", "bb a bb"),
    "join_dashes": ("", "bb-a-bb"),
    "longest": ("", "bb"),
    "shortest": ("", "a"),
    "total_length": ("", 5),
    "initials": ("", "bab"),
    "length_map": ("", {"bb": 2, "a": 1}),
    "frequency": ("", {3: 2, 1: 1, 2: 1}),
    "is_palindrome": ("", False),
}


def applied(name: str, k: str, numbers: list, names: list, text: str):
    """Return what one operation makes of the value of the type it takes."""
    op = OPS[name]
    source, given = {"L": ("list", numbers), "W": ("words", names), "S": ("string", text)}[
        op.takes[0]
    ]
    task = Task(SOURCES[source], (Step(op, k),), "a")
    return inputs.expected(task, [given])


@pytest.mark.parametrize("name", KEPT)
def test_filters_keep_what_they_say(name: str) -> None:
    k, kept = KEPT[name]
    assert applied(name, k, NUMBERS, NAMES, TEXT) == kept


@pytest.mark.parametrize("name", MAPPED)
def test_maps_change_each_element(name: str) -> None:
    k, mapped = MAPPED[name]
    assert applied(name, k, [3, -5], ["ab", "Cd"], "") == mapped


@pytest.mark.parametrize("name", WHOLE)
def test_whole_operations_and_reductions(name: str) -> None:
    k, result = WHOLE[name]
    assert applied(name, k, [3, 1, 3, 2], ["bb", "a", "bb"], "cabA") == result


def test_any_and_all_judge_by_their_condition() -> None:
    def judged(name: str, numbers: list[int]) -> bool:
        step = Step(REDUCTIONS[name], condition=Step(FILTERS["greater"], "2"))
        return inputs.expected(Task(SOURCES["list"], (step,), "nums"), [numbers])

    assert judged("any", [1, 3]) and not judged("any", [1, 2])
    assert judged("all", [3, 4]) and not judged("all", [1, 3])
    assert judged("all", []) and not judged("any", [])  # as Python has it


def test_digits_of_a_string_become_integers() -> None:
    steps = (Step(FILTERS["digit"]), Step(REDUCTIONS["integers"]))
    assert inputs.expected(Task(SOURCES["string"], steps, "s"), ["a1b20"]) == [1, 2, 0]


def test_every_operation_is_in_one_of_these_tables() -> None:
    assert set(OPS) == set(KEPT) | set(MAPPED) | set(WHOLE) | {"any", "all", "integers"}
    assert set(KEPT) == set(FILTERS) and set(MAPPED) == set(MAPS)


def test_no_two_tables_share_an_operation() -> None:
    assert len(OPS) == len(FILTERS) + len(MAPS) + len(LISTS) + len(REDUCTIONS)


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_templates_use_known_fields(op) -> None:
    known = {"np", "N", "k", "x", "v", "cond", "that", "that1"}
    for text in (*op.nouns, *op.verbs, op.code, op.slow):
        assert {field for _, field, _, _ in string.Formatter().parse(text) if field} <= known


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_a_constant_is_worded_and_used_where_it_is_needed(op) -> None:
    uses = ["{k}" in text for text in (*op.nouns, *op.verbs, op.code)]
    assert all(uses) if op.needs else not any(uses)


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_types_have_hints(op) -> None:
    assert all(result_type(op, before) in HINTS for before in op.takes)


@pytest.mark.parametrize("op", [o for o in OPS.values() if o.slow], ids=lambda o: o.id)
def test_slow_forms_equal_the_fast_ones(op) -> None:
    source, given = {"L": ("list", [2, 1, 2, 3]), "S": ("string", "abca")}[op.takes[0]]
    task = Task(SOURCES[source], (Step(op),), "a")
    from nano.lab.render import function

    slow = inputs.call_code(function(task, "steps", slow=True), task.name, [given])
    assert slow == inputs.expected(task, [given])
