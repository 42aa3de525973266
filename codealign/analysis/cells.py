"""Scores of one source as arrays, one row per cell, one column per seed, with their problems."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codealign.analysis.scores import MEAN, Benchmark, benchmark, benchmarks, files
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.paths import RunPaths
from codealign.records import DIMENSIONS, read_jsonl, seed_of

MEMBERS = {
    "functional": (
        "humaneval_plus", "mbpp_plus", *(n for n in benchmarks() if n.startswith("evoeval_")),
    ),
    "non_functional": tuple(f"codal_{dimension}" for dimension in DIMENSIONS),
}  # fmt: skip
"""The benchmarks of a requirement's score. HumanEval and MBPP without the added tests repeat the
same problems, and EvalPerf (F3) is no pass rate: neither is in it."""
STEP = {"pass@1": 100.0, "rating": 10.0, "dps": 10.0}
"""Points of the scale that a problem can move by: solved or not, one rating, a tenth of DPS."""
BENCHMARKS, TASKS = "benchmarks", "tasks"
"""How a score weighs its benchmarks: each equally, or each task (F1, F2, F4) equally."""
Problems = Mapping[Cell, Mapping[str, float]]
"""Value of each problem in the metric's unit, by its id; of a cell with a seed, or (None) of the
mean over seeds."""


@dataclass(frozen=True)
class Answers:
    """One cell's problems: the `cluster` of each, its mean over seeds in percent of the scale."""

    cluster: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class Cells:
    """What effects are made of.

    Attributes
    ----------
    index : row of each cell (cells without seed).
    seeds : of the trained models, in order; empty if there is none.
    values : [rows, seeds], percent of the scale; NaN where a seed lacks the cell. A base model,
        which no seed changes, has its one value in every column.
    n : problems of each row. `answers` : its problems, None for scores alone (published ones).
    halves : [rows, seeds, 2], the same from either half of the problems; NaN where not known.
    clusters : number of problems in all (one that occurs in several benchmarks counts once).
    about : benchmark of each row. `plans` : rows of contrasts that have been asked for.
    """

    index: dict[Cell, int]
    seeds: tuple[int, ...]
    values: np.ndarray
    n: np.ndarray
    answers: tuple[Answers | None, ...]
    halves: np.ndarray
    clusters: int
    about: tuple[Benchmark, ...] = ()
    plans: dict[Any, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def moves(self) -> np.ndarray:
        """[rows, clusters]: what each problem moves a row's mean by, from the other problems' mean.

        The squares of a row add up to the variance of its mean; NaN where a row has one problem.
        """
        moved = np.zeros((len(self.answers), self.clusters))
        for row, answers in enumerate(self.answers):
            if answers is not None:
                n = len(answers.value)
                # Squares of deviations over n (n - 1) add up to the variance of a mean.
                size = math.sqrt(n * (n - 1)) if n > 1 else math.nan
                off = (answers.value - answers.value.mean()) / size
                moved[row] = np.bincount(answers.cluster, off, self.clusters)
        return moved

    @property
    def models(self) -> list[str]:
        """Models in order of appearance."""
        return list(dict.fromkeys(cell.model for cell in self.index))


def weights(names: Sequence[str], how: str = BENCHMARKS) -> np.ndarray:
    """Return the weight of each benchmark in a requirement's score; they add up to 1."""
    if how == BENCHMARKS:
        return np.full(len(names), 1 / len(names))
    tasks = [benchmark(name).task for name in names]
    return np.array([1 / (len(set(tasks)) * tasks.count(task)) for task in tasks])


def weights_in_words(requirement: str) -> str:
    """Return the share that each task has in a requirement's score, in words."""
    tasks = [benchmark(name).task for name in MEMBERS[requirement]]
    return ", ".join(f"{task} {tasks.count(task)}/{len(tasks)}" for task in dict.fromkeys(tasks))


def read_values(file: Path) -> Iterator[tuple[Cell, str, float]]:
    """Yield cell, problem and value of an `items.jsonl` file; a null value (unscored) is left out
    (the score's `missing` counts it)."""
    for line in read_jsonl(file, dict):
        if line["value"] is not None:
            yield Cell.of(line), line["id"], float(line["value"])


def read_problems(run_root: Path | str) -> dict[Cell, dict[str, float]]:
    """Read per-problem values of every cell and seed from a run's `items.jsonl` files."""
    problems: dict[Cell, dict[str, float]] = {}
    top = RunPaths(Path(run_root)).top
    for file in files(run_root, "items.jsonl"):
        place = Cell.parse(file.parent.relative_to(top).as_posix())
        for own, key, value in read_values(file):
            cell = own.at(seed=place.seed, ablation=place.ablation, trained=place.trained)
            problems.setdefault(cell, {})[key] = value
    return problems


def cells_of(frame: pd.DataFrame, items: Problems | None = None) -> Cells:
    """Lay the tidy scores of one source out as arrays.

    Parameters
    ----------
    frame : tidy scores, a row for each seed of a cell (`scores.collect_all`).
    items : per-problem values, for intervals over problems; without them a score's variance is
        bounded by that of a share.

    Raises
    ------
    CodealignError
        Rows are means over seeds, which do not say how far the seeds differ.
    """
    if (frame["seed"] == MEAN).any():
        raise CodealignError(
            "these scores are means over seeds; give a row for each: "
            "`measured_scores(run, each_seed=True)`"
        )
    scored = frame[frame["value"].notna() & (frame["n"] > 0)]
    seeds = sorted(int(s) for s in scored.loc[scored["stage"] != "base", "seed"].unique())
    columns = {seed: at for at, seed in enumerate(seeds or [0])}
    index: dict[Cell, int] = {}
    values: list[np.ndarray] = []
    sizes: list[list[int]] = []
    for record in scored.to_dict("records"):
        cell = Cell.of(record).at(seed=None)
        at = index.setdefault(cell, len(index))
        if at == len(values):
            values.append(np.full(len(columns), math.nan))
            sizes.append([])
        # No seed changes a base model: its one value is compared with that of each seed.
        where = slice(None) if cell.stage == "base" else columns[int(record["seed"])]
        values[at][where] = 100 * record["value"] / benchmark(cell.benchmark).scale
        sizes[at].append(int(record["n"]))
    answers, halves, clusters = _answers(index, list(columns), items or {})
    return Cells(
        index, tuple(seeds), np.array(values).reshape(len(index), len(columns)),
        np.array([round(sum(s) / len(s)) for s in sizes], dtype=int), answers, halves, clusters,
        tuple(benchmark(cell.benchmark) for cell in index),
    )  # fmt: skip


def _answers(
    index: Iterable[Cell], seeds: list[int], items: Problems
) -> tuple[tuple[Answers | None, ...], np.ndarray, int]:
    """Return `answers`, `halves` and `clusters` of `Cells`."""
    by_cell: dict[Cell, dict[int | None, Mapping[str, float]]] = {}
    for cell, values in items.items():
        by_cell.setdefault(cell.at(seed=None), {})[cell.seed] = values
    codes: dict[str, int] = {}
    answers: list[Answers | None] = []
    halves = []
    for cell in index:
        by_seed = by_cell.get(cell, {})
        scale = benchmark(cell.benchmark).scale
        sums: dict[str, list[float]] = {}
        for values in by_seed.values():
            for key, value in values.items():
                sums.setdefault(key, []).append(100 * value / scale)
        # One code per problem over all benchmarks, so that effects pair a problem with itself.
        cluster = [codes.setdefault(problem_of(key), len(codes)) for key in sums]
        means = [sum(v) / len(v) for v in sums.values()]
        answers.append(Answers(np.array(cluster), np.array(means)) if means else None)
        # A base model's problems have no seed, nor have those of a run with one seed: they go to
        # every column.
        seedless = by_seed.get(None) if len(seeds) == 1 or cell.stage == "base" else None
        halves.append([_halves(by_seed.get(seed, seedless), scale) for seed in seeds])
    return tuple(answers), np.array(halves).reshape(len(answers), len(seeds), 2), len(codes)


REWRITTEN = re.compile(r"^(?:HumanEval|EvoEval)/(\d+)$")


def problem_of(key: str) -> str:
    """Return the problem that an id is about: EvoEval rewrites HumanEval's under their numbers."""
    rewritten = REWRITTEN.match(key)
    return f"HumanEval/{rewritten[1]}" if rewritten else key


@cache
def _side(problem: str) -> int:
    return seed_of("half", problem) % 2


def _halves(values: Mapping[str, float] | None, scale: float) -> list[float]:
    """Return the mean of either half of the problems, split by their ids."""
    sides: tuple[list[float], list[float]] = ([], [])
    for key, value in (values or {}).items():
        sides[_side(problem_of(key))].append(100 * value / scale)
    return [sum(side) / len(side) if side else math.nan for side in sides]
