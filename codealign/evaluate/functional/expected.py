"""Expected outputs, computed from the canonical solutions in the sandbox, cached by content.

Large outputs are kept as hashes only: a solution's output is right if it has the same hash. Where
the hashes differ, both are computed again in full and compared by the benchmark's rule.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from codealign.errors import CodealignError
from codealign.evaluate.functional.oracle import expects_only_presence
from codealign.evaluate.functional.problems import Problem
from codealign.records import read_jsonl, stable_id, write_jsonl
from codealign.sandbox import Call, Encoded, Hashed, Program, Result, Sandbox
from codealign.sandbox.inside import codec

CANONICAL_CPU_S = 300.0
CANONICAL_MEMORY_MB = 4096
CANONICAL_RESULT_BYTES = 512 << 20
HASH_OVER = 4096
DIGITS_PER_BIT = 0.30103
MOST_BITS = 14_000
"""Some 4,214 digits; Python refuses to write or read integers of more than 4,300."""


@dataclass(frozen=True)
class Expected:
    """Outputs of the canonical solution, base then plus, and what they cost.

    `outputs` holds a `Hashed` for one of more than `HASH_OVER` characters. `cpu_s` holds the CPU
    seconds of each call; `total_cpu_s` also counts the encoding of outputs; `sizes` is the encoded
    length of each; `calls` are the tests, ready to be sent; `id` is of all that outputs depend on.
    """

    id: str
    problem: Problem
    outputs: list[Any]
    cpu_s: list[float]
    total_cpu_s: float
    sizes: list[int]
    calls: list[Call]


def expect(
    problems: dict[str, Problem], sandbox: Sandbox, cache: Path | None = None
) -> dict[str, Expected]:
    """Return what is expected of each problem, by task id.

    Parameters
    ----------
    cache : folder; a file there is used if problems, inputs and Python are the same.

    Raises
    ------
    CodealignError
        A canonical solution does not run through: names the problem and the reason.
    """
    tests = [_Tests.of(p) for p in _with_inputs(problems, sandbox).values()]
    named = {each.id: each for each in tests}
    rows = cached(cache, "expected", named, lambda: _compute(named, sandbox))
    return {e.problem.task_id: e for e in (_expected(named[r["id"]], r) for r in rows)}


class _Tests(NamedTuple):
    """A problem, its calls, and the id of everything that the expected outputs depend on."""

    problem: Problem
    calls: list[Call]
    id: str

    @classmethod
    def of(cls, problem: Problem) -> _Tests:
        inputs = [Encoded(codec.dumps(i)) for i in problem.base_input + problem.plus_input]
        parts = (problem.task_id, problem.canonical, problem.entry_point, len(problem.base_input))
        calls = [Call(problem.entry_point, given) for given in inputs]
        return cls(problem, calls, stable_id(*parts, *inputs))


def canonical_program(name: str, problem: Problem, calls: list[Call], hash_over: int) -> Program:
    """The program that computes a problem's expected outputs."""
    return Program(
        id=name,
        code=problem.canonical,
        calls=calls,
        cpu_s=CANONICAL_CPU_S,
        wall_s=2 * CANONICAL_CPU_S,
        memory_mb=CANONICAL_MEMORY_MB,
        result_bytes=CANONICAL_RESULT_BYTES,
        hash_over=hash_over,
    )


def _compute(named: dict[str, _Tests], sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    programs = [
        canonical_program(name, each.problem, each.calls, HASH_OVER) for name, each in named.items()
    ]
    for result in sandbox.run(programs):
        refuse_failure(named[result.id].problem, result)
        yield {
            "id": result.id,
            "outputs": [codec.dumps(o.value) for o in result.outputs],
            "cpu_s": [o.cpu_s for o in result.outputs],
            "total_cpu_s": result.cpu_s,
        }


def refuse_failure(problem: Problem, result: Result) -> None:
    """Raise `CodealignError` if a canonical solution did not run to its end."""
    errors = [o.error for o in result.outputs if o.error]
    if result.verdict not in ("pass", "suspect") or errors:
        reason = errors[0] if errors else result.detail
        raise CodealignError(
            f"{problem.task_id}: its canonical solution does not run ({result.verdict}: {reason})"
        )


def _expected(tests: _Tests, row: dict[str, Any]) -> Expected:
    outputs = [codec.loads(text) for text in row["outputs"]]
    _refuse_opaque(tests.problem, outputs)
    sizes = [
        value.size if isinstance(value, Hashed) else len(text)
        for value, text in zip(outputs, row["outputs"], strict=True)
    ]
    outputs = as_expected(tests.problem, outputs)
    cost = row["cpu_s"], row["total_cpu_s"]
    return Expected(tests.id, tests.problem, outputs, *cost, sizes, tests.calls)


def _refuse_opaque(problem: Problem, outputs: list[Any]) -> None:
    """Raise `CodealignError` if an expected output equals nothing, so that no solution could pass.

    An output that comes within a larger one counts too.
    """
    if expects_only_presence(problem):
        return
    for number, name in enumerate(map(codec.holds_opaque, outputs), 1):
        if name:
            raise CodealignError(
                f"{problem.task_id}: its canonical solution returns in test {number} what cannot be"
                f" compared ({name}); let it return plain values (numbers, text, lists, tuples,"
                " sets, dictionaries, dates, paths, numpy arrays)"
            )


def as_expected(problem: Problem, outputs: list[Any]) -> list[Any]:
    """What is expected, from a canonical solution's outputs: for some problems only that it is."""
    if expects_only_presence(problem):
        return [value is not None for value in outputs]
    return outputs


def _with_inputs(problems: dict[str, Problem], sandbox: Sandbox) -> dict[str, Problem]:
    """Evaluate inputs that are given as Python source (EvoEval)."""
    programs = []
    for p in problems.values():
        if p.base_expressions:
            rows = ", ".join(f"[{expression}]" for expression in p.base_expressions)
            code = f"def inputs():\n    return [{rows}]\n"
            programs.append(Program(p.task_id, code, [Call("inputs", [])], cpu_s=60))
    evaluated = dict(problems)
    for result in sandbox.run(programs):
        refuse_failure(problems[result.id], result)
        base = result.outputs[0].value
        evaluated[result.id] = replace(problems[result.id], base_input=base, base_expressions=[])
    return evaluated


def inputs_as_json(problem: Problem, suite: str, index: int) -> Any:
    """One test's arguments as results files keep them; what JSON lacks becomes text."""
    return _plain((problem.base_input if suite == "base" else problem.plus_input)[index])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k if isinstance(k, str) else text_of(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    # JSON writes integers in digits, and Python refuses that for very long ones.
    short = isinstance(value, int) and value.bit_length() <= MOST_BITS
    return value if short or isinstance(value, str | float | None) else text_of(value)


def text_of(value: Any) -> str:
    """A value as Python writes it; one with integers that it refuses to write by its kind."""
    try:
        return repr(value)
    except ValueError:
        if isinstance(value, int):
            return f"an integer of about {round(value.bit_length() * DIGITS_PER_BIT)} digits"
        return f"a {type(value).__name__} with an integer of thousands of digits"


# Results that depend on nothing but their inputs, kept in files named by those inputs.

FORMAT = 7
"""To be raised when what a cached row holds, or how it is measured, changes."""


def cached(
    folder: Path | None,
    kind: str,
    ids: Iterable[str],
    compute: Callable[[], Iterable[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Return the rows of an earlier call with the same `ids`, or compute and keep them.

    Parameters
    ----------
    folder : where files are kept; None keeps nothing.
    kind : begin of the file's name.
    ids : content ids of all that the rows depend on; the Python version is added.
    """
    if folder is None:
        return list(compute())
    file = folder / f"{kind}-{stable_id(FORMAT, sys.version_info[:3], *ids)}.jsonl"
    if file.exists():
        return list(read_jsonl(file, dict))
    rows = list(compute())
    write_jsonl(file, rows)
    return rows
