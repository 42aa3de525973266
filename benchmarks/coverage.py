"""How often do the report's 95 % intervals hold the truth, and how often is a verdict false?

Made-up runs of which the truth is known: every model solves a problem with a chance that depends on
the problem, each training adds noise of its own to a score, and nothing has an effect. The runs go
through the very functions that the report calls. Run: `python benchmarks/coverage.py`; it writes
`docs/explanation/coverage.md`. About ten minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from codealign.analysis.cells import MEMBERS, Answers, Cells
from codealign.analysis.scores import benchmark
from codealign.cell import Cell
from codealign.records import REQUIREMENTS, STAGES, VARIANTS

NANO = {"humaneval_plus": 164, "mbpp_plus": 200}
RATINGS, CATEGORY = 40, 28
ALIKE = 0.8
"""Share of an answer's variance that is its problem's: the same for every model."""
TOGETHER = 0.8
"""Share of the training noise that DPO and BoNBoN of a seed have in common."""
BASES = (0.62, 0.45, 0.36, 0.20, 0.28, 0.16, 0.33, 0.40, 0.26)
"""Chances of the functional benchmarks; their mean is 0.34."""
RATING, DEVIATION = 6.5, 1.4


def sizes(public: bool) -> dict[str, int]:
    """Return the problems of each benchmark of the scores, of the public ones or of nano's."""
    names = [name for members in MEMBERS.values() for name in members]
    small = {n: NANO.get(n, RATINGS if n.startswith("codal") else CATEGORY) for n in names}
    return {n: benchmark(n).n for n in names} if public else small


@dataclass(frozen=True)
class World:
    """What made-up runs are like: problems, seeds, training noise in points, scale of the bases."""

    public: bool
    seeds: int
    noise: float
    base: float = 1.0


def index_of(models: tuple[str, ...]) -> dict[Cell, int]:
    """Return the cells of a run of these models, in a fixed order."""
    places = [
        Cell(m, v, r, s, name)
        for m in models for r in REQUIREMENTS for name in MEMBERS[r] for v in VARIANTS
        for s in STAGES
    ]  # fmt: skip
    return {cell: at for at, cell in enumerate(places)}


def runs(world: World, count: int, seed: int, models: tuple[str, ...] = ("m",)) -> Iterator[Cells]:
    """Yield made-up runs in which alignment does nothing."""
    rng = np.random.default_rng(seed)
    index, k = index_of(models), world.seeds
    of = sizes(world.public)
    n = np.array([of[cell.benchmark] for cell in index])
    starts = dict(zip(of, np.cumsum([0, *of.values()]), strict=False))
    about, plans = tuple(benchmark(cell.benchmark) for cell in index), {}
    for _ in range(count):
        values = np.empty((len(index), k))
        halves = np.empty((len(index), k, 2))
        answers = []
        shared = {name: rng.standard_normal(size, np.float32) for name, size in of.items()}
        shifts = _shifts(rng, world, models)
        for cell, row in index.items():
            drawn = _answers(rng, world, cell, shared[cell.benchmark], shifts)
            values[row] = drawn.mean(axis=1)
            halves[row] = np.stack([drawn[:, ::2].mean(axis=1), drawn[:, 1::2].mean(axis=1)], 1)
            cluster = np.arange(n[row]) + starts[cell.benchmark]
            answers.append(Answers(cluster, drawn.mean(axis=0)))
        yield Cells(index, tuple(range(k)), values, n, tuple(answers), halves, sum(of.values()),
                    about, plans)  # fmt: skip


def _shifts(
    rng: np.random.Generator, world: World, models: tuple[str, ...]
) -> dict[tuple[str, str, str, str], np.ndarray]:
    """Return what each training adds to its scores, in points: [seeds]."""
    found = {}
    for m in models:
        for v in VARIANTS:
            for r in REQUIREMENTS:
                common = rng.standard_normal(world.seeds)
                for s in STAGES[1:]:
                    own = rng.standard_normal(world.seeds)
                    share = 0.0 if s == "sft" else TOGETHER
                    mixed = np.sqrt(share) * common + np.sqrt(1 - share) * own
                    found[m, v, r, s] = world.noise * mixed
    return found


def _answers(
    rng: np.random.Generator, world: World, cell: Cell, shared: np.ndarray, shifts: dict
) -> np.ndarray:
    """Return the value of each problem in percent of the scale, [seeds, problems]."""
    k = world.seeds
    rows = 1 if cell.stage == "base" else k
    z = np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * rng.standard_normal(
        (rows, len(shared)), np.float32
    )
    shift = np.zeros(1) if cell.stage == "base" else shifts[cell.model, cell.variant,
                                                           cell.requirement, cell.stage]  # fmt: skip
    if cell.requirement == "functional":
        p = world.base * BASES[MEMBERS["functional"].index(cell.benchmark)]
        solved = z < ndtri(np.clip(p + shift / 100, 0, 1))[:, None]
        return np.broadcast_to(100.0 * solved, (k, len(shared)))
    rating = RATING + DEVIATION * z + shift[:, None] / 10
    whole = np.floor(rating + rng.random(rating.shape))
    return np.broadcast_to(10 * np.clip(whole, 1, 10), (k, len(shared)))
