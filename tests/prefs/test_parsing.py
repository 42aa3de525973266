"""What is read from completions: concepts, instructions, code and tests."""

from __future__ import annotations

from collections import Counter

import pytest

from codealign.errors import CodealignError
from codealign.generate import Completion
from codealign.params import Generation
from codealign.prefs import instructions, responses
from codealign.prefs.instructions import Dimensions, concept_requests, parse_concepts
from codealign.prefs.steps import Recipe
from codealign.prompts import template_set
from codealign.records import DIMENSIONS, Concepts, Instruction, Response, Seed

SEED = Seed("s1", "x = 1\n", "f", "", "a.py", 1)
RECIPE = Recipe("nano", 0)
GEN = Generation()
CODE, TESTS = "def f(x):\n    return x\n", "assert f(1) == 1\n"
ANSWER = f"```python\n{CODE}```\nIt returns x.\n### Tests\n```python\n{TESTS}```\n"


def completion(text: str, finish: str = "stop") -> Completion:
    return Completion("r1", 0, text, finish)


def response(code: str, tests: str) -> Response:
    return Response("a", "i", 0, "", code, tests, "stop")


def instruction(id: str, text: str, principle: str = "") -> Instruction:
    return Instruction(id, "s", text, "style" if principle else "", principle)


def test_concepts_are_split_at_commas_once_each() -> None:
    record = parse_concepts(completion("lists, even numbers,lists , squaring.\nmore"), SEED)
    assert record.concepts == ["lists", "even numbers", "squaring"]
    assert record.seed_id == "s1"


def test_an_empty_completion_has_no_concepts() -> None:
    assert parse_concepts(completion(" \n , "), SEED).concepts == []


def test_the_same_item_has_the_same_id_and_another_temperature_another() -> None:
    ask = lambda recipe, gen: next(concept_requests([SEED], recipe, gen))[0].id  # noqa: E731
    assert ask(RECIPE, GEN) == ask(RECIPE, GEN)
    assert ask(RECIPE, GEN) != ask(RECIPE, Generation(temperature=0.7))
    assert ask(RECIPE, GEN) != ask(Recipe("nano", 1), GEN)
    assert ask(RECIPE, GEN) != ask(Recipe("other", 0), GEN)


def test_a_prompt_goes_into_the_chat_format_if_there_is_one() -> None:
    recipe = Recipe("nano", 0, "chat", lambda text: f"<user>{text}<assistant>")
    request, _ = next(responses.requests([instruction("a", "Add two numbers.")], recipe, GEN))
    assert request.prompt == "<user>Add two numbers.<assistant>"


def test_few_shot_templates_put_worked_examples_before_the_prompt() -> None:
    prompt = next(concept_requests([SEED], Recipe("nano", 0, "few_shot"), GEN))[0].prompt
    assert prompt.count("### Concepts") == 3
    assert prompt.endswith("### Snippet\n```python\nx = 1\n```\n### Concepts\n")


def test_a_template_of_ones_own_without_a_field_is_refused_by_name(tmp_path) -> None:
    for name in ("concepts", "instruction", "response"):
        (tmp_path / f"{name}.txt").write_text("Read this.\n")
    with pytest.raises(CodealignError, match="'concepts': unknown field 'snippet'"):
        next(concept_requests([SEED], Recipe("nano", 0, str(tmp_path)), GEN))


def test_dimensions_have_equal_shares() -> None:
    ids = [f"s{i}" for i in range(12)]
    shares = Dimensions(ids, "non_functional")
    drawn = [shares.of(i) for i in ids]
    assert sorted(drawn.count(d) for d in DIMENSIONS) == [2, 2, 2, 3, 3]


def test_dimensions_do_not_depend_on_the_order_of_the_seeds() -> None:
    ids = ["c", "a", "b"]
    one, other = Dimensions(ids, "non_functional"), Dimensions(ids[::-1], "non_functional")
    assert [one.of(i) for i in ids] == [other.of(i) for i in ids]


def test_functional_instructions_have_no_dimension() -> None:
    assert Dimensions(["a"], "functional").of("a") == ""


def test_a_seed_without_concepts_is_not_asked_for_an_instruction() -> None:
    shares = Dimensions(["s"], "functional")
    assert list(instructions.requests([Concepts("c", "s", [])], shares, RECIPE, GEN)) == []


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_principled_prompt_and_its_record_say_the_same_principle(dimension: str) -> None:
    given = [Concepts(f"c{i}", f"s{i}", ["sets"]) for i in range(5)]  # the five take turns
    shares = Dimensions([c.seed_id for c in given], "non_functional")
    recipe = Recipe("nano", 0, "few_shot")
    work = {e.dimension: (r, e) for r, e in instructions.requests(given, shares, recipe, GEN)}
    request, empty = work[dimension]
    asked = f"### Concepts\nsets\n### Principle\n{empty.principle}\n### Instruction\n"
    assert request.prompt.endswith(asked)
    assert request.prompt.startswith(
        template_set("few_shot").pick("instruction", dimension).text[:60]
    )


def test_an_instruction_is_the_first_line() -> None:
    record = instructions.parse(completion("  Add two numbers.\n### Response"), instruction("", ""))
    assert record.text == "Add two numbers."


def test_short_and_repeated_instructions_are_counted() -> None:
    texts = ["Add two numbers.", "add  two numbers.", "Add.", ""]
    counts: Counter[str] = Counter()
    kept = list(instructions.usable((instruction(str(i), t) for i, t in enumerate(texts)), counts))
    assert [k.id for k in kept] == ["0"]
    assert counts == {"too short": 2, "duplicate": 1}


def test_the_same_words_under_another_principle_are_no_duplicate() -> None:
    given = [instruction("a", "Add two numbers.", "P."), instruction("b", "Add two numbers.", "Q.")]
    assert len(list(instructions.usable(given))) == 2


def test_the_response_prompt_says_the_principle() -> None:
    asked = [instruction("a", "Add two numbers.", "Be brief.")]
    request, _ = next(responses.requests(asked, RECIPE, GEN))
    assert request.prompt == "### Instruction\nAdd two numbers. Be brief.\n### Response\n"


def test_code_is_the_first_block_and_tests_are_behind_their_heading() -> None:
    assert responses.split_response(ANSWER) == (CODE, TESTS)


def test_a_block_that_is_never_closed_is_no_code() -> None:
    assert responses.split_response("```python\ndef f(x):\n    ret") == ("", "")


def test_a_second_block_without_the_heading_is_no_test() -> None:
    assert responses.split_response("```python\nx = 1\n```\n```python\nassert x\n```\n")[1] == ""


def test_a_test_block_is_not_taken_for_code() -> None:
    assert responses.split_response("### Tests\n```python\nassert f(1)\n```\n")[0] == ""


def test_backticks_inside_a_line_do_not_close_a_block() -> None:
    text = '```python\nx = "a```b"\n```\n'
    assert responses.split_response(text)[0] == 'x = "a```b"\n'


def test_a_section_of_tests_is_read_under_other_wordings_too() -> None:
    for heading in ("### Test", "## Unit tests:", "**Tests**", "# Testing", "### 2. Some Tests"):
        parts = responses.take_apart(ANSWER.replace("### Tests", heading))
        assert (parts.code, parts.tests) == (CODE, TESTS), heading


def test_a_heading_that_only_mentions_tests_opens_no_section_of_tests() -> None:
    text = f"## Solution that passes all tests\n```python\n{CODE}```\n"
    assert responses.split_response(text) == (CODE, "")


def test_the_answer_is_the_text_without_its_tests() -> None:
    parts = responses.take_apart(f"{ANSWER}### Explanation\nNone.\n")
    assert parts.answer == f"```python\n{CODE}```\nIt returns x.\n### Explanation\nNone.\n"


@pytest.mark.parametrize(
    ("code", "tests", "lacks"),
    [
        ("", TESTS, "without code"),
        (CODE, "", "without tests"),
        (CODE, "f(1)\n", "without tests"),
        (CODE, "print(f(1) == 1)\n", "without tests"),
        (CODE, "assert f( == 1\n", "tests that do not parse"),
        (CODE, "assert True\n", "tests of something else"),
        (CODE, "x = 1\nassert len([x]) == x\n", "tests of something else"),
        (CODE, "assert g(1) == 1\n", "tests of something else"),
        (CODE, "assert f(1) == 1\n", ""),
        (CODE, "for x in (1, 2):\n    assert f(x) == x\n", ""),
        (CODE, "if f(1) != 1:\n    raise ValueError\n", ""),
        ("def f(:\n", TESTS, ""),  # running it shows the fault
    ],
)
def test_what_a_response_lacks_to_be_executed(code: str, tests: str, lacks: str) -> None:
    case, lacking = responses.examined(response(code, tests))
    assert (lacking, case is None) == (lacks, bool(lacks))


def test_a_text_cut_in_what_a_pair_would_hold_is_not_executed() -> None:
    in_answer = f"{ANSWER}### Explanation\nIt retu"
    in_tests = f"{ANSWER}It tes"
    for text, keep, lacks in (
        (in_answer, False, responses.CUT),
        (in_tests, False, ""),
        (in_tests, True, responses.CUT),
    ):
        parsed = responses.parse(completion(text, "length"), instruction("i", "Do it."))
        assert responses.examined(parsed, keep)[1] == lacks


def test_a_list_of_concepts_that_was_cut_loses_its_last_one() -> None:
    record = parse_concepts(completion("lists, even numbers, squ", "length"), SEED)
    assert (record.concepts, record.cut) == (["lists", "even numbers"], True)


def test_an_instruction_that_was_cut_is_counted_and_not_used() -> None:
    cut = instructions.parse(completion("Write a function that", "length"), instruction("", ""))
    whole = instructions.parse(completion("Add two numbers.\n##", "length"), instruction("", ""))
    counts: Counter[str] = Counter()
    assert list(instructions.usable([cut, whole], counts)) == [whole]
    assert counts == {responses.CUT: 1}
