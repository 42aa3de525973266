"""Our sandbox against evalplus' own fork for each sample: the same programs, in the same run.

    python benchmarks/sandbox_speed.py [--rounds 3]

Prints one JSON line: solutions per second of each (base and added tests of nano's HumanEval+), best
of the rounds, which alternate, and their ratio.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

from codealign.evaluate.functional.expected import Expected, expect
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import load
from codealign.evaluate.functional.scoring import attempts
from codealign.evaluate.functional.verdicts import Limits
from codealign.sandbox import Sandbox


def ours(expected: dict[str, Expected], sandbox: Sandbox) -> int:
    """Score every canonical solution; return how many pass."""
    solutions = {t: [e.problem.canonical] for t, e in expected.items()}
    return sum(a.passed for a in attempts(solutions, expected, sandbox, Limits()))


def evalplus(expected: dict[str, Expected]) -> int:
    """The same by evalplus' `untrusted_check`, as its command does: base, then added tests."""
    from evalplus.eval import PASS, untrusted_check

    passed = 0
    for e in expected.values():
        p: Problem = e.problem
        split = len(p.base_input)
        suites = ((p.base_input, e.outputs[:split]), (p.plus_input, e.outputs[split:]))
        passed += all(
            untrusted_check(
                "humaneval", p.canonical, inputs, p.entry_point, wanted, p.atol,
                [0.01] * len(inputs), fast_check=True,
            )[0] == PASS
            for inputs, wanted in suites
        )  # fmt: skip
    return passed


def timed(score: Callable[[], int], n: int) -> float:
    """Return the wall seconds of one round; every solution must pass."""
    started = time.perf_counter()
    assert score() == n
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    problems = load("humaneval", "nano")
    n = len(problems)
    found: dict[str, list[float]] = {"ours": [], "evalplus": []}
    with Sandbox() as sandbox:
        expected = expect(problems, sandbox)
        for _ in range(rounds):
            found["ours"].append(timed(lambda: ours(expected, sandbox), n))
            found["evalplus"].append(timed(lambda: evalplus(expected), n))
        best = {name: min(times) for name, times in found.items()}
        row = {f"{name}_per_s": round(n / seconds, 1) for name, seconds in best.items()}
        row |= {"ratio": round(best["evalplus"] / best["ours"], 2), "n": n, "rounds": rounds}
        row |= {"level": sandbox.level, "note": sandbox.note, "server_mb": sandbox.memory_mb}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
