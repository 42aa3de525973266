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


def sft_gate(base: float, sft: float, high: float) -> Verdict:
    """R7: has SFT made the model worse? (Observation 8: alignment then seldom recovers it.)

    Parameters
    ----------
    base, sft : scores before and after, in the metric's unit.
    high : upper end of the 95 % interval of the change sft - base; only a change that is below 0
        all through its interval counts as worse.
    """
    return _change_gate("R7", "SFT", base, sft, high)


def alignment_gate(base: float, aligned: float, high: float) -> Verdict:
    """R9: has alignment made the model worse than where it started? Arguments as in `sft_gate`."""
    return _change_gate("R9", "alignment", base, aligned, high)


def _change_gate(
    rule: Literal["R7", "R9"], what: str, before: float, after: float, high: float
) -> Verdict:
    passed = high >= 0
    judgement = "is not shown to have harmed" if passed else "has harmed"
    change = f"{before:.3f} -> {after:.3f}, change at most {high:+.3f} (95 %)"
    return Verdict(rule, passed, f"{what} {judgement} the model: {change}")
