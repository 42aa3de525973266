"""Instructions to sampled responses with their own tests, and to programs that run them.

What is read from a response:

- its code is the first fenced Python block; a fence that is never closed (a text cut at its
  longest) holds no code;
- its tests are the first fenced block behind a heading `### Tests`;
- the tests count only if they assert something and use a name that they do not define themselves,
  so that `assert True` is no test.

A response without code or without tests is not executed: it neither passes, nor has it been shown
to fail, so it is neither chosen nor rejected, and is counted apart.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from codealign.generate import Completion, Request
from codealign.params import Generation
from codealign.prefs.sources import free_names
from codealign.prefs.steps import Recipe, made_id
from codealign.prompts import task_text
from codealign.records import Instruction, Response
from codealign.sandbox import Program

STOP = ("### Instruction", "### Snippet", "### Concepts")
FENCE = re.compile(r"^```(?:python|py)?[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
TESTS_HEADING = re.compile(r"^#+ *Tests\b.*$", re.MULTILINE)


def requests(
    instructions: Iterable[Instruction], recipe: Recipe, settings: Generation
) -> Iterator[tuple[Request, Instruction]]:
    """Yield one request an instruction (it is sampled n times), beside the instruction."""
    for one in instructions:
        task = task_text(one.text, one.principle)
        prompt = recipe.prompt("response", one.dimension, instruction=task)
        request_id = recipe.request_id("response", one.id, prompt, settings)
        yield Request(request_id, prompt), one


def split_response(text: str) -> tuple[str, str]:
    """Return a response's code and tests, "" where there are none."""
    heading = TESTS_HEADING.search(text)
    answer, rest = (text[: heading.start()], text[heading.end() :]) if heading else (text, "")
    code, tests = FENCE.search(answer), FENCE.search(rest)
    return (code[1] if code else ""), (tests[1] if tests else "")


def parse(completion: Completion, instruction: Instruction) -> Response:
    """Return the response in a completion."""
    code, tests = split_response(completion.text)
    return Response(
        id=made_id(completion.id, completion.index),
        instruction_id=instruction.id,
        index=completion.index,
        text=completion.text.strip("\n") + "\n",
        code=code,
        tests=tests,
        finish=completion.finish,
    )


def has_tests(response: Response) -> bool:
    """Tell whether the tests assert something and use a name that they do not define themselves.

    Whether the code defines that name is for the execution to show. Tests that do not parse count
    if they have the word assert: running them shows the fault.
    """
    try:
        asserts = [n for n in ast.walk(ast.parse(response.tests)) if isinstance(n, ast.Assert)]
        return bool(asserts) and bool(free_names(response.tests))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(re.search(r"\bassert\b", response.tests))


def program(response: Response, cpu_s: float) -> Program:
    """Return the program that runs a response's code and then its tests."""
    return Program(id=response.id, code=f"{response.code}\n{response.tests}", cpu_s=cpu_s)


def lack(response: Response) -> str:
    """Return what a response lacks to be executed: "without code", "without tests" or ""."""
    if not response.code:
        return "without code"
    return "" if has_tests(response) else "without tests"
