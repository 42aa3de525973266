"""Solutions to verdicts: run in the sandbox, compared on the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from codealign.evaluate.functional.expected import Expected, inputs_as_json
from codealign.evaluate.functional.oracle import agreements
from codealign.records import stable_id
from codealign.sandbox import Call, Program, Result, Sandbox

KINDS = ("", "no_answer", "wrong", "error", "timeout", "crash", "no_proof", "sandbox_error")
"""Why a solution failed: nothing was answered, an output is wrong, an exception, the time limit, a
signal, it left early; a sandbox error is no failure of the solution. "" is a pass."""
SUITES = ("base", "plus")
CALL_CPU_S = 1.0
REFERENCE_FACTOR = 4.0
MEMORY_MB, LARGE_MEMORY_MB = 1024, 4096
LARGE_BYTES = 1 << 20
SPARE_BYTES = 4 << 20
SHOWN = 200


@dataclass(frozen=True)
class Limits:
    """CPU time a solution may use; evalplus' own limits are the same in wall time.

    Memory: `MEMORY_MB`, or evalplus' 4 GiB where more than `LARGE_BYTES` of outputs are expected.

    A call may take `CALL_CPU_S`, or 4 times the canonical solution's time if that is more; all
    calls of a problem together `cpu_s`, or 4 times the canonical solution's if that is more.
    """

    cpu_s: float = 60.0

    def calls(self, expected: Expected) -> list[float]:
        """CPU seconds for each call."""
        least = min(CALL_CPU_S, self.cpu_s)
        return [max(least, REFERENCE_FACTOR * t) for t in expected.cpu_s]

    def program(self, expected: Expected) -> float:
        """CPU seconds for all calls and the code itself."""
        return max(self.cpu_s, REFERENCE_FACTOR * expected.total_cpu_s)

    def longest_call(self, expected: Expected) -> float:
        """CPU seconds after which a call is ended: the longest limit, and time to encode."""
        encoding = expected.total_cpu_s - sum(expected.cpu_s)
        return max(self.calls(expected), default=0.0) + REFERENCE_FACTOR * encoding


@dataclass(frozen=True)
class Attempt:
    """One sample and what became of it.

    `base_status` and `plus_status` are evalplus' words (pass, fail, timeout), "" if there are no
    such tests or the sandbox failed. `kind` is one of `KINDS`; `detail` the first failing test.
    The fail tests are the arguments of the first failing test of each suite.
    """

    task_id: str
    index: int
    solution: str
    base_status: str
    plus_status: str
    kind: str
    detail: str
    cpu_s: float
    base_fail_tests: list[Any] = field(default_factory=list)
    plus_fail_tests: list[Any] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether it passes every test there is."""
        return self.base_status == "pass" and self.plus_status in ("pass", "")


def attempts(
    solutions: dict[str, list[str]],
    expected: dict[str, Expected],
    sandbox: Sandbox,
    limits: Limits,
) -> Iterator[Attempt]:
    """Yield one attempt a sample, problem by problem; equal samples of a problem are run once."""
    programs = {}
    for task_id, texts in solutions.items():
        for text in texts:
            if text.strip():
                made = _program(expected[task_id], text, limits)
                programs[made.id] = made
    results = {r.id: r for r in sandbox.run(programs.values())}
    for task_id, texts in solutions.items():
        for index, text in enumerate(texts):
            result = results.get(_id(task_id, text))
            yield _attempt(expected[task_id], index, text, result, limits)


def _id(task_id: str, solution: str) -> str:
    return stable_id(task_id, solution)


def _program(expected: Expected, solution: str, limits: Limits) -> Program:
    problem = expected.problem
    total = limits.program(expected)
    return Program(
        id=_id(problem.task_id, solution),
        code=solution,
        calls=[Call(problem.entry_point, i) for i in problem.base_input + problem.plus_input],
        cpu_s=total,
        call_cpu_s=limits.longest_call(expected),
        wall_s=30.0 + 2 * total,
        memory_mb=LARGE_MEMORY_MB if expected.size > LARGE_BYTES else MEMORY_MB,
        result_bytes=SPARE_BYTES + 2 * expected.size,
    )


def _attempt(
    expected: Expected, index: int, solution: str, result: Result | None, limits: Limits
) -> Attempt:
    task_id = expected.problem.task_id
    has_plus = bool(expected.problem.plus_input)
    if result is None:
        plus = "fail" if has_plus else ""
        return Attempt(task_id, index, solution, "fail", plus, "no_answer", "empty answer", 0.0)
    if result.verdict == "sandbox_error":
        detail = result.detail
        return Attempt(task_id, index, solution, "", "", "sandbox_error", detail, 0.0)
    first = {suite: first_failure(expected, suite, result, limits) for suite in SUITES}
    status = {suite: _status(first[suite], result) for suite in SUITES}
    failing = next((s for s in SUITES if first[s] is not None), None)
    kind, detail = ("", "") if failing is None else _why(expected, failing, first[failing], result)
    return Attempt(
        task_id,
        index,
        solution,
        status["base"],
        status["plus"] if has_plus else "",
        kind,
        detail,
        result.cpu_s,
        *(_fail_tests(expected, suite, first[suite]) for suite in SUITES),
    )


def first_failure(
    expected: Expected, suite: str, result: Result, limits: Limits
) -> tuple[int, str] | None:
    """Return index and reason (wrong, error, slow, absent) of the suite's first failing test."""
    problem, split = expected.problem, len(expected.problem.base_input)
    part = slice(0, split) if suite == "base" else slice(split, None)
    inputs = problem.base_input if suite == "base" else problem.plus_input
    outcomes, allowed = result.outputs[part], limits.calls(expected)[part]
    right = agreements(problem, inputs, outcomes, expected.outputs[part])
    for index, (good, outcome) in enumerate(zip(right, outcomes, strict=True)):
        if outcome.cpu_s > allowed[index]:
            return index, "slow"
        if not good:
            return index, "error" if outcome.error else "wrong"
    return (len(outcomes), "absent") if len(outcomes) < len(inputs) else None


def _status(failure: tuple[int, str] | None, result: Result) -> str:
    if failure is None:
        return "pass"
    late = failure[1] == "slow" or (failure[1] == "absent" and result.verdict == "timeout")
    return "timeout" if late else "fail"


def _fail_tests(expected: Expected, suite: str, failure: tuple[int, str] | None) -> list[Any]:
    return [] if failure is None else [inputs_as_json(expected.problem, suite, failure[0])]


def _why(
    expected: Expected, suite: str, failure: tuple[int, str] | None, result: Result
) -> tuple[str, str]:
    """Kind and detail of the first failure."""
    assert failure is not None
    index, reason = failure
    place = f"{suite} test {index + 1}"
    outcomes = result.outputs if suite == "base" else _plus(expected, result)
    if reason == "slow":
        return "timeout", f"{place}: {outcomes[index].cpu_s:.1f} s of CPU time"
    if reason == "absent":
        kind = {"fail": "error", "pass": "no_proof", "suspect": "no_proof"}
        return kind.get(result.verdict, result.verdict), f"{place}: {result.detail}"
    if reason == "error":
        error = outcomes[index].error
        lacks = f"KeyError: {expected.problem.entry_point!r}"
        if error == lacks:
            return "no_answer", f"no function {expected.problem.entry_point}"
        return "error", f"{place}: {error}"
    wanted = (expected.outputs if suite == "base" else _plus_outputs(expected))[index]
    got = outcomes[index].value
    return "wrong", f"{place}: expected {_short(wanted)}, got {_short(got)}"


def _plus(expected: Expected, result: Result) -> list[Any]:
    return result.outputs[len(expected.problem.base_input) :]


def _plus_outputs(expected: Expected) -> list[Any]:
    return expected.outputs[len(expected.problem.base_input) :]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
