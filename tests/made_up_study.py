"""A made-up study: several seeds, cross-evaluation and ablations, with effects known by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from codealign.analysis.scores import benchmarks, frame_of
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.records import REQUIREMENTS, STAGES, VARIANTS, Score

BASE = 0.4
"""Every base score, as a share of the scale."""
N = 100_000_000
"""Problems of a benchmark: so many that an interval holds the spread over seeds alone."""
SEEDS = (0, 1, 2)
WOBBLE = {0: -1.0, 1: 0.0, 2: 1.0}
"""Points that a seed adds to every change; they cancel in the mean over the three."""
CHANGES = {
    "beta_1": {"align.dpo.beta": [0.1, 1.0]},
    "beta_0": {"align.dpo.beta": [0.1, 0.01]},
    "few": {"sft.pairs": [0, 9], "align.dpo.pairs": [0, 9]},
    "random": {"align.dpo.placebo": [False, True]},
}
Points = Callable[[str, str, str, str], float]
"""(variant, stage, requirement, trained) -> change in points, before the seed's wobble."""


def gains(variant: str, stage: str, requirement: str, trained: str) -> float:
    """SFT gains 2 points, DPO 4, BoNBoN 6; FTA half of it; the other requirement loses 3."""
    if requirement != trained:
        return -3.0
    return 2.0 * STAGES.index(stage) * (1.0 if variant == "pretrained" else 0.5)


def rows(points: Points = gains, seeds: tuple[int, ...] = SEEDS) -> Iterator[Score]:
    """Yield the scores of the base models, then of each seed, own and crossed."""
    for variant in VARIANTS:
        for b in benchmarks().values():
            place = ("mine", "nano", variant, b.requirement)
            yield Score(*place, "base", b.name, b.metric, BASE * b.scale, N)
            for stage in STAGES[1:]:
                for seed in seeds:
                    for trained in REQUIREMENTS:
                        change = points(variant, stage, b.requirement, trained) + WOBBLE[seed]
                        value = (BASE + change / 100) * b.scale
                        yield Score(
                            *place, stage, b.name, b.metric, value, N, seed=seed, trained=trained
                        )


def ablated(name: str, change: float, stage: str = "dpo") -> Iterator[Score]:
    """Yield the functional scores of an ablation of the pretrained pathway."""
    for b in benchmarks().values():
        for seed in SEEDS if b.requirement == "functional" else ():
            value = (BASE + (change + WOBBLE[seed]) / 100) * b.scale
            yield Score(
                "mine", "nano", "pretrained", "functional", stage, b.name, b.metric, value, N,
                seed=seed, ablation=name,
            )  # fmt: skip


def all_scores() -> pd.DataFrame:
    """Return the whole: against DPO's 4 points, larger beta 1, smaller 5, few pairs 2, random 2."""
    parts = [
        *rows(), *ablated("beta_1", 1.0), *ablated("beta_0", 5.0), *ablated("few", 2.0),
        *ablated("random", 2.0),
    ]  # fmt: skip
    return frame_of(parts)


def made_up() -> StudyRun:
    """Return `all_scores` as a study."""
    return study_of(all_scores(), CHANGES)


def one_seed() -> StudyRun:
    """Return a run with one seed and nothing else."""
    own = [s for s in rows(seeds=(0,)) if s.trained in ("", s.requirement)]
    return study_of(frame_of(own))
