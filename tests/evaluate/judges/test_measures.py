"""Measures of code and prose: what raises them, what lowers them, where they are not defined."""

from __future__ import annotations

import ast

import pytest
from radon.complexity import cc_visit

from codealign import prompts
from codealign.evaluate.judges import evidence, measures
from codealign.evaluate.judges.evidence import Evidence


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
    four_lines = read("a = 1\nb = 2\nc = 3\nd = 4\n")
    four_lines.lint = {"E225": 1}  # 1 in 4 lines is half of what gives 0
    assert measures.clean(four_lines, four_lines) == 0.5


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
    assert measures.order(read(code).tree) == nested


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
    assert value(measures.covers_steps, TWO_STEPS, explanation=one) == 0.5
    assert value(measures.covers_steps, TWO_STEPS, explanation=one + "2. Return the sum.\n") == 1


def test_no_explanation_covers_nothing() -> None:
    assert value(measures.covers_steps, TWO_STEPS) == 0
    assert value(measures.present, TWO_STEPS) == 0
    assert value(measures.plain_sentences, TWO_STEPS) == 0


def test_length_beyond_the_full_length_is_no_merit() -> None:
    assert value(measures.present, TWO_STEPS, explanation="word " * 25) == 1
    assert value(measures.present, TWO_STEPS, explanation="word " * 250) == 1


def test_an_explanation_in_the_tasks_words_is_about_the_task() -> None:
    # of {square, sum, even, number} one is used: 2 * 1/4
    task = "Sum the squares of the even numbers."
    half = "The even ones are taken."
    assert value(measures.about_the_task, TWO_STEPS, instruction=task, explanation=half) == 0.5


def test_long_sentences_are_not_plain() -> None:
    text = "It adds one here. " + "and then so on " * 10 + "."
    assert value(measures.plain_sentences, TWO_STEPS, explanation=text) == 0.5


def test_a_comment_in_five_lines_is_enough() -> None:
    assert value(measures.commented, "# why\n" + "x = 1\n" * 4) == 1
    assert value(measures.commented, "# why\n" + "x = 1\n" * 9) == 0.5


LOOP = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
ONE_LINE = 'def f(xs):\n    """Sum."""\n    return sum(x for x in xs)\n'
STEPS = "def f(xs):\n    evens = [x for x in xs if x % 2 == 0]\n    return sum(evens)\n"


def followed(code: str, principle: str, instruction: str = "Sum the numbers.") -> float | None:
    own = evidence.read(f"```python\n{code}```", instruction, principle)
    return measures.followed(own, own)


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("Use a for loop.", LOOP, ONE_LINE),
        ("Solve it with an explicit loop.", LOOP, ONE_LINE),
        ("Use a while loop.", "while x:\n    x = 0\n", LOOP),
        ("Do it without loops.", ONE_LINE, LOOP),
        ("Use a single return expression.", ONE_LINE, STEPS),
        ("Write it as a one-liner.", ONE_LINE, LOOP),
        ("Use a named variable for each step.", STEPS, ONE_LINE),
        ("Keep each step on its own line.", STEPS, "def f(x):\n    return [y for y in x]\n"),
        ("Use recursion.", "def f(n):\n    return n and f(n - 1)\n", LOOP),
        ("Use a list comprehension.", STEPS, LOOP),
        ("Use a lambda.", "f = lambda x: x\n", LOOP),
        ("Include a docstring.", ONE_LINE, LOOP),
        ("Add type hints.", "def f(x: int) -> int:\n    return x\n", LOOP),
        ("Add error handling.", "def f(x):\n    if x:\n        raise ValueError\n", LOOP),
        ("Solve it without imports.", LOOP, "import math\n"),
        ("Write a class for it.", "class A:\n    pass\n", LOOP),
    ],
)
def test_a_constraint_tells_good_from_bad(constraint: str, good: str, bad: str) -> None:
    for code, share in ((good, 1), (bad, 0)):
        assert followed(code, constraint) == share


def test_a_task_without_a_known_constraint_leaves_it_undefined() -> None:
    assert followed(LOOP, "Be nice.") is None


def test_of_two_constraints_each_counts_half() -> None:
    assert followed(LOOP, "Use a for loop and include a docstring.") == 0.5


def test_the_instruction_may_hold_the_constraint() -> None:
    assert followed(LOOP, "", instruction="Sum with a for loop.") == 1


def test_a_named_step_may_not_hide_two_comprehensions() -> None:
    code = "def f(x):\n    y = [a for a in [b for b in x]]\n    return y\n"
    assert followed(code, "Use a named variable for each step.") == 0


def test_an_empty_list_is_no_named_step() -> None:
    code = "def f(x):\n    y = []\n    y.append(x)\n    return y\n"
    assert followed(code, "Use a named variable for each step.") == 0


def test_every_constraint_of_our_own_prompts_is_known() -> None:
    for principle in prompts.principles()["instruction_following"]:
        assert len(measures.checks(principle)) == 1, principle


def test_nested_functions_count_with_what_they_hold() -> None:
    inner = "".join(f"        if n == {i}:\n            n += 1\n" for i in range(14))
    code = f"def f(n):\n    def g(n):\n{inner}    return g\n"
    assert measures.decisions(read(code).tree) == 14
    assert value(measures.simple, code) == 0.0  # 15 or more is the worst


def test_code_without_operators_is_not_perfectly_maintainable() -> None:
    assert value(measures.maintainable, "def f(n):\n    print(n)\n") is None


def test_exception_groups_are_error_handling() -> None:
    code = "try:\n    f()\nexcept* ValueError:\n    g()\n"
    assert followed(code, "Add error handling.") == 1.0
    assert measures.decisions(read(code).tree) == 1


def test_decisions_are_radons_where_nothing_is_nested() -> None:
    code = (
        "def f(a, b):\n    for x in a:\n        if x and b or a:\n            continue\n"
        "    else:\n        return [y for y in b if y]\n    try:\n        assert a\n"
        "    except ValueError:\n        pass\n    else:\n        b = 1 if a else 2\n"
        "    while b:\n        b -= 1\n    match b:\n        case 1:\n            return 1\n"
        "        case _:\n            return 2\n"
    )
    (block,) = cc_visit(code)
    assert 1 + measures.decisions(ast.parse(code)) == block.complexity
