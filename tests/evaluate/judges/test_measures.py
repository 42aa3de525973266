"""Measures of code and prose: what raises them, what lowers them, where they are not defined."""

from __future__ import annotations

import pytest

from codealign.evaluate.judges import evidence, measures, prose
from codealign.evaluate.judges.evidence import Evidence
from codealign.evaluate.judges.growth import order


def read(code: str, explanation: str = "", instruction: str = "") -> Evidence:
    return evidence.read(f"{explanation}\n```python\n{code}```\n", instruction)


def value(measure, code: str, reference: str = "x = 1\n", **more: str) -> float | None:
    return measure(read(code, **more), read(reference))


def test_documented_is_the_share_of_functions_with_a_docstring() -> None:
    code = 'def f():\n    """Say."""\n\ndef g():\n    pass\n'
    assert value(measures.documented, code) == 0.5


def test_without_functions_documented_is_not_defined() -> None:
    assert value(measures.documented, "x = 1\n") is None


def test_hinted_counts_parameters_and_the_return() -> None:
    # a is hinted, b and the return are not: 1 of 3
    assert value(measures.hinted, "def f(a: int, b):\n    return a\n") == pytest.approx(1 / 3)


def test_self_needs_no_hint() -> None:
    code = "class A:\n    def f(self) -> int:\n        return 1\n"
    assert value(measures.hinted, code) == 1


def test_named_counts_functions_parameters_and_variables_but_no_loop_variables() -> None:
    # total_of and values are long enough, v is not: 2 of 3; i is a loop variable
    code = "def total_of(values):\n    v = [i for i in values]\n    return v\n"
    assert value(measures.named, code) == pytest.approx(2 / 3)


def test_clean_falls_with_violations_a_line() -> None:
    found = read("a = 1\nb = 2\nc = 3\nd = 4\n")
    found.lint = {"E225": 1}  # 1 in 4 lines is half of what gives 0
    assert measures.clean(found, found) == 0.5


def test_simple_falls_with_branches() -> None:
    # complexity 1 + 9 branches = 10; from 4 (1) to 15 (0) that is 5 / 11
    code = "def f(x):\n" + "    if x:\n        x = 1\n" * 9
    assert value(measures.simple, code) == pytest.approx(5 / 11)


def test_narrow_is_the_share_of_lines_that_fit() -> None:
    assert value(measures.narrow, "x = 1\n" + f"y = {'1' * 80}\n") == 0.5


def test_a_line_with_many_operations_is_not_one_idea() -> None:
    # a sum of 9 terms has 8 additions; from 4 (1) to 12 (0) that is one half
    assert value(measures.one_idea_a_line, "x = 1\n") == 1
    assert value(measures.one_idea_a_line, "x = " + "+".join("abcdefghi") + "\n") == 0.5


def test_the_busiest_line_of_a_block_counts_not_the_block() -> None:
    code = "def f(x):\n" + "    x = x + 1\n" * 20
    assert value(measures.one_idea_a_line, code) == 1


@pytest.mark.parametrize(
    ("code", "nested"),
    [
        ("x = 1\n", 0),
        ("y = sum(x)\n", 0),
        ("for a in x:\n    y = a\n", 1),
        ("while x:\n    x = x - 1\n", 1),
        ("y = [a for a in x]\n", 1),
        ("y = [a for a in sorted(x)]\n", 1),
        ("y = sum(a for a in x)\n", 1),
        ("y = [a for a in x]\nz = [b for b in y]\n", 1),
        ("y = [x.count(a) for a in x]\n", 2),
        ("y = {a: sum(b for b in a) for a in x}\n", 2),
        ("y = [(a, b) for a in x for b in x]\n", 2),
        ("y = a in x\n", 0),
        ("y = [a for a in x if a in z]\n", 2),
        ("y = [a for i, a in enumerate(x) if a not in x[:i]]\n", 2),
        ("y = [a for a in x if a in 'aeiou']\n", 1),
        ("z = set(x)\ny = [a for a in x if a in z]\n", 1),
        ("def f(x, z: dict[str, int]):\n    return [a for a in x if a in z]\n", 1),
        ("for a in x:\n    for b in x:\n        y = sorted(b)\n", 3),
    ],
)
def test_the_order_is_the_nesting_of_loops_and_of_scans_inside_them(code: str, nested: int) -> None:
    assert order(read(code).tree) == nested


def test_a_slower_order_than_the_references_is_inefficient() -> None:
    slow, fast = "y = {a: x.count(a) for a in x}\n", "y = Counter(x)\n"
    assert value(measures.efficient, fast, fast) == 1
    assert value(measures.efficient, slow, fast) == 0.3
    assert value(measures.efficient, slow, slow) == 1


def test_the_asked_signature_is_name_and_arity() -> None:
    reference = "def total(values):\n    return 0\n"
    assert value(measures.asked_signature, reference, reference) == 1
    assert value(measures.asked_signature, "def f(values):\n    return 0\n", reference) == 0.5
    assert value(measures.asked_signature, "def f(a, b):\n    return 0\n", reference) == 0
    assert value(measures.asked_signature, "x = 1\n", reference) == 0


def test_agreement_is_the_f1_of_operations() -> None:
    # {2, Mult} against {2, Add}: one of two in common on both sides
    assert value(measures.agrees, "y = x * 2\n", "y = x + 2\n") == 0.5
    assert value(measures.agrees, "y = x * 2\n", "z = a * 2\n") == 1


def test_more_halstead_effort_than_the_reference_counts_against_an_answer() -> None:
    long = "def f(a, b):\n    return a * b + a * b - a // b + b % a\n"
    short = "def f(a, b):\n    return a * b\n"
    assert value(measures.effort, short, short) == 1
    assert value(measures.effort, long, short) == 0


def test_a_reference_that_does_not_parse_leaves_comparisons_undefined() -> None:
    broken = evidence.read("```python\ndef f(:\n```")
    assert measures.effort(read("x = 1\n"), broken) is None
    assert measures.agrees(read("x = 1\n"), broken) is None


def test_comments_count_as_maintainable() -> None:
    plain = "def f(x):\n    y = x + 1\n    return y\n"
    commented = plain.replace("    return", "    # because\n    return")
    assert value(measures.maintainable, commented) > value(measures.maintainable, plain)


@pytest.mark.parametrize("lines", [3, 5, 16, 30, 100])
def test_a_long_docstring_does_not_make_code_less_maintainable(lines: int) -> None:
    """By itself radon's index gives 16 lines 66 and 30 lines 44, without a docstring 75."""
    code = "def above(xs, n):\n{}    total = 0\n    for x in xs:\n        if x > n:\n"
    code += "            total += x\n    return total\n"
    docstring = '    """What is above n.\n' + "    And more.\n" * (lines - 2) + '    """\n'
    described = value(measures.maintainable, code.format(docstring))
    assert (
        described >= value(measures.maintainable, code.format("")) == pytest.approx(0.746, abs=1e-3)
    )


TWO_STEPS = "def f(x):\n    y = x + 1\n    return y\n"


def test_an_explanation_of_every_step_covers_all() -> None:
    one = "1. Add one to the number.\n"
    assert value(prose.covers_steps, TWO_STEPS, explanation=one) == 0.5
    assert value(prose.covers_steps, TWO_STEPS, explanation=one + "2. Return the sum.\n") == 1


def test_no_explanation_covers_nothing() -> None:
    assert value(prose.covers_steps, TWO_STEPS) == 0
    assert value(prose.present, TWO_STEPS) == 0
    assert value(prose.plain_sentences, TWO_STEPS) == 0


def test_length_beyond_the_full_length_is_no_merit() -> None:
    assert value(prose.present, TWO_STEPS, explanation="word " * 25) == 1
    assert value(prose.present, TWO_STEPS, explanation="word " * 250) == 1


def test_an_explanation_in_the_tasks_words_is_about_the_task() -> None:
    # of {square, sum, even, number} one is used: 2 * 1/4
    task = "Sum the squares of the even numbers."
    half = "The even ones are taken."
    assert value(prose.about_the_task, TWO_STEPS, instruction=task, explanation=half) == 0.5


def test_long_sentences_are_not_plain() -> None:
    text = "It adds one here. " + "and then so on " * 10 + "."
    assert value(prose.plain_sentences, TWO_STEPS, explanation=text) == 0.5


def test_a_comment_in_five_lines_is_enough() -> None:
    assert value(prose.commented, "# why\n" + "x = 1\n" * 4) == 1
    assert value(prose.commented, "# why\n" + "x = 1\n" * 9) == 0.5
