"""The gates R4, R7 and R9 on one evaluated model: what its scores say about going on.

The base is judged by R4, the SFT model by R7, an aligned one by R9. Whether a failed gate warns or
stops is the params' business (`params.Gates`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.analysis import stats
from codealign.analysis.scores import EVALUATED, benchmark
from codealign.params import Gates
from codealign.paths import PROJECT, RunPaths
from codealign.records import Score, read_jsonl, seed_of, write_jsonl
from codealign.train.gates import Verdict, alignment_gate, baseline_gate, sft_gate

GATE = {"base": "baseline", "sft": "sft", "dpo": "alignment", "bonbon": "alignment"}
FILE = "gates.jsonl"
FOLLOWS = {"R4": "training", "R7": "alignment", "R9": "merging and publishing"}


@dataclass(frozen=True)
class Gate:
    """A gate's verdict on one model, and what the params make of a failed one."""

    rule: str
    passed: bool
    reason: str
    action: str

    @property
    def stops(self) -> bool:
        """Whether what follows must not run."""
        return self.action == "stop" and not self.passed

    def __str__(self) -> str:
        if self.passed:
            return f"{self.rule}: {self.reason}"
        then = f"stops {FOLLOWS[self.rule]}" if self.stops else "a warning"
        return f"{self.rule} failed ({then}): {self.reason}"


def check_gates(paths: RunPaths, cell: Mapping[str, str], settings: Gates) -> list[Gate]:
    """Judge one evaluated model by its scores on the benchmarks of what it was trained for.

    R4 takes the mean of the base's pass@1 scores; the study names no threshold for CODAL, so a
    non-functional base is not judged. R7 and R9 compare with the base over the problems that both
    scored: the value of a problem is its mean over the benchmarks it stands in (base and added
    tests count once, efficiency is left out), and a fall counts only if all of its 95 % interval
    is below 0. The verdicts are written to `gates.jsonl` beside the scores.

    Parameters
    ----------
    paths : of the run, or of the part of it (a seed's, an ablation's) that was evaluated.
    cell : model, variant, requirement and stage, evaluated already.

    Returns
    -------
    list[Gate]
        None or one. Without scores of the base a gate passes and says so.
    """
    where = [cell[key] for key in EVALUATED]
    action = getattr(settings, GATE[cell["stage"]])
    folder, base = paths.evals(*where), RunPaths(paths.top).evals(*where[:3], "base")
    found = []
    if action != "off" and cell["stage"] != "base":
        found = [_change(cell["stage"], base, folder, seed_of("gate", *where))]
    elif action != "off" and cell["requirement"] == "functional":
        found = _baseline(folder, settings.threshold)
    gates = [Gate(v.rule, v.passed, v.reason, action) for v in found]
    write_jsonl(folder / FILE, gates)
    return gates


def _baseline(folder: Path, threshold: float) -> list[Verdict]:
    scores = [s for s in read_jsonl(folder / "scores.jsonl", Score) if s.metric == "pass@1" and s.n]
    if not scores:
        return []
    mean = sum(s.value for s in scores) / len(scores)
    return [baseline_gate(mean, threshold, sum(s.n for s in scores))]


def _change(stage: str, base: Path, folder: Path, seed: int) -> Verdict:
    gate = sft_gate if stage == "sft" else alignment_gate
    if not (base / "items.jsonl").exists():
        rule = "R7" if stage == "sft" else "R9"
        return Verdict(rule, True, "not measured: the base has no scores in this run")
    before, after = _problems(base), _problems(folder)
    shared = sorted(before.keys() & after.keys())
    old, new = [before[i] for i in shared], [after[i] for i in shared]
    high = stats.paired_bootstrap(old, new, seed).high
    return gate(sum(old) / len(old), sum(new) / len(new), high)


def _problems(folder: Path) -> dict[str, float]:
    """Return each scored problem's mean value as a share of the scale."""
    values: dict[str, list[float]] = {}
    for line in read_jsonl(folder / "items.jsonl", dict):
        b = benchmark(line["benchmark"])
        if line["value"] is not None and b.metric != "dps":
            values.setdefault(line["id"], []).append(line["value"] / b.scale)
    return {key: sum(found) / len(found) for key, found in values.items()}


def failed_gates(folder: Path | str) -> list[Gate]:
    """Return the gates a model failed, from the folder of its evaluation; none if not judged."""
    path = Path(folder) / FILE
    return [g for g in read_jsonl(path, Gate) if not g.passed] if path.exists() else []


def failed_of(result: Mapping[str, Any]) -> list[Gate]:
    """Return the gates that the model evaluated by a job failed, from the job's result marker."""
    return [gate for name in result.get("files", []) for gate in failed_gates(PROJECT / name)]
