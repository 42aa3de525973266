"""Templates: filled completely or refused; hashes follow the words; principles by id."""

from __future__ import annotations

import pytest

from codealign import prompts
from codealign.errors import CodealignError
from codealign.prompts import Template, template
from codealign.records import DIMENSIONS
from nano.lab.answers import CONSTRAINTS, DIRECTIVES


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


@pytest.mark.parametrize("name", ["bare", "few_shot", "chat"])
@pytest.mark.parametrize("dimension", ["", *DIMENSIONS])
def test_a_set_has_a_template_with_the_right_fields_for_every_step(name, dimension) -> None:
    found = prompts.template_set(name)
    assert found.pick("concepts").fields == ["snippet"]
    wanted = ["concepts", "principle"] if dimension else ["concepts"]
    assert found.pick("instruction", dimension).fields == wanted
    assert found.pick("response", dimension).fields == ["instruction"]


def test_in_a_chat_the_task_is_the_whole_message_and_the_steps_are_as_without() -> None:
    # what nano's finetuned variant was trained on (nano/chats.py)
    bare, chat = prompts.template_set("bare"), prompts.template_set("chat")
    assert chat.pick("response").fill(instruction="Add.") == "Add."
    for step, dimension in (("concepts", ""), ("instruction", ""), ("instruction", "style")):
        assert chat.pick(step, dimension).text == bare.pick(step, dimension).text


def test_each_dimension_has_worked_examples_of_its_own() -> None:
    found = prompts.template_set("few_shot")
    for step in ("instruction", "response"):
        assert len({found.pick(step, d).hash for d in ("", *DIMENSIONS)}) == 6


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_worked_examples_of_a_dimension_state_its_own_principles(dimension) -> None:
    text = prompts.template_set("few_shot").pick("instruction", dimension).text
    stated = [part.split("\n")[0] for part in text.split("### Principle\n")[1:-1]]
    assert len(stated) == 2
    assert set(stated) <= set(prompts.principles()[dimension])


@pytest.mark.parametrize("step", ["concepts", "instruction", "response"])
def test_a_few_shot_prompt_ends_with_the_bare_one(step) -> None:
    bare, few = (prompts.template_set(s).pick(step).text for s in ("bare", "few_shot"))
    assert few.endswith("\n\n" + bare)


@pytest.mark.parametrize("dimension", ["", *DIMENSIONS])
def test_the_worked_responses_pass_their_own_tests(dimension) -> None:
    text = prompts.template_set("few_shot").pick("response", dimension).text
    blocks = text.split("```python\n")[1:]
    assert len(blocks) == 4
    exec("".join(block.split("```")[0] for block in blocks), {})


def own_set(folder, **texts: str):
    for name in ("concepts", "instruction", "response"):
        text = texts.get(name, prompts.template(name).text)
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return prompts.template_set(str(folder))


def test_the_hash_of_every_template_of_a_set_is_told(tmp_path) -> None:
    names = ["concepts", "instruction", "response", "with_principle"]
    assert sorted(own_set(tmp_path).hashes()) == names
    assert len(prompts.template_set("few_shot").hashes()) == 14  # 1 + 6 + 6 + with_principle


def test_a_set_without_a_step_says_which_file_it_lacks(tmp_path) -> None:
    with pytest.raises(CodealignError, match="no template concepts.txt"):
        prompts.template_set(str(tmp_path)).pick("concepts")


def test_a_set_for_dimensions_needs_the_principle(tmp_path) -> None:
    found = own_set(tmp_path)
    found.check([""])
    with pytest.raises(CodealignError, match="instruction.txt: missing field {principle}"):
        found.check(["style"])


@pytest.mark.parametrize("name", ["bare", "few_shot", "chat"])
def test_the_sets_that_come_with_the_package_are_whole(name) -> None:
    prompts.template_set(name).check(["", *DIMENSIONS])


def test_an_unknown_set_is_refused_with_the_nearest() -> None:
    with pytest.raises(CodealignError, match="did you mean 'few_shot'"):
        prompts.template_set("few_shots")


def test_a_template_that_is_not_utf8_is_refused(tmp_path) -> None:
    found = own_set(tmp_path)
    (tmp_path / "concepts.txt").write_bytes(b"\xe9 {snippet}")
    with pytest.raises(CodealignError, match="concepts.txt: a template must be UTF-8"):
        found.pick("concepts")
