"""Templates: filled completely or refused; hashes follow the words; principles by id."""

from __future__ import annotations

import pytest

from codealign import prompts
from codealign.errors import CodealignError
from codealign.nano.answers import CONSTRAINTS, DIRECTIVES
from codealign.prompts import Template, template
from codealign.records import DIMENSIONS


def test_the_concepts_prompt_is_what_nano_was_trained_on() -> None:
    filled = template("concepts").fill(snippet="x = 1\n")
    assert filled == "### Snippet\n```python\nx = 1\n```\n### Concepts\n"


def test_the_instruction_prompt_is_what_nano_was_trained_on() -> None:
    filled = template("instruction").fill(concepts="sets, sums")
    assert filled == "### Concepts\nsets, sums\n### Instruction\n"


def test_the_principled_prompt_is_what_nano_was_trained_on() -> None:
    filled = template("instruction_principle").fill(concepts="sets", principle="Be brief.")
    assert filled == "### Concepts\nsets\n### Principle\nBe brief.\n### Instruction\n"


def test_the_response_prompt_is_what_nano_was_trained_on() -> None:
    assert prompts.response_prompt("Add.") == "### Instruction\nAdd.\n### Response\n"


def test_nano_was_trained_on_every_principle() -> None:
    known = {w for words in (*CONSTRAINTS.values(), *DIRECTIVES.values()) for w in words}
    assert {p for found in prompts.principles().values() for p in found} <= known


def test_a_missing_and_an_unknown_field_are_one_error() -> None:
    with pytest.raises(CodealignError) as caught:
        template("response").fill(instrution="x")
    assert "missing field 'instruction'" in str(caught.value)
    assert "unknown field 'instrution'; did you mean 'instruction'?" in str(caught.value)


def test_braces_in_a_value_are_left_alone() -> None:
    assert template("response").fill(instruction="{a} }{").startswith("### Instruction\n{a} }{\n")


def test_a_stray_brace_in_a_template_is_explained() -> None:
    with pytest.raises(CodealignError, match="'odd'.*write a literal brace twice"):
        Template("odd", "a { b").fill()


def test_an_unknown_template_names_the_nearest() -> None:
    with pytest.raises(CodealignError, match="did you mean 'response'"):
        template("respons")


def test_the_hash_follows_the_words_alone() -> None:
    assert Template("a", "words").hash == Template("b", "words").hash
    assert Template("a", "words").hash != Template("a", "word").hash


def test_every_dimension_has_a_principle() -> None:
    assert tuple(prompts.principles()) == DIMENSIONS
    assert all(prompts.principles().values())


def test_the_principle_depends_on_the_id_alone() -> None:
    drawn = [prompts.principle_for("instruction_following", f"item {i}") for i in range(60)]
    again = [prompts.principle_for("instruction_following", f"item {i}") for i in range(60)]
    assert drawn == again
    assert set(drawn) == set(prompts.principles()["instruction_following"])


def test_an_unknown_dimension_is_refused() -> None:
    with pytest.raises(CodealignError, match="did you mean 'style'"):
        prompts.principle_for("styl", "x")


def test_a_task_says_its_principle_once() -> None:
    assert prompts.task_text("Add two.", "Be brief.") == "Add two. Be brief."
    assert prompts.task_text("Add two. Be brief.", "Be brief.") == "Add two. Be brief."
    assert prompts.task_text("Add two.") == "Add two."


def test_worked_examples_end_with_the_right_answer() -> None:
    text = prompts.worked_examples("concepts", "concepts", 1)
    assert text.startswith("### Snippet\n```python\ndef second_largest")
    assert text.endswith("### Concepts\nsets, sorting, conditional expressions\n\n")


def test_no_worked_examples_are_no_text() -> None:
    assert prompts.worked_examples("response", "response", 0) == ""


def test_more_worked_examples_than_there_are_is_an_error() -> None:
    with pytest.raises(CodealignError, match="shots: 9 asked"):
        prompts.worked_examples("response", "response", 9)


def test_the_worked_examples_pass_their_own_tests() -> None:
    for number in (1, 2):
        text = prompts.worked_examples("response", "response", number)
        blocks = text.split("```python\n")[1:]
        exec("".join(block.split("```")[0] for block in blocks), {})
