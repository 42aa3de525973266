"""What an evaluation gave: per-problem values, scores, and files in evalplus' own formats."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codealign.evaluate.functional.efficiency import MOST_SAMPLES, Efficiency
from codealign.evaluate.functional.verdicts import SUITES, Attempt
from codealign.records import write_jsonl, write_text

Values = dict[str, dict[str, float | None]]
PASS_AT = (1, 10, 100)
TWO_SUITES = ("humaneval", "mbpp")
"""Benchmarks with a score of their original tests beside that of all tests."""


@dataclass(frozen=True)
class Results:
    """All samples of one model on one benchmark.

    `missing` are problems without a sample; `level` the sandbox's level; `problems` the content id
    of what was evaluated; `efficiency` EvalPerf's measurements of correct samples, and `measure`
    what they count.
    """

    benchmark: str
    attempts: dict[str, list[Attempt]]
    missing: list[str]
    level: str
    problems: str
    efficiency: dict[str, list[Efficiency]] = field(default_factory=dict)
    measure: str = ""

    def values(self) -> Values:
        """Value of each problem for each score: a share of passing samples, or a DPS in percent.

        None where a problem has no sample, only sandbox errors or, for the efficiency of correct
        solutions, no correct solution. Scores: `humaneval` and `humaneval_plus` (likewise mbpp);
        `evalperf`, which is the DPS; an EvoEval category, where a sample must pass all the tests
        there are (for Verbose and Concise these are the ones the paper writes with a plus), and so
        the project's own benchmarks.
        """
        if self.benchmark == "evalperf":
            return {"evalperf": self._each(self._dps)}
        if self.benchmark not in TWO_SUITES:
            return {self.benchmark: self._each(lambda t: self.pass_at_k(t, 1))}
        return {
            self.benchmark: self._each(lambda t: self.pass_at_k(t, 1, base_only=True)),
            f"{self.benchmark}_plus": self._each(lambda t: self.pass_at_k(t, 1)),
        }

    def scores(self, k: tuple[int, ...] = (1,)) -> list[dict[str, Any]]:
        """Rows of benchmark, metric, value, n and missing.

        `value` is the mean over the n problems that could be scored, None if there is none. For
        EvalPerf: `dps`, `dps_norm` (percent) and `pass@1` of the same problems.
        """
        rows = []
        for each in k:
            for name, base_only in self._names():
                rates = self._each(lambda t, b=base_only, e=each: self.pass_at_k(t, e, b))
                rows.append(_row(name, f"pass@{each}", rates))
        if self.benchmark == "evalperf":
            rows.append(_row("evalperf", "dps", self._each(self._dps)))
            rows.append(_row("evalperf", "dps_norm", self._each(self._dps_norm)))
        return rows

    def suites(self) -> dict[str, Any]:
        """Scores by suite: `base`, and `plus` where there are added tests (base and added).

        Each holds `pass@k` for those k of `PASS_AT` that no scored problem has fewer samples than;
        None where nothing could be scored. EvalPerf adds `dps` and `dps_norm`, in percent.
        """
        scored = [t for t in self.attempts if self.pass_at_k(t, 1) is not None]
        has_plus = any(a.plus_status for tried in self.attempts.values() for a in tried)
        by_suite: dict[str, Any] = {}
        for suite in SUITES if has_plus else SUITES[:1]:
            rates = {}
            for k in PASS_AT:
                each = [self.pass_at_k(t, k, base_only=suite == "base") for t in scored]
                if k == 1 or (each and None not in each):
                    rates[f"pass@{k}"] = _mean([v for v in each if v is not None])
            by_suite[suite] = rates
        if self.benchmark == "evalperf":
            for row in self.scores():
                if row["metric"] != "pass@1":
                    by_suite[row["metric"]] = row["value"]
        return by_suite

    @property
    def failures(self) -> dict[str, int]:
        """Number of samples of each kind of failure, and of problems without a sample."""
        counts = self._kinds()
        if self.missing:
            counts["missing"] = len(self.missing)
        return dict(counts.most_common())

    def failures_as_text(self) -> dict[str, str]:
        """For each score its failing samples by kind, as "wrong 30, timeout 2".

        A score of the base tests counts samples that fail those; the kind is that of the sample's
        first failing test.
        """
        kinds = {name: self._kinds(base_only).most_common() for name, base_only in self._names()}
        return {name: ", ".join(f"{k} {n}" for k, n in counts) for name, counts in kinds.items()}

    def _kinds(self, base_only: bool = False) -> Counter[str]:
        failed = (a for tried in self.attempts.values() for a in tried if a.kind)
        return Counter(a.kind for a in failed if not (base_only and a.base_status == "pass"))

    def pass_at_k(self, task_id: str, k: int, base_only: bool = False) -> float | None:
        """Unbiased pass@k of one problem (Chen et al. 2021); None with fewer than k samples."""
        from evalplus.eval import estimate_pass_at_k

        attempts = [a for a in self.attempts.get(task_id, []) if a.kind != "sandbox_error"]
        if len(attempts) < k:
            return None
        right = sum(a.base_status == "pass" if base_only else a.passed for a in attempts)
        return float(estimate_pass_at_k([len(attempts)], [right], k)[0])

    def write(self, folder: Path | str) -> list[Path]:
        """Write samples and results in evalplus' formats; return the files.

        `samples.jsonl` and `samples_eval_results.json` can be re-scored and read by the evalplus
        command; `attempts.jsonl` also holds kinds and details; EvalPerf adds
        `samples_evalperf_results.json`.
        """
        folder = Path(folder)
        flat = [a for tried in self.attempts.values() for a in tried]
        files = [folder / name for name in ("samples.jsonl", "attempts.jsonl")]
        write_jsonl(files[0], [{"task_id": a.task_id, "solution": a.solution} for a in flat])
        write_jsonl(files[1], flat)
        files.append(folder / "samples_eval_results.json")
        write_text(files[-1], json.dumps(self._evalplus()))
        if self.benchmark == "evalperf":
            files.append(folder / "samples_evalperf_results.json")
            write_text(files[-1], json.dumps(self._evalperf()))
        return files

    def _names(self) -> list[tuple[str, bool]]:
        if self.benchmark not in TWO_SUITES:
            return [(self.benchmark, False)]
        return [(self.benchmark, True), (f"{self.benchmark}_plus", False)]

    def _each(self, value_of: Callable[[str], float | None]) -> dict[str, float | None]:
        return {task_id: value_of(task_id) for task_id in (*self.attempts, *self.missing)}

    def _dps(self, task_id: str) -> float | None:
        return _mean([e.dps for e in self.efficiency.get(task_id, []) if e.dps is not None])

    def _dps_norm(self, task_id: str) -> float | None:
        norms = [e.dps_norm for e in self.efficiency.get(task_id, []) if e.dps_norm is not None]
        return _mean(norms)

    def _evalplus(self) -> dict[str, Any]:
        # Where there are no added tests evalplus writes a pass, and evoeval nothing.
        without_plus = None if self.benchmark.startswith("evoeval") else "pass"
        rows = {
            task_id: [_evalplus_row(a, without_plus) for a in tried]
            for task_id, tried in self.attempts.items()
        }
        return {"date": time.strftime("%Y-%m-%d %H:%M"), "hash": self.problems, "eval": rows}

    def _evalperf(self) -> dict[str, Any]:
        """evalplus' `evalperf_results.json`; the unit of the counts stands beside them."""
        rows = {task_id: self._evalperf_row(task_id) for task_id in self.attempts}
        n = max(map(len, self.attempts.values()), default=0)
        head = {"date": time.strftime("%Y-%m-%d %H:%M"), "n_samples": n, "measure": self.measure}
        return {**head, "min_correct": 1, "max_profile": MOST_SAMPLES, "eval": rows}

    def _evalperf_row(self, task_id: str) -> dict[str, Any]:
        measured, rate = self.efficiency.get(task_id, []), self.pass_at_k(task_id, 1)
        waiting = list(measured)  # of the first correct samples, in their order
        results = []
        for attempt in self.attempts[task_id]:
            if attempt.passed and waiting:
                results.append(waiting.pop(0).as_evalperf())
            else:
                blank = {"matching_cluster_idx": None, "dps": None, "dps_norm": None}
                results.append({"solution": attempt.solution, "pass": attempt.passed,
                                "profiled": False, **blank})  # fmt: skip
        return {
            "task_id": task_id,
            "results": results,
            "dps": self._dps(task_id),
            "dps_norm": self._dps_norm(task_id),
            "pass@1": None if rate is None else 100 * rate,
            "n_profiled": len(measured),
        }


def _evalplus_row(attempt: Attempt, without_plus: str | None) -> dict[str, Any]:
    plus = attempt.plus_status or (without_plus if attempt.base_status else None)
    return {
        "task_id": attempt.task_id,
        "solution": attempt.solution,
        "base_status": attempt.base_status or None,
        "plus_status": plus,
        "base_fail_tests": attempt.base_fail_tests,
        "plus_fail_tests": attempt.plus_fail_tests,
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _row(benchmark: str, metric: str, values: dict[str, float | None]) -> dict[str, Any]:
    scored = [v for v in values.values() if v is not None]
    return {
        "benchmark": benchmark,
        "metric": metric,
        "value": _mean(scored),
        "n": len(scored),
        "missing": len(values) - len(scored),
    }
