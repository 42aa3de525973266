"""Solutions to verdicts: run in the sandbox, compared on the host.

A sample is run in steps, so that most wrong ones cost little:

1. the base tests, and the first added tests as long as they are cheap;
2. the same again, as often as a step was cut off before each of its suites had a failing test:
   without the base tests where these had, else with `LONGER` times the CPU time;
3. the other added tests, unless an added test has failed by then;
4. everything in full, with the expected outputs, if large outputs have other hashes than expected.

As by evalplus, each suite ends with its first failing test, and the added tests are also run where
the base tests fail, unless one of these ends the program itself. No program is told that a test has
failed: outputs are compared here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from codealign.evaluate.functional.expected import (
    HASH_OVER,
    Expected,
    as_expected,
    canonical_program,
    refuse_failure,
)
from codealign.evaluate.functional.verdicts import (
    REFERENCE_FACTOR,
    SUITES,
    Attempt,
    Limits,
    first_failure,
    judge,
)
from codealign.progress import Bar
from codealign.records import stable_id
from codealign.sandbox import Outcome, Program, Result, Sandbox

FIRST_CALLS, FIRST_CPU_S = 50, 0.01
"""Added tests of the first step: so many, or fewer once they cost so much."""
WORTH_S = 0.02
"""What the later added tests must cost, by the canonical solution, to be worth a step."""
SPARE_S, LONGER = 0.5, 4.0
"""CPU seconds of the first step beyond its longest call and `REFERENCE_FACTOR` times the canonical
solution's; how many times as many each repetition may take."""
SECONDS_PER_CALL, SECONDS_PER_BYTE = 1e-4, 3e-8
"""About what the sandbox itself takes for a call, and for a byte of its encoded output."""
MEMORY_MB, LARGE_MEMORY_MB = 1024, 4096
LARGE_BYTES = 1 << 20
SPARE_BYTES = 4 << 20
"""What outputs may take beyond twice the expected ones: more ends a solution as failed."""
WALL_FACTOR = 10.0
"""Real seconds per CPU second: so large that a busy machine does not make a verdict."""
IDLE_S = 10.0
"""Real seconds without any CPU time, after which a solution that sleeps is ended."""
NOT_RUN = Outcome(error="not run")
"""Stands for the base tests behind the first failing one, which decide nothing."""


@dataclass
class _Sample:
    """One distinct sample on its way: what is expected, and the results until now, joined.

    `part` is which calls the next step makes, in at most `cpu_s` CPU seconds.
    """

    id: str
    expected: Expected
    solution: str
    part: slice
    cpu_s: float
    result: Result | None = None

    def add(self, result: Result) -> None:
        """Put the result of `part` behind what is known of the calls before it."""
        start = self.part.start
        # A sandbox error replaces what was there: a part of the tests gives no verdict.
        if start and result.verdict != "sandbox_error":
            before = self.result.outputs[:start]
            before += [NOT_RUN] * (start - len(before))
            cpu_s = self.result.cpu_s + result.cpu_s
            result = replace(result, outputs=before + result.outputs, cpu_s=cpu_s)
        self.result = result


def attempts(
    solutions: dict[str, list[str]], expected: dict[str, Expected], sandbox: Sandbox, limits: Limits
) -> Iterator[Attempt]:
    """Yield one attempt per sample, problem by problem; equal samples of a problem are run once.

    The costliest problems are run first, so that no worker is left with one in the end.
    """
    samples = [
        _sample(_id(task_id, text), expected[task_id], text, limits)
        for task_id, texts in solutions.items()
        for text in dict.fromkeys(texts)
        if text.strip()
    ]
    samples.sort(key=lambda s: -s.expected.total_cpu_s)
    # By id, since samples come back in the order in which they are settled. Equal texts share one
    # verdict; their own index is put in below.
    judged = {a.id: judge(a.expected, 0, a.solution, a.result, limits)
              for a in _run(samples, sandbox, limits)}  # fmt: skip
    for task_id, texts in solutions.items():
        for index, text in enumerate(texts):
            attempt = judged.get(_id(task_id, text))
            if attempt is None:  # an empty answer, which is not run
                attempt = judge(expected[task_id], index, text, None, limits)
            yield replace(attempt, index=index)


def _id(task_id: str, solution: str) -> str:
    return stable_id(task_id, solution)


def _sample(id: str, expected: Expected, solution: str, limits: Limits) -> _Sample:
    """A sample before its first step."""
    part = _first(expected)
    least = limits.longest_call(expected, part) + SPARE_S
    enough = least + REFERENCE_FACTOR * _cost(expected, part)
    return _Sample(id, expected, solution, part, min(enough, limits.program(expected)))


def _run(samples: list[_Sample], sandbox: Sandbox, limits: Limits) -> Iterator[_Sample]:
    """Yield each sample when its verdict is settled."""
    doubtful = []
    while samples:
        programs = (_program(s, limits) for s in samples)
        bar = {"desc": "samples", "total": len(samples), "leave": False, "disable": None}
        unsettled = []
        for sample, result in zip(samples, Bar(sandbox.run(programs), **bar), strict=True):
            sample.add(result)
            if _goes_on(sample, limits):
                unsettled.append(sample)
            elif _is_undecided(sample, limits):
                doubtful.append(sample)
            else:
                yield sample
        samples = unsettled
    yield from _in_full(doubtful, sandbox, limits)


def _goes_on(sample: _Sample, limits: Limits) -> bool:
    """Set a sample's next step; tell whether there is one."""
    expected, whole = sample.expected, limits.program(sample.expected)
    if _was_cut(sample.result):
        first = {s: first_failure(expected, s, sample.result, limits) for s in SUITES}
        cut = [s for s in SUITES if first[s] is not None and first[s][1] == "absent"]
        start = 0 if "base" in cut else len(expected.problem.base_input)
        # The added tests get the whole time whatever the base tests took: else a verdict would
        # depend on the step in which these ended.
        again = start > sample.part.start or sample.cpu_s < whole
        if start == sample.part.start:
            sample.cpu_s = min(LONGER * sample.cpu_s, whole)
        sample.part = slice(start, sample.part.stop)
        return bool(cut) and again
    if _wants_more(sample, limits):
        sample.part, sample.cpu_s = slice(len(sample.result.outputs), None), whole
        return True
    return False


def _was_cut(result: Result) -> bool:
    """Whether all calls together took more CPU time than they might (a single call may not)."""
    return result.verdict == "timeout" and result.limit in ("cpu", "")


def _first(expected: Expected) -> slice:
    """The base tests and the first added ones; all, if the others cost next to nothing."""
    end = len(expected.problem.base_input)
    last, spent = min(end + FIRST_CALLS, len(expected.calls)), 0.0
    while end < last and spent < FIRST_CPU_S:
        spent += _cost(expected, slice(end, end + 1))
        end += 1
    return slice(0, end if _cost(expected, slice(end, None)) > WORTH_S else len(expected.calls))


def _cost(expected: Expected, part: slice) -> float:
    """About the CPU seconds that calls and their outputs take."""
    times, sizes = expected.cpu_s[part], expected.sizes[part]
    return sum(times) + len(times) * SECONDS_PER_CALL + sum(sizes) * SECONDS_PER_BYTE


def _wants_more(sample: _Sample, limits: Limits) -> bool:
    """Whether all that was run ran through, no added test failed, and there are more."""
    result, expected = sample.result, sample.expected
    if result.verdict not in ("pass", "suspect") or len(result.outputs) == len(expected.calls):
        return False
    # That the first failing added test is the first one not run says that all before it passed. A
    # failing base test does not end the added ones; an added one in doubt does (see `_in_full`).
    place = len(result.outputs) - len(expected.problem.base_input)
    return first_failure(expected, "plus", result, limits) == (place, "absent")


def _is_undecided(sample: _Sample, limits: Limits) -> bool:
    if sample.result.verdict == "sandbox_error":
        return False
    failures = [first_failure(sample.expected, s, sample.result, limits) for s in SUITES]
    return any(failure is not None and failure[1] == "undecided" for failure in failures)


def _in_full(samples: list[_Sample], sandbox: Sandbox, limits: Limits) -> Iterator[_Sample]:
    """Run samples again, and their problems' canonical solutions, for the values of all outputs."""
    # Problem by problem: full outputs are large, and one canonical run serves all its samples.
    samples = sorted(samples, key=lambda s: s.expected.id)
    for _, group in groupby(samples, key=lambda s: s.expected.id):
        same = list(group)
        e = _with_values(same[0].expected, sandbox)
        again = [_Sample(s.id, e, s.solution, slice(0, None), limits.program(e)) for s in same]
        programs = [_program(s, limits, hash_over=0) for s in again]
        for sample, result in zip(again, sandbox.run(programs), strict=True):
            sample.add(result)
            yield sample


def _with_values(expected: Expected, sandbox: Sandbox) -> Expected:
    program = canonical_program(expected.id, expected.problem, expected.calls, hash_over=0)
    (result,) = sandbox.run([program])
    refuse_failure(expected.problem, result)
    values = [outcome.value for outcome in result.outputs]
    return replace(expected, outputs=as_expected(expected.problem, values))


def _program(sample: _Sample, limits: Limits, hash_over: int = HASH_OVER) -> Program:
    """The program of a sample's next step.

    Memory: `MEMORY_MB`, or evalplus' 4 GiB where more than `LARGE_BYTES` of outputs are expected.
    """
    expected, part, size = sample.expected, sample.part, sum(sample.expected.sizes)
    return Program(
        id=sample.id,
        code=sample.solution,
        calls=expected.calls[part],
        cpu_s=sample.cpu_s,
        call_cpu_s=limits.longest_call(expected, part),
        # Of the whole CPU time in a short step too: that a machine stood still shows nothing.
        wall_s=30.0 + WALL_FACTOR * limits.program(expected),
        idle_s=IDLE_S,
        memory_mb=LARGE_MEMORY_MB if size > LARGE_BYTES else MEMORY_MB,
        result_bytes=SPARE_BYTES + 2 * size,
        hash_over=hash_over,
    )
