"""Prompts and solutions as evalplus makes them."""

from __future__ import annotations

import pytest

from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import (
    extract,
    longest_code,
    prompts_for,
    sanitize,
    stops,
)

PROBLEM = Problem("T/0", "f", '\ndef f(x):\n    """Add one."""\n\n', "", [])


def test_a_base_model_gets_the_stripped_prompt() -> None:
    (request,) = prompts_for({"T/0": PROBLEM})
    assert request.id == "T/0"
    assert request.prompt == 'def f(x):\n    """Add one."""\n'


def test_a_chat_model_gets_evalplus_words_and_the_begun_answer() -> None:
    from evalplus.provider.utility import make_raw_chat_prompt

    from codealign.evaluate.functional.prompts import INSTRUCTION, RESPONSE

    class Tokenizer:
        chat_template = "there is one"

        def apply_chat_template(self, messages: list[dict[str, str]], tokenize: bool) -> str:
            return "".join(f"<{m['role']}>{m['content']}" for m in messages)

    (request,) = prompts_for({"T/0": PROBLEM}, lambda text: f"<user>{text}<assistant>")
    theirs = make_raw_chat_prompt(PROBLEM.prompt.strip() + "\n", INSTRUCTION, RESPONSE, Tokenizer())
    assert request.prompt == theirs


@pytest.mark.parametrize(
    ("benchmark", "chat", "stop"),
    [
        ("humaneval", False, "\ndef "), ("evoeval_subtle", False, "\nclass "),
        ("mbpp", False, '\n"""'), ("mbpp", True, "\n```\n"), ("humaneval", True, "\nif __name__"),
    ],
)  # fmt: skip
def test_stop_strings(benchmark: str, chat: bool, stop: str) -> None:
    assert stop in stops(benchmark, chat)


def test_a_chat_answer_may_define_helpers() -> None:
    assert "\ndef " not in stops("humaneval", chat=True)


def test_a_completion_is_joined_to_its_prompt_and_cut_to_the_function() -> None:
    solution = extract(PROBLEM, "\treturn x + 1\n\nprint(f(2))\nThat is it.", chat=False)
    assert solution == 'def f(x):\n    """Add one."""\n    return x + 1'


def test_a_chat_answer_keeps_imports_and_helpers_it_needs() -> None:
    answer = "import math\ndef g(x): return x\ndef h(x): return x\ndef f(x): return g(x)\n```\nDone"
    solution = extract(PROBLEM, answer, chat=True)
    assert solution == "import math\ndef g(x): return x\ndef f(x): return g(x)"


TEXTS = [
    "", "x", "\n\n", "def f(:\n  pass", "a = 1\nb = 2", "Text\na = 1\n\nb = 2\n\nMore text",
    "\na = 1\n\n", "```python\ndef f(x):\n    return x\n```\n```\ndef g(y):\n    return y\n```",
    "a = 1\n?\nb = 1\n?\nc = 1\nd = 1\n", "def f(x):\n    return (x\n", "a = 1\n?\n\n?\nb = 2",
    "x = 1\n" * 3,
    "if x:\nprint(1)\nelse:\nprint(2)", "return 1\nx = 'é'\nfor i in x:\n    pass\n)",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_the_fast_search_finds_what_evalplus_finds(text: str) -> None:
    from evalplus.sanitize import code_extract
    from evalplus.sanitize import sanitize as evalplus_sanitize

    assert longest_code(text) == code_extract(text)
    assert sanitize(text, "f") == evalplus_sanitize(text, "f")


@pytest.mark.parametrize(
    "body",
    ["return x" + " + 1" * 1200, "return x" + ".a()" * 1500, "return " + "not " * 3000 + "x"],
    ids=["sum", "chain", "not"],
)
def test_a_deep_expression_is_a_solution_like_any_other(body: str) -> None:
    code = f"def inc(x):\n    {body}"
    assert sanitize(code + "\n", "inc") == code


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert sanitize("def inc(x):\n    return '\ud83d'\n", "inc").endswith("return '\ufffd'")
