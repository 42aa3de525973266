"""How small a difference a design can tell, what more it would take, and when to train no more.

Before a run: made-up runs without any difference (`made_up`) go through the functions that the
report calls. A run with a difference of d points has the same intervals, d points further up, so
that the share of them that detect it is known for every d at once. After a run: the two errors of
its interval (`effects`) say what more seeds or more problems would do to it.

While seeds are trained: more of them are not needed when the answer is clear, or cannot become
clear any more. Seeds are the looks of a group-sequential design. Looking again and again at the
usual 5 % would name a false winner more often than that; so the k-th of K looks takes a stricter
level, in the shape of O'Brien and Fleming (1979, Biometrics 35:549): that of a standard normal
number beyond c * sqrt(K / k). Their c is for a known spread. Here each look estimates it from k
seeds, whose t-tests are less alike than theirs; so c comes from simulated seeds and their t-tests:
one of the looks is beyond its level in 5 % of cases. The level is applied to the p-value of the
effect, which also holds the choice of problems, the same at every look: that makes false winners
rarer still. To stop because there is no hope never makes one. `benchmarks/coverage.py` counts how
often a winner is named where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from codealign.analysis import labels, made_up
from codealign.analysis.cells import MEMBERS
from codealign.analysis.effects import Effect, half_width
from codealign.analysis.made_up import TOGETHER, Design
from codealign.analysis.questions import ask, ends_higher
from codealign.analysis.scores import benchmark
from codealign.analysis.stats import CONFIDENCE
from codealign.records import ALIGNED, REQUIREMENTS

NOISE = {"functional": 1.4, "non_functional": 0.8}
"""Points by which one training differs from another, where no run has shown it: the root mean
square over nano's kept aligned cells (`nano/results/seeds.csv`), which a test holds it against."""
POWER = 0.8
"""A difference that is detected with this chance counts as one that can be detected."""
RUNS = 100
MATTERS = 2.0
"""Points: a smaller difference is no reason to start from one model rather than the other."""
MOST_SEEDS = 30
SHARES = (1.0, 0.5, 0.25)
CLEAR, EQUAL, HOPELESS = "clear", "does not matter", "no hope"
UNKNOWN, OPEN = "cannot be told", "open"
LEAST_CHANCE = 0.1
"""Chance of a clear answer with all seeds below which the remaining ones are not trained."""
SIMULATED = 200_000
"""Rows of seeds that the levels of the looks come from."""


@dataclass(frozen=True)
class Reach:
    """What a design can tell about which pathway ends higher.

    Attributes
    ----------
    points : the least difference that is detected with a chance of `POWER`.
    false : share (0 to 1) of runs without any difference that name a winner.
    """

    seeds: int
    points: float
    false: float


def reach(
    sizes: Mapping[str, int],
    seeds: Sequence[int],
    requirement: str,
    noise: float | None = None,
    stages: Sequence[str] = ALIGNED,
    runs: int = RUNS,
) -> list[Reach]:
    """Return what runs with these problems can tell, for each number of seeds.

    Parameters
    ----------
    sizes : problems of each benchmark.
    noise : points by which trainings differ; None: `NOISE`.
    stages : the techniques, dpo, bonbon or both.
    """
    noise = NOISE[requirement] if noise is None else noise
    members = {name: n for name, n in sizes.items() if name in MEMBERS[requirement]}
    design, question = Design(members, max(seeds), noise), ends_higher(requirement, stages)
    intervals: dict[int, list[tuple[float, float]]] = {k: [] for k in seeds}
    for every in made_up.looks(design, runs, 1, stages=stages, after=seeds):
        for k, cells in zip(seeds, every, strict=True):
            effect = ask(cells, question, "m")
            intervals[k].append((effect.value, (effect.high - effect.low) / 2))
    reaches = []
    for k, pairs in intervals.items():
        value, half = np.array(pairs).T
        # Up or down is the same: either sign of a made-up run is a made-up run.
        least = np.quantile(np.concatenate([half - value, half + value]), POWER)
        reaches.append(Reach(k, float(least), float((abs(value) > half).mean())))
    return reaches


def power_lines(
    sizes: Mapping[str, int],
    seeds: Sequence[int],
    noise: Mapping[str, float] | None = None,
    stages: Sequence[str] = ALIGNED,
) -> list[str]:
    """Return a table for each requirement: points that can be detected by problems and seeds."""
    lines = []
    for requirement in REQUIREMENTS:
        members = {name: n for name, n in sizes.items() if name in MEMBERS[requirement]}
        if not members:
            continue
        noisy = {**NOISE, **(noise or {})}[requirement]
        lines += [
            f"{labels.REQUIREMENTS[requirement]}: least difference of the pathways told in "
            f"{POWER:.0%} of runs, in points, where trainings differ by {noisy:.1f} points",
            f"{'problems':>10}" + "".join(f"{k:>4} seed{'s' * (k > 1):1}" for k in seeds),
        ]
        for share in SHARES:
            some = {name: max(round(share * n), 2) for name, n in members.items()}
            points = reach(some, seeds, requirement, noisy, stages)
            shown = "".join(f"{one.points:>10.1f}" for one in points)
            lines.append(f"{sum(some.values()):>10}{shown}")
    if 1 in seeds and lines:
        lines.append(
            "1 seed: within that one training run; another may differ by more than its interval"
        )
    return lines


def papers_reach() -> list[str]:
    """Return what the paper's design, one training per cell, could have told about one model."""
    lines = ["the paper's design, one training run per cell, for one model:"]
    for requirement in REQUIREMENTS:
        sizes = {name: benchmark(name).n for name in MEMBERS[requirement]}
        (same,) = reach(sizes, [1], requirement, 0.0)
        (other,) = reach(sizes, [1], requirement)
        several = reach(sizes, [3, 5], requirement)
        lines.append(
            f"{labels.REQUIREMENTS[requirement]} ({sum(sizes.values())} problems): "
            f"{same.points:.1f} points, if every training gave the same; trainings differ by about "
            f"{NOISE[requirement]:.1f} points, and {other.false:.0%} of runs without any "
            f"difference name a winner then. With 3 seeds {several[0].points:.1f}, "
            f"with 5 {several[1].points:.1f} points."
        )
    return lines


def noise_of(effect: Effect) -> float | None:
    """Return by how many points a training differs from another, from a difference of pathways.

    Each pathway's score is the mean of two techniques whose noise is partly the same; the
    difference holds the noise of both pathways. None of one seed.
    """
    if effect.seeds < 2 or math.isnan(effect.seed_error):
        return None
    return effect.seed_error * math.sqrt(effect.seeds) / math.sqrt(1 + TOGETHER)


@dataclass(frozen=True)
class Outlook:
    """What more it would take to detect a difference, or why no more is needed, in words (`text`).

    `kind` is `UNKNOWN` (no interval), `CLEAR`, `EQUAL` (too small to matter) or `OPEN`.
    """

    kind: str
    text: str


def outlook(
    effect: Effect, requirement: str, hours_per_seed: float = 0.0, matters: float = MATTERS
) -> Outlook:
    """Return what more it would take to detect a difference, or why no more is needed.

    Parameters
    ----------
    hours_per_seed : what one more seed takes; 0: left out.
    matters : the smallest difference, in points, that would be a reason to choose.
    """
    if math.isnan(effect.low):
        return Outlook(UNKNOWN, f"cannot be told: {effect.missing}")
    bound = max(abs(effect.low), abs(effect.high))
    if effect.side and not effect.single:
        return Outlook(CLEAR, "is clear")
    if bound <= matters and not effect.single:
        return Outlook(EQUAL, f"the difference is at most ±{bound:.1f} points: it does not matter")
    return Outlook(OPEN, _more_seeds(effect, requirement, hours_per_seed, matters))


def _more_seeds(effect: Effect, requirement: str, hours_per_seed: float, matters: float) -> str:
    """Return how many more seeds would tell a difference, or what lacks besides them."""
    noise = noise_of(effect)
    # A difference holds the noise of both pathways, each a mean of two techniques.
    spread = math.sqrt(1 + TOGETHER) * (NOISE[requirement] if noise is None else noise)
    for seeds in range(max(effect.seeds, 1) + 1, MOST_SEEDS + 1):
        error = spread / math.sqrt(seeds)
        half = half_width(error, seeds, effect.problem_error, effect.freedom, CONFIDENCE)
        more = seeds - effect.seeds
        about = f" (about {more * hours_per_seed:.1f} h)" if hours_per_seed else ""
        what = f"{more} more seed{'s' * (more > 1)}{about} would"
        if abs(effect.value) > half:
            return f"{what} tell, if the difference stays at {abs(effect.value):.1f} points"
        if abs(effect.value) + half <= matters:
            return f"{what} show that it is at most ±{matters:g} points and does not matter"
    return _problems_lack(effect, matters)


def _problems_lack(effect: Effect, matters: float) -> str:
    """Return how many problems it would take, where no number of seeds would do."""
    floor = float(stdtrit(effect.freedom, (1 + CONFIDENCE) / 2)) * effect.problem_error
    aim = max(abs(effect.value), matters - abs(effect.value), matters / 4)
    if not aim:
        return "the measured difference is 0: no number of seeds or problems tells it from 0"
    if floor < aim:
        return f"more than {MOST_SEEDS} seeds would be needed: trainings differ too much"
    wanted = math.ceil(effect.n * (floor / aim) ** 2 / 10) * 10
    return (
        f"seeds alone would not tell: these problems leave ±{floor:.1f} points; about {wanted} "
        f"problems in place of {effect.n} would leave ±{aim:.1f}"
    )


@cache
def levels(looks: tuple[int, ...]) -> dict[int, float]:
    """Return the level (0 to 1) at which each look is taken.

    Parameters
    ----------
    looks : numbers of seeds after which the run is looked at, rising; two or more each.
    """
    most = looks[-1]
    seeds = np.random.default_rng(0).standard_normal((SIMULATED, most))
    furthest = np.zeros(SIMULATED)
    for k in looks:
        # Each look's t as a normal deviate, on the scale on which all looks share one limit.
        some = seeds[:, :k]
        t = np.abs(some.mean(axis=1)) / some.std(axis=1, ddof=1) * math.sqrt(k)
        furthest = np.maximum(furthest, -ndtri(stdtr(k - 1, -t)) * math.sqrt(k / most))
    reached = np.quantile(furthest, CONFIDENCE)
    return {k: 2 * float(ndtr(-reached * math.sqrt(most / k))) for k in looks}


def decision(effect: Effect, looks: Sequence[int], matters: float) -> str:
    """Return why no more seeds are needed for an effect; "" if they are.

    Parameters
    ----------
    effect : after `effect.seeds` seeds, one of the looks.
    matters : the smallest difference, in points, that would be a reason to choose.
    """
    level = levels(tuple(looks)).get(effect.seeds)
    if level is None or math.isnan(effect.low):
        return ""
    strict = effect.at(1 - level)
    if strict.side:
        return CLEAR
    if max(abs(strict.low), abs(strict.high)) <= matters:
        return EQUAL
    return HOPELESS if chance(effect, looks, matters) < LEAST_CHANCE else ""


def chance(effect: Effect, looks: Sequence[int], matters: float) -> float:
    """Return how likely the last look gives an answer, if the spread over seeds stays as it is."""
    k, most = effect.seeds, looks[-1]
    spread = effect.seed_error * math.sqrt(k)
    half = half_width(spread / math.sqrt(most), most, effect.problem_error, effect.freedom,
                      1 - levels(tuple(looks))[most])  # fmt: skip
    # By how much the mean of all seeds may yet differ from that of the first k.
    moves = max(spread * math.sqrt(1 / k - 1 / most), 1e-9)

    def within(low: float, high: float) -> float:
        return float(ndtr((high - effect.value) / moves) - ndtr((low - effect.value) / moves))

    decided = 1 - within(-half, half)
    return decided + (within(half - matters, matters - half) if half < matters else 0.0)
