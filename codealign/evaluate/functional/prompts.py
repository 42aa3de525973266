"""Prompts as evalplus makes them, and solutions out of completions by its sanitiser.

A problem is completed, as evalplus puts it to a base model, or asked. Training puts pairs into the
instruction format of each variant: a base model that completes is scored in another format than
that of its training; asked, it is scored in the same (`Format`).
"""

from __future__ import annotations

import ast
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Literal

from codealign.evaluate.functional.problems import Problem
from codealign.generate import Engine, Request
from codealign.generate.wire import well_formed
from codealign.prompts import response_prompt

INSTRUCTION = (
    "Please provide a self-contained Python script that solves the following problem in a "
    "markdown code block:"
)
RESPONSE = (
    "Below is a Python script with a self-contained function that solves the problem and passes "
    "corresponding tests:"
)
CHAT_STOP = "\n```\n"
Format = Literal["own", "completion", "instruction"]
OPENING = "```python\n"
EXAMPLES = re.compile(r"^\s*(>>>|assert\b|Examples?\b)", re.MULTILINE)
DEEPEST, DEEP_STACK = 50_000, 512 << 20
"""Levels of nesting that are looked into where the usual thousand do not do, and their stack."""


def prompts_for(
    problems: dict[str, Problem], chat: Callable[[str], str] | None = None, begun: bool = True
) -> list[Request]:
    """Return the prompt of each problem, its task id as the request's id.

    Parameters
    ----------
    chat : for chat models the engine's `chat`, which wraps a user's message; None for models that
        complete.
    begun : give the beginning of the answer, up to the opening of the code block, as evalplus does
        for local models; not for servers, which take a message only (there evalplus asks the same).
    """
    if chat is None:
        return [Request(p.task_id, base_prompt(p)) for p in problems.values()]
    answer = f"{RESPONSE}\n{OPENING}" if begun else ""
    return [Request(p.task_id, chat(chat_message(p)) + answer) for p in problems.values()]


def base_prompt(problem: Problem) -> str:
    """What a model without a chat format completes."""
    return problem.prompt.strip() + "\n"


def chat_message(problem: Problem) -> str:
    """What a chat model is asked."""
    return f"{INSTRUCTION}\n```\n{problem.prompt.strip()}\n```\n"


def is_asked(form: Format, chat: bool) -> bool:
    """Tell whether a variant is asked (else it completes); `own` is by its chat format."""
    return form == "instruction" or (form == "own" and chat)


def requests_in(
    form: Format, problems: dict[str, Problem], engine: Engine, chat: bool, begun: bool = True
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
        docs = [ast.get_docstring(node) for node in (*functions, tree)]
        return next(filter(None, docs), problem.prompt)
    return problem.prompt


def stops(benchmark: str, chat: bool) -> list[str]:
    """Return the strings that end a completion; EvoEval's are HumanEval's, EvalPerf's both."""
    from evalplus.provider.utility import EOS, extra_eos_for_direct_completion

    if chat:
        return [*EOS, CHAT_STOP]
    return EOS + extra_eos_for_direct_completion("mbpp" if benchmark == "mbpp" else "humaneval")


def with_same_stops(benchmarks: Iterable[str], chat: bool) -> dict[tuple[str, ...], list[str]]:
    """Return the benchmarks by the strings that end their completions."""
    by_stops: dict[tuple[str, ...], list[str]] = {}
    for name in benchmarks:
        by_stops.setdefault(tuple(stops(name, chat)), []).append(name)
    return by_stops


def extract(problem: Problem, completion: str, chat: bool) -> str:
    """Return the solution in a completion: the entry point and what it needs.

    Tabs become four spaces, a base model's completion is joined to its prompt, and evalplus'
    sanitiser (tree-sitter) does the rest.
    """
    text = completion.replace("\t", "    ")
    text = text if chat else base_prompt(problem) + text
    return sanitize(text, problem.entry_point)


def sanitize(text: str, entry_point: str) -> str:
    """`evalplus.sanitize.sanitize`, with its search for the longest code made fast.

    It raises for half a surrogate pair, here U+FFFD, and for deep expressions (a sum of a thousand
    terms), which get a larger stack here; "" for a text that is too deep even then.
    """
    text = well_formed(text)
    try:
        return _sanitized(text, entry_point)
    except RecursionError:
        return _deep(text, entry_point)


def _sanitized(text: str, entry_point: str) -> str:
    from evalplus.sanitize import sanitize as evalplus_sanitize

    with _fast_search():
        return evalplus_sanitize(text, entry_point)


def _deep(text: str, entry_point: str) -> str:
    limit, size = sys.getrecursionlimit(), threading.stack_size(DEEP_STACK)
    try:
        sys.setrecursionlimit(DEEPEST)
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(_sanitized, text, entry_point).result()
    except (RecursionError, MemoryError):
        return ""
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


@contextmanager
def _fast_search() -> Iterator[None]:
    import evalplus.sanitize as module

    original = module.code_extract
    module.code_extract = longest_code
    try:
        yield
    finally:
        module.code_extract = original


@cache
def longest_code(text: str) -> str:
    """Return what `evalplus.sanitize.code_extract` returns.

    That is the span of at least two lines that parses and has the most lines which are not blank,
    the first such span if there are several. evalplus parses all spans; here the longest are tried
    first, and the first that parses is the answer.
    """
    from evalplus.syncheck import syntax_check

    lines = text.split("\n")
    filled = [0]
    for line in lines:
        filled.append(filled[-1] + bool(line.strip()))
    # the whole text, which is most often the answer, before all spans are listed
    end = max(1, filled.index(filled[-1]) - 1)
    if filled[-1] and len(lines) > 1 and syntax_check("\n".join(lines[: end + 1])):
        return "\n".join(lines[: end + 1])
    spans = [(i, j) for i in range(len(lines)) for j in range(i + 1, len(lines))]
    spans.sort(key=lambda s: (filled[s[0]] - filled[s[1] + 1], s))
    for first, last in spans:
        if filled[first] == filled[last + 1]:
            break  # only blank lines are left, which evalplus does not count as code
        span = "\n".join(lines[first : last + 1])
        if syntax_check(span):
            return span
    return lines[0]
