"""A problem put in the other format: who is asked, in which words, and who completes."""

from __future__ import annotations

import pytest

from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import instruction_of, is_asked, requests_in

TO_COMPLETE = Problem(
    "T/0", "f", 'def f(x):\n    """Add\n    one.\n\n    >>> f(1)\n    2\n    """\n', "", []
)
ASKED = Problem("T/1", "g", '"""\nWrite a function to halve x.\nassert g(4) == 2\n"""\n', "", [])


class Engine:
    def chat(self, content: str) -> str:
        return f"<user>{content}<assistant>"


@pytest.mark.parametrize(
    ("form", "chat", "asked"),
    [
        ("own", False, False), ("own", True, True), ("completion", True, False),
        ("completion", False, False), ("instruction", True, True), ("instruction", False, True),
    ],
)  # fmt: skip
def test_a_format_says_whether_a_variant_is_asked(form: str, chat: bool, asked: bool) -> None:
    assert is_asked(form, chat) == asked


def test_a_base_model_is_asked_as_it_was_in_training() -> None:
    (request,) = requests_in("instruction", {"T/0": TO_COMPLETE}, Engine(), chat=False)
    assert request.prompt == (
        "### Instruction\nWrite a Python function `f`. Add one.\n### Response\n```python\n"
    )


def test_a_request_gets_the_name_behind_its_word_function() -> None:
    assert instruction_of(ASKED) == "Write a function `g` to halve x."


def test_a_chat_model_completes_in_the_other_format() -> None:
    (request,) = requests_in("completion", {"T/0": TO_COMPLETE}, Engine(), chat=True)
    assert request.prompt == TO_COMPLETE.prompt


def test_a_prompt_that_is_no_python_is_the_instruction_itself() -> None:
    assert instruction_of(Problem("T/2", "h", "Halve (x.", "", [])) == (
        "Write a Python function `h`. Halve (x."
    )
