"""The study's recommendations R4, R7 and R9 as gates: measured numbers in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Verdict:
    """What a gate found; `reason` says what was measured, against what, for either outcome."""

    rule: Literal["R4", "R7", "R9"]
    passed: bool
    reason: str


def baseline_gate(score: float, threshold: float, n: int) -> Verdict:
    """R4: is the base model good enough to be worth aligning?

    Parameters
    ----------
    score : pass@1 of the base model on `n` problems, in [0, 1].
    threshold : the least score; the study's Observation 2 names 0.10.
    """
    passed = score >= threshold
    sign = ">=" if passed else "<"
    return Verdict("R4", passed, f"baseline pass@1 {score:.3f} {sign} {threshold:.2f} (n = {n})")


def change_gate(rule: Literal["R7", "R9"], before: float, after: float, high: float) -> Verdict:
    """R7, R9: has SFT, or alignment, made the model worse than its base?

    After SFT that did, alignment seldom recovers (the study's Observation 8).

    Parameters
    ----------
    before, after : scores, in the metric's unit.
    high : upper end of the 95 % interval of the change; only a change that is below 0 all through
        its interval counts as worse.
    """
    passed = high >= 0
    what = "SFT" if rule == "R7" else "alignment"
    judgement = "is not shown to have harmed" if passed else "has harmed"
    change = f"{before:.3f} -> {after:.3f}, change at most {high:+.3f} (95 %)"
    return Verdict(rule, passed, f"{what} {judgement} the model: {change}")
