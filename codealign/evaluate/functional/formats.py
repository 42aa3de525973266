"""Which way a problem is put: completed, as evalplus puts it to a base model, or asked.

Training puts pairs into the instruction format of each variant. A base model that completes is then
scored in another format than that of its training; asked, it is scored in the same.
"""

from __future__ import annotations

import ast
import re
from typing import Literal, Protocol

from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import prompts_for
from codealign.generate import Request
from codealign.prompts import response_prompt

Format = Literal["own", "completion", "instruction"]
OPENING = "```python\n"
EXAMPLES = re.compile(r"^\s*(>>>|assert\b|Examples?\b)", re.MULTILINE)


class Chats(Protocol):
    """What is asked of an engine."""

    def chat(self, content: str) -> str:
        """Return the prompt text for one user message."""


def is_asked(form: Format, chat: bool) -> bool:
    """Tell whether a variant is asked (else it completes); `own` is by its chat format."""
    return form == "instruction" or (form == "own" and chat)


def requests_in(
    form: Format, problems: dict[str, Problem], engine: Chats, chat: bool, begun: bool = True
) -> list[Request]:
    """Return the request of each problem in a format.

    Parameters
    ----------
    form : `own`: a chat model is asked in evalplus' words, a base model completes. In the other
        format a chat model completes, and a base model gets the problem as the pairs' tasks were
        put in its training: an instruction (`instruction_of`) in the same template. In both
        formats that ask, the answer is begun with the opening of a code block.
    chat : whether the variant has a chat format.
    begun : as in `prompts_for`.
    """
    if not is_asked(form, chat):
        return prompts_for(problems)
    if chat:
        return prompts_for(problems, engine.chat, begun)
    return [
        Request(p.task_id, response_prompt(instruction_of(p)) + OPENING) for p in problems.values()
    ]


def instruction_of(problem: Problem) -> str:
    """Return a problem as an instruction of one line that names the function, without examples.

    A docstring follows the sentence that names the function; a request that stands by itself
    (MBPP's look) gets the name behind its word "function".
    """
    doc, name = _docstring(problem), f"`{problem.entry_point}`"
    cut = EXAMPLES.search(doc)
    text = " ".join(doc[: cut.start() if cut else None].split())
    if re.search(r"\bfunction\b", text):
        return re.sub(r"\bfunction\b", f"function {name}", text, count=1)
    return f"Write a Python function {name}. {text}"


def _docstring(problem: Problem) -> str:
    """Return the docstring of the function asked for, else of the module, else the whole prompt."""
    for source in (problem.prompt, problem.prompt.rstrip() + "\n    pass\n"):
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        functions = [
            n for n in ast.walk(tree)
            if isinstance(n, ast.FunctionDef) and n.name == problem.entry_point
        ]  # fmt: skip
        found = [ast.get_docstring(node) for node in (*functions, tree)]
        return next((doc for doc in found if doc), problem.prompt)
    return problem.prompt
