"""What is read from completions: concepts, instructions, code and tests."""

from __future__ import annotations

from codealign.generate import Completion
from codealign.params import Generation
from codealign.prefs import concepts, instructions, responses
from codealign.prefs.steps import Recipe
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
    found = concepts.parse(completion("lists, even numbers,lists , squaring.\nmore"), SEED)
    assert found.concepts == ["lists", "even numbers", "squaring"]
    assert found.seed_id == "s1"


def test_an_empty_completion_has_no_concepts() -> None:
    assert concepts.parse(completion(" \n , "), SEED).concepts == []


def test_the_same_item_has_the_same_id_and_another_temperature_another() -> None:
    ask = lambda recipe, gen: concepts.requests([SEED], recipe, gen)[0][0].id  # noqa: E731
    assert ask(RECIPE, GEN) == ask(RECIPE, GEN)
    assert ask(RECIPE, GEN) != ask(RECIPE, Generation(temperature=0.7))
    assert ask(RECIPE, GEN) != ask(Recipe("nano", 1), GEN)
    assert ask(RECIPE, GEN) != ask(Recipe("other", 0), GEN)


def test_worked_examples_stand_before_the_prompt() -> None:
    prompt = concepts.requests([SEED], Recipe("nano", 0, shots=2), GEN)[0][0].prompt
    assert prompt.count("### Concepts") == 3
    assert prompt.endswith("### Snippet\n```python\nx = 1\n```\n### Concepts\n")


def test_dimensions_have_equal_shares() -> None:
    shares = list(
        instructions.dimensions_of([f"s{i}" for i in range(12)], "non_functional").values()
    )
    assert sorted(shares.count(d) for d in DIMENSIONS) == [2, 2, 2, 3, 3]


def test_dimensions_do_not_depend_on_the_order_of_the_seeds() -> None:
    ids = ["c", "a", "b"]
    assert instructions.dimensions_of(ids, "non_functional") == instructions.dimensions_of(
        ids[::-1], "non_functional"
    )


def test_functional_instructions_have_no_dimension() -> None:
    assert instructions.dimensions_of(["a"], "functional") == {"a": ""}


def test_a_seed_without_concepts_is_not_asked_for_an_instruction() -> None:
    work = instructions.requests([Concepts("c", "s", [])], {"s": ""}, RECIPE, GEN)
    assert work == []


def test_a_principled_prompt_and_its_record_say_the_same_principle() -> None:
    given = [Concepts("c", "s", ["sets"])]
    ((request, empty),) = instructions.requests(given, {"s": "style"}, RECIPE, GEN)
    assert empty.dimension == "style"
    assert f"### Principle\n{empty.principle}\n" in request.prompt


def test_an_instruction_is_the_first_line() -> None:
    found = instructions.parse(completion("  Add two numbers.\n### Response"), instruction("", ""))
    assert found.text == "Add two numbers."


def test_short_and_repeated_instructions_are_counted() -> None:
    texts = ["Add two numbers.", "add  two numbers.", "Add.", ""]
    kept, counts = instructions.usable(instruction(str(i), t) for i, t in enumerate(texts))
    assert [k.id for k in kept] == ["0"]
    assert counts == {"too short": 2, "duplicate": 1}


def test_the_same_words_under_another_principle_are_no_duplicate() -> None:
    given = [instruction("a", "Add two numbers.", "P."), instruction("b", "Add two numbers.", "Q.")]
    assert len(instructions.usable(given)[0]) == 2


def test_the_response_prompt_says_the_principle() -> None:
    work = responses.requests([instruction("a", "Add two numbers.", "Be brief.")], RECIPE, GEN)
    assert work[0][0].prompt == "### Instruction\nAdd two numbers. Be brief.\n### Response\n"


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


def test_an_assert_about_the_code_is_a_test() -> None:
    assert responses.has_tests(response("def f():\n    return 1\n", "assert f() == 1\n"))


def test_an_assert_in_a_loop_is_a_test() -> None:
    tests = "for x in (1, 2):\n    assert f(x) == x\n"
    assert responses.has_tests(response("def f(x):\n    return x\n", tests))


def test_an_assert_about_nothing_in_the_code_is_no_test() -> None:
    for tests in ("assert True\n", "x = 1\nassert len([x]) == x\n"):
        assert not responses.has_tests(response("def f():\n    return 1\n", tests))


def test_an_assert_about_a_name_that_the_code_lacks_is_left_to_the_execution() -> None:
    assert responses.has_tests(response("def f():\n    return 1\n", "assert g() == 1\n"))


def test_tests_without_assert_are_no_tests() -> None:
    assert not responses.has_tests(response("def f():\n    return 1\n", "f()\n"))


def test_code_or_tests_that_do_not_parse_are_still_run() -> None:
    assert responses.has_tests(response("def f(:\n", "assert f() == 1\n"))
    assert responses.has_tests(response("def f():\n    return 1\n", "assert f( == 1\n"))


def test_responses_are_counted_by_what_they_lack() -> None:
    whole = response("def f():\n    return 1\n", "assert f() == 1\n")
    untested = response("x = 1\n", "")
    cut = Response("a", "i", 0, "", "", "", "length")
    assert responses.count([whole, untested, cut]) == {
        "without code": 1,
        "without tests": 1,
        "cut at the longest": 1,
    }


def test_the_program_runs_the_code_before_its_tests() -> None:
    made = responses.program(response("x = 1\n", "assert x\n"), 2.0)
    assert (made.id, made.code, made.cpu_s) == ("a", "x = 1\n\nassert x\n", 2.0)
