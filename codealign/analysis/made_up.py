"""Made-up runs of which the truth is known: alignment does nothing, every training has its noise.

Every model solves a problem with a chance that depends on the problem, and each training moves a
score by a noise of its own, in points of standard deviation. The runs go through the functions that
a report calls: `benchmarks/coverage.py` counts how often these are right, `power` how small a
difference they can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.special import erf

from codealign.analysis.cells import MEMBERS, Answers, Cells
from codealign.analysis.scores import benchmark
from codealign.cell import Cell
from codealign.records import REQUIREMENTS, STAGES, VARIANTS

ALIKE = 0.8
"""Share of an answer's variance that is its problem's: the same for every model."""
TOGETHER = 0.8
"""Share of the training noise that DPO and BoNBoN of a seed have in common."""
BASES = dict(zip(
    MEMBERS["functional"], (0.62, 0.45, 0.36, 0.20, 0.28, 0.16, 0.33, 0.40, 0.26), strict=True
))  # fmt: skip
"""Chances of the functional benchmarks; their mean is 0.34."""
RATING, DEVIATION = 6.5, 1.4


@dataclass(frozen=True)
class Design:
    """What made-up runs are like.

    Attributes
    ----------
    sizes : problems of each benchmark; those that are left out are not run.
    seeds : trainings. `noise` : their deviation in points. `base` : scale of the functional bases.
    """

    sizes: Mapping[str, int]
    seeds: int
    noise: float
    base: float = 1.0

    def members(self, requirement: str) -> list[str]:
        """Return the benchmarks of a requirement that are run."""
        return [name for name in MEMBERS[requirement] if name in self.sizes]

    def each(self, requirement: str) -> np.ndarray:
        """Return the sizes of these; an odd one is made even, for halves of it are compared."""
        even = [self.sizes[name] // 2 * 2 for name in self.members(requirement)]
        return np.maximum(np.array(even, dtype=int), 2)


def runs(
    design: Design, count: int, seed: int, models: tuple[str, ...] = ("m",)
) -> Iterator[Cells]:
    """Yield made-up runs."""
    yield from (cells[-1] for cells in looks(design, count, seed, models))


def looks(
    design: Design,
    count: int,
    seed: int,
    models: tuple[str, ...] = ("m",),
    stages: Sequence[str] = STAGES,
    after: Sequence[int] = (),
) -> Iterator[list[Cells]]:
    """Yield made-up runs, each as it looks after these numbers of its seeds (default: all)."""
    rng, groups = np.random.default_rng(seed), [r for r in REQUIREMENTS if design.members(r)]
    index = {
        Cell(m, v, r, s, name): None
        for m in models for v in VARIANTS for r in groups for s in stages
        for name in design.members(r)
    }  # fmt: skip
    layout = _Layout(design, list(index))
    for _ in range(count):
        shared = {r: rng.standard_normal(design.each(r).sum(), np.float32) for r in groups}
        drawn = []
        for _, _, r, s in product(models, VARIANTS, groups, stages):
            if s == stages[0]:
                common = rng.standard_normal(design.seeds)
            drawn.append((r, _drawn(rng, design, r, s, shared[r], common)))
        yield [layout.cells(drawn, k) for k in after or (design.seeds,)]


class _Layout:
    """What all runs of a design have in common."""

    def __init__(self, design: Design, places: list[Cell]) -> None:
        self.design, self.index = design, {cell: at for at, cell in enumerate(places)}
        of = {n: int(k) for r in REQUIREMENTS
              for n, k in zip(design.members(r), design.each(r), strict=True)}  # fmt: skip
        starts = dict(zip(of, np.cumsum([0, *of.values()]), strict=False))
        self.n = np.array([of[cell.benchmark] for cell in places])
        self.about = tuple(benchmark(cell.benchmark) for cell in places)
        self.clusters = [np.arange(of[c.benchmark]) + starts[c.benchmark] for c in places]
        self.total = sum(of.values())
        self.plans: dict[int, dict[Any, Any]] = {}

    def cells(self, drawn: list[tuple[str, np.ndarray]], k: int) -> Cells:
        """Return the cells of a run after its first k seeds."""
        means, halves, answers = [], [], []
        for requirement, every in drawn:
            values, size = every[:k], self.design.each(requirement)
            first = np.cumsum(size) - size
            means += list(np.broadcast_to(np.add.reduceat(values, first, axis=1) / size,
                                          (k, len(size))).T)  # fmt: skip
            # every size is even: halves are the problems at even and at odd places
            even = np.add.reduceat(values[:, ::2], first // 2, axis=1)
            odd = np.add.reduceat(values[:, 1::2], first // 2, axis=1)
            both = np.stack([even, odd], 2) / (size / 2)[None, :, None]
            halves += list(np.broadcast_to(both, (k, *both.shape[1:])).transpose(1, 0, 2))
            answers += np.split(values.mean(axis=0), first[1:])
        solved = tuple(Answers(c, a) for c, a in zip(self.clusters, answers, strict=True))
        return Cells(self.index, tuple(range(k)), np.array(means), self.n, solved, np.array(halves),
                     self.total, self.about, self.plans.setdefault(k, {}))  # fmt: skip


def _drawn(
    rng: np.random.Generator,
    design: Design,
    requirement: str,
    stage: str,
    shared: np.ndarray,
    common: np.ndarray,
) -> np.ndarray:
    """Return the value of each problem of a requirement in percent of the scale: [seeds, problems].

    `shared` is what an answer owes to its problem, `common` the training noise of a pathway's
    seeds that DPO and BoNBoN have in common.
    """
    rows, shift = (1, np.zeros((1, 1))) if stage == "base" else (design.seeds, None)
    if shift is None:
        part = 0.0 if stage == "sft" else TOGETHER
        alone = rng.standard_normal(design.seeds)
        shift = design.noise * (np.sqrt(part) * common + np.sqrt(1 - part) * alone)[:, None]
    z = np.sqrt(ALIKE) * shared
    z = z + np.sqrt(1 - ALIKE) * rng.standard_normal((rows, len(shared)), np.float32)
    if requirement == "functional":
        names = design.members(requirement)
        p = np.repeat([design.base * BASES[name] for name in names], design.each(requirement))
        chance = (1 + erf(z / np.sqrt(2))) / 2
        return 100.0 * (chance < p + shift / 100)
    rating = RATING + DEVIATION * z + shift / 10
    return 10 * np.clip(np.floor(rating + rng.random(rating.shape)), 1, 10)
