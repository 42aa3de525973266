"""Time and memory of an evaluation against the number of workers, and how far EvalPerf repeats.

    python benchmarks/functional_workers.py [--problems 60] [--repeats 5]

On nano's problems, with the samples of `functional_mutants.py`. Prints a JSON line for each number
of workers (wall seconds, CPU seconds of all processes, peak memory of one worker and of the host
process in MiB, and whether all verdicts are those of one worker), then one for each measure of
EvalPerf: DPS of the reference solutions in each repeat, and the spread (largest less smallest) in
points of percent.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from functional_mutants import samples

from codealign.evaluate.functional.efficiency import compare
from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import load
from codealign.evaluate.functional.verdicts import Attempt
from codealign.sandbox import Sandbox

WORKERS = (1, 2, 4)
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def cpu_seconds() -> float:
    """CPU seconds of this process and of the children that have ended."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, WHO))


def by_workers(problems: dict[str, Problem]) -> Iterator[dict[str, Any]]:
    """Yield a row for each number of workers."""
    solutions = {t: list(samples(p, 4)) for t, p in problems.items()}
    alone: list[Attempt] = []
    for workers in WORKERS:
        cpu, started = cpu_seconds(), time.perf_counter()
        with Sandbox(workers=workers) as box:
            found = evaluate("humaneval", solutions, problems, box).attempts
            memory = box.memory_mb
        wall = time.perf_counter() - started
        flat = [replace(a, cpu_s=0.0) for tried in found.values() for a in tried]
        alone = alone or flat
        yield {
            "workers": workers, "samples": len(flat), "wall_s": round(wall, 1),
            "cpu_s": round(cpu_seconds() - cpu, 1), "worker_mb": memory,
            "host_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "same_verdicts": flat == alone,
        }  # fmt: skip


def by_measure(problems: dict[str, Problem], repeats: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each measure of EvalPerf."""
    solutions = {t: [code for code, _ in p.references] for t, p in problems.items()}
    for measure in ("steps", "cpu"):
        scores = []
        for _ in range(repeats):
            with Sandbox() as box:
                found = compare(solutions, problems, box, measure)
            each = [e.dps for tried in found.values() for e in tried]
            scores.append(round(sum(each) / len(each), 2))
        yield {"measure": measure, "dps": scores, "spread": round(max(scores) - min(scores), 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    for row in by_workers(load("humaneval", "nano", limit=args.problems)):
        print(json.dumps(row), flush=True)
    for row in by_measure(load("evalperf", "nano", limit=args.problems // 4), args.repeats):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
