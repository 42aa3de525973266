"""What became of a sample: limits, the first failing test of each suite, kinds of failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from codealign.evaluate.functional.expected import Expected, inputs_as_json, text_of
from codealign.evaluate.functional.oracle import agreements
from codealign.sandbox import Result

KINDS = (
    "", "no_answer", "extraction", "wrong", "error", "timeout", "crash", "no_proof",
    "sandbox_error",
)  # fmt: skip
"""Why a solution failed: nothing was answered, evalplus' sanitiser lost what was, an output is
wrong, an exception, the time limit, a signal, it left early; a sandbox error is no failure of the
solution. "" is a pass."""
SUITES = ("base", "plus")
CALL_CPU_S = 1.0
REFERENCE_FACTOR = 4.0
SHOWN = 200
TOO_LONG = "more CPU time than a call may take"
Failure = tuple[int, str]
"""A suite's first failing test: index, and wrong, error, slow, absent (not run) or undecided."""


@dataclass(frozen=True)
class Limits:
    """CPU time a solution may use; evalplus' own limits are the same in wall time.

    A call may take `CALL_CPU_S`, or 4 times the canonical solution's time if that is more; the code
    itself counts with the first call. All calls of a step (see `scoring`) together may take
    `cpu_s`, or 4 times what the canonical solution takes for all tests if that is more.
    """

    cpu_s: float = 60.0

    def calls(self, expected: Expected) -> list[float]:
        """CPU seconds for each call."""
        least = min(CALL_CPU_S, self.cpu_s)
        return [max(least, REFERENCE_FACTOR * t) for t in expected.cpu_s]

    def program(self, expected: Expected) -> float:
        """CPU seconds for all calls of a step and the code itself."""
        return max(self.cpu_s, REFERENCE_FACTOR * expected.total_cpu_s)

    def longest_call(self, expected: Expected, part: slice) -> float:
        """CPU seconds after which a call of a part is ended: its longest limit, and encoding."""
        encoding = max(0.0, expected.total_cpu_s - sum(expected.cpu_s))
        each = REFERENCE_FACTOR * encoding / max(1, sum(expected.sizes))
        limits = zip(self.calls(expected)[part], expected.sizes[part], strict=True)
        return max((limit + each * size for limit, size in limits), default=0.0)


@dataclass(frozen=True)
class Attempt:
    """One sample and what became of it.

    `base_status` and `plus_status` are evalplus' words (pass, fail, timeout), "" if there are no
    such tests or the sandbox failed; as there, a call that is too slow fails, and a program that is
    too slow as a whole is a timeout. `kind` is one of `KINDS`; `detail` the first failing test.
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


def judge(
    expected: Expected, index: int, solution: str, result: Result | None, limits: Limits
) -> Attempt:
    """Return what became of a sample.

    Parameters
    ----------
    result : of the program that made the calls of all tests; None for an empty solution.
    """
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
    plus = status["plus"] if has_plus else ""
    failed = [[inputs_as_json(expected.problem, suite, failure[0])] if failure else []
              for suite, failure in first.items()]  # fmt: skip
    return Attempt(
        task_id, index, solution, status["base"], plus, kind, detail, result.cpu_s, *failed
    )


def first_failure(expected: Expected, suite: str, result: Result, limits: Limits) -> Failure | None:
    """Return the suite's first failing test."""
    problem, part = expected.problem, _part(expected, suite)
    inputs = problem.base_input if suite == "base" else problem.plus_input
    outcomes, allowed = result.outputs[part], limits.calls(expected)[part]
    right = agreements(problem, inputs, outcomes, expected.outputs[part])
    for index, (good, outcome) in enumerate(zip(right, outcomes, strict=True)):
        if outcome.cpu_s > allowed[index]:
            return index, "slow"
        if good is None:
            return index, "undecided"
        if not good:
            return index, "error" if outcome.error else "wrong"
    return (len(outcomes), "absent") if len(outcomes) < len(inputs) else None


def _status(failure: Failure | None, result: Result) -> str:
    if failure is None:
        return "pass"
    late = failure[1] == "absent" and result.verdict == "timeout" and result.limit != "call"
    return "timeout" if late else "fail"


def _why(
    expected: Expected, suite: str, failure: Failure | None, result: Result
) -> tuple[str, str]:
    """Kind and detail of the first failure."""
    assert failure is not None
    index, reason = failure
    place = f"{suite} test {index + 1}"
    outcomes = result.outputs[_part(expected, suite)]
    if reason == "slow":
        return "timeout", f"{place}: {TOO_LONG}"
    if reason == "absent":
        kind = {"fail": "error", "pass": "no_proof", "suspect": "no_proof"}
        cause = TOO_LONG if result.limit == "call" else result.detail
        return kind.get(result.verdict, result.verdict), f"{place}: {cause}"
    if reason == "error":
        if outcomes[index].missing:
            return "no_answer", f"no function {expected.problem.entry_point}"
        return "error", f"{place}: {outcomes[index].error}"
    wanted = expected.outputs[_part(expected, suite)][index]
    got = outcomes[index].value
    return "wrong", f"{place}: expected {_short(wanted)}, got {_short(got)}"


def _part(expected: Expected, suite: str) -> slice:
    """The suite's share of all tests, base then plus."""
    split = len(expected.problem.base_input)
    return slice(0, split) if suite == "base" else slice(split, None)


def _short(value: Any) -> str:
    text = text_of(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
