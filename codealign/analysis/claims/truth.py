"""What a fact says: true or not, told from its opposite or not, its scores run or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from codealign.analysis import stats
from codealign.analysis.claims import clarity, readings
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    NOT_DISTINGUISHABLE,
    REPRODUCED,
    UNSTATED,
    Judgement,
)
from codealign.analysis.claims.rules import MODELS, Pairs, Selection, pick
from codealign.records import VARIANTS

BEST = "best of DPO and BoNBoN"
EACH = "DPO and BoNBoN, each"
TASKS = ("F1-F3 and F4", "NF1-NF5")


def truth(
    holds: bool,
    values: Sequence[float],
    rule: str,
    note: str = "",
    unstated: bool = False,
    p_value: float | None = None,
) -> Judgement:
    """Return a finding for a statement that the scores bear out or not.

    With a `p_value` it is decided, either way and for a run too, only when that is below 0.05.
    """
    doubt = "" if p_value is None else f"p >= {p_value:.2g}"
    note = "; ".join(n for n in (note, doubt) if n)
    values = [round(float(v), 6) for v in values]
    if p_value is not None and not p_value < 1 - stats.CONFIDENCE:
        return Judgement(values, rule, NOT_DISTINGUISHABLE, note)
    verdict = (UNSTATED if unstated else REPRODUCED) if holds else CONTRADICTS
    return Judgement(values, rule, verdict, note, agrees=bool(holds))


def absent(what: str) -> Judgement:
    """Return the finding of a statement whose scores were not run."""
    return Judgement(missing=f"not run: {what}")


def only_means(outcome: Judgement) -> Judgement:
    """Soften a "not significant" drawn from printed mean ratings: their spread is not published.

    The test then takes the largest possible variance, so that it can miss a real change.
    """
    if outcome.agrees:
        return outcome
    note = "only mean ratings are published: the test takes their largest possible variance"
    return replace(outcome, verdict=NOT_DERIVABLE, note=note)


def percent(mask: np.ndarray) -> float:
    """Return the share of True in percent."""
    return 100 * float(mask.mean())


@dataclass(frozen=True)
class Statistic:
    """A value of each cell, the number made of an arm's, the p-value that two arms differ."""

    value: Callable[[Pairs], np.ndarray]
    number: Callable[[np.ndarray], float]
    p_value: Callable[[np.ndarray, np.ndarray], float]


STATISTICS = {
    "mean": Statistic(lambda c: c.relative, np.mean, clarity.means),
    "spread": Statistic(lambda c: c.relative, lambda v: np.std(v, ddof=1), clarity.spreads),
    "improving": Statistic(lambda c: c.change > 0, percent, clarity.shares),
    "losing 30 %": Statistic(lambda c: c.relative < -30, percent, clarity.shares),
}
"""Mean and deviation of relative changes; shares of cells in percent."""
WIDER = {
    "larger": (readings.larger, "scores x pathways x stage x relative or absolute"),
    "failures": (readings.failures, "scores x stage x base floor x size of the loss"),
}
"""Other readings of a comparison, and what they vary."""


def compared(
    context: Context,
    statistic: str,
    arms: Sequence[Mapping[str, Any]],
    rule: str,
    lacking: str,
    less: bool = False,
    loose: bool = False,
    least: int = 1,
    wider: str = "",
) -> Judgement:
    """Compare a statistic of two arms (true: that of the first is greater, or `less`).

    Parameters
    ----------
    statistic, wider : keys of `STATISTICS` and `WIDER`.
    arms : `benchmarks`, put together, and `variants` and `models`, where not all.
    rule, lacking : what is compared, and what is missing where an arm has fewer than `least` cells.
    loose : whether the statement's words admit other rules.
    """
    how, values = STATISTICS[statistic], []
    for arm in arms:
        who = tuple(arm.get("variants", VARIANTS)), tuple(MODELS[m] for m in arm.get("models", ()))
        parts = [Selection(n, EACH, variants=who[0], models=who[1]) for n in arm["benchmarks"]]
        values.append(np.concatenate([how.value(pick(context.board, part)) for part in parts]))
    if min(map(len, values)) < least:
        return absent(lacking)
    first, second = (float(how.number(v)) for v in values)
    holds = first < second if less else first > second
    outcome = truth(holds, [first, second], rule, unstated=loose, p_value=how.p_value(*values))
    if not wider:
        return outcome
    others, grid = WIDER[wider]
    return readings.widen(context, outcome, others(context), grid)
