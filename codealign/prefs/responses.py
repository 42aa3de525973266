"""Instructions to sampled responses with their own tests, and what is read from a response.

- Its tests are the first fenced Python (or doctest) block in a section whose heading speaks of
  tests; the section is asked for as `### Tests`, other wordings are read too and counted.
- Its code is the first Python block outside such sections.
- A fence that is never closed (a text cut at its longest) holds neither.
- Its answer is the text without the sections of tests: what the pairs hold unless
  `prefs.pairs.tests` says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

from codealign.fences import Fenced, first_python
from codealign.generate import Completion, Request
from codealign.params import Generation
from codealign.prefs.steps import Recipe, made_id
from codealign.prefs.testing import Case, Untestable, make_case
from codealign.prompts import task_text
from codealign.records import Instruction, Response

STOP = ("### Instruction", "### Snippet", "### Concepts")
ASKED_FOR = "Tests"
CUT = "cut at the longest"
_OF_TESTS = re.compile(
    r"[\W\d]*(?:(?:the|some|own|self|unit|sample|example|simple|basic|further|more)\W+)*"
    r"(?:unit|doc|py)?(?:tests?|testing)\b.*",
    re.IGNORECASE,
)
_DOCTEST = ("pycon", "doctest")


def requests(
    instructions: Iterable[Instruction], recipe: Recipe, settings: Generation
) -> Iterator[tuple[Request, Instruction]]:
    """Yield one request per instruction (it is sampled n times), beside the instruction."""
    for one in instructions:
        task = task_text(one.text, one.principle)
        prompt = recipe.prompt("response", one.dimension, instruction=task)
        request_id = recipe.request_id("response", one.id, prompt, settings)
        yield Request(request_id, prompt), one


@dataclass(frozen=True)
class Parts:
    """A response taken apart.

    `code` and `tests` are "" where there are none. `answer` is the text without its tests, ending
    in one newline. `heading` is the title over the tests, "" without any. `ends_in_tests` tells
    whether the text's end, which a length limit may have cut, is among the tests.
    """

    code: str
    tests: str
    answer: str
    heading: str
    ends_in_tests: bool


@lru_cache(maxsize=16)  # each step asks for several parts of one text
def take_apart(text: str) -> Parts:
    """Return the parts of a response's text."""
    answer = Fenced(text)
    over = [h for h in answer.headings if _OF_TESTS.fullmatch(h.title)]
    of_tests = set(chain.from_iterable(answer.section(h) for h in over))
    closed = [b for b in answer.blocks if b.closed]
    code = first_python(b for b in closed if b.first not in of_tests)
    in_tests = [b for b in closed if b.first in of_tests]
    doctests = (b for b in in_tests if b.language in _DOCTEST or b.code.lstrip().startswith(">>> "))
    tests = first_python(in_tests) or next(doctests, None)
    return Parts(
        code=code.code if code else "",
        tests=tests.code if tests else "",
        answer=answer.without(of_tests).strip("\n") + "\n",
        heading=over[0].title if over else "",
        ends_in_tests=len(answer.lines) - 1 in of_tests,
    )


def shown(response: Response, keep_tests: bool) -> str:
    """Return a response's text as pairs and judges have it: with its own tests or without."""
    return response.text if keep_tests else take_apart(response.text).answer


def split_response(text: str) -> tuple[str, str]:
    """Return a response's code and tests, "" where there are none."""
    parts = take_apart(text)
    return parts.code, parts.tests


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


def read_again(response: Response) -> Response:
    """Return a response with code and tests as they are read today; its file may be older."""
    code, tests = split_response(response.text)
    return replace(response, code=code, tests=tests)


def examined(response: Response, keep_tests: bool = False) -> tuple[Case | None, str]:
    """Return a response's code and tests, ready to run, or why it is not executed.

    The reason is one of `testing.LACKING`, or `CUT` where it is cut in the text that pairs would
    hold; "" if it is executed.
    """
    if response.finish == "length" and (keep_tests or not take_apart(response.text).ends_in_tests):
        return None, CUT
    try:
        return make_case(response.code, response.tests), ""
    except Untestable as why:
        return None, why.reason
