"""Two runs compared, cell by cell and as a whole, with what differs in their settings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from codealign.analysis import labels, stats
from codealign.analysis.cells import MEMBERS, Cells, cells_of, read_problems
from codealign.analysis.contrasts import SCORE
from codealign.analysis.effects import Effect
from codealign.analysis.questions import Question, ask, term
from codealign.analysis.scores import CELL, EVALUATED, benchmark, collect_all, main_cells
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.markdown import pipe_table
from codealign.paths import RunPaths, notebook_of
from codealign.records import PATHWAY

COLUMNS = [
    *CELL, "metric", "first", "second", "n", "seeds", "absolute", "low", "high", "p_value",
    "p_holm",
]  # fmt: skip
NAMES = ("profile", "run")
"""Parameters that name a run and decide nothing else."""
FIRST, SECOND = "first", "second"
HEAD = ("model", "pathway", "requirement", "stage", "difference", "benchmarks", "n")
HOLDS = {
    True: "One training run of each: the intervals hold the choice of problems alone.",
    False: "The intervals hold the choice of problems and the spread over seeds.",
}


@dataclass(frozen=True)
class Comparison:
    """Second run minus first run.

    Attributes
    ----------
    cells : one row for each score that both runs have (`COLUMNS`): `absolute` in the metric's unit,
        paired over the problems that both scored; `p_holm` corrected over all rows.
    overall : one row for each model, variant, requirement and stage: mean difference over the
        requirement's benchmarks in points (percent of the scale) with its interval.
    only : scores that one run has and the other has not, as lines of text.
    settings : settings that differ, {"02_sft.sft.learning_rate": (first, second)}; None: not set.
    """

    cells: pd.DataFrame
    overall: pd.DataFrame
    only: list[str]
    settings: dict[str, tuple[Any, Any]]


def compare_runs(first: Path | str, second: Path | str) -> Comparison:
    """Compare two run folders.

    Raises
    ------
    CodealignError
        A folder has no scores, or the two have no score in common.
    """
    cells = _together([Path(first), Path(second)])
    own, others = (
        dict.fromkeys(cell.at(ablation="") for cell in cells.index if cell.ablation == side)
        for side in (FIRST, SECOND)
    )
    shared = [cell for cell in own if cell in others]
    if not shared:
        raise CodealignError(
            f"{first} and {second} have no score in common; compare runs of a model"
        )
    rows = [_row(cells, cell) for cell in shared]
    frame = pd.DataFrame(rows).assign(p_holm=lambda f: stats.adjust(f["p_value"], "holm"))
    only = [
        f"only in {name}: {' '.join(cell.columns(CELL).values())}"
        for name, one, other in ((first, own, others), (second, others, own))
        for cell in one if cell not in other
    ]  # fmt: skip
    return Comparison(frame[COLUMNS], _overall(cells, shared), only, _differing(first, second))


def _together(roots: list[Path]) -> Cells:
    """Return the main cells of two runs, each run as an ablation named by its side.

    Seeds go by rank.
    """
    frames, items = [], {}
    for side, root in zip((FIRST, SECOND), roots, strict=True):
        scores = collect_all(root) if root.is_dir() else pd.DataFrame()
        if scores.empty:
            hint = "no scores there; give the folder of a run, e.g. runs/nano"
            raise CodealignError(f"{root}: {hint}")
        # A base model has no seed; the 0 that stands in its rows is none of the run's.
        seeds = sorted(scores.loc[scores["stage"] != "base", "seed"].unique())
        rank = {seed: at for at, seed in enumerate(seeds)}
        ranked = scores["seed"].map(rank).where(scores["stage"] != "base", 0)
        frames.append(main_cells(scores.assign(seed=ranked)).assign(ablation=side))
        for cell, values in read_problems(root).items():
            if cell.main:
                seed = None if cell.seed is None else rank.get(cell.seed)
                items[cell.at(ablation=side, seed=seed)] = values
    return cells_of(pd.concat(frames, ignore_index=True), items)


def _difference(cells: Cells, place: Cell, names: tuple[str, ...]) -> Effect:
    """Return second run minus first run."""
    sides = (1, SECOND), (-1, FIRST)
    terms = tuple(term(place.at(ablation=side), weight, names) for weight, side in sides)
    return ask(cells, Question(terms, SCORE), place.model)


def _row(cells: Cells, cell: Cell) -> dict[str, Any]:
    b = benchmark(cell.benchmark)
    unit = b.scale / 100
    effect = _difference(cells, cell, (cell.benchmark,))
    both = cells.values[[cells.index[cell.at(ablation=side)] for side in (FIRST, SECOND)]]
    shared = np.isfinite(both).all(axis=0)  # the seeds that the difference is about
    means = both[:, shared].mean(axis=1) * unit if shared.any() else (math.nan, math.nan)
    sides = dict(zip((FIRST, SECOND), map(float, means), strict=True))
    return cell.columns(CELL) | {
        "metric": b.metric, **sides, "n": effect.n, "seeds": effect.seeds,
        "absolute": effect.value * unit, "low": effect.low * unit, "high": effect.high * unit,
        "p_value": effect.p,
    }  # fmt: skip


def _overall(cells: Cells, shared: list[Cell]) -> pd.DataFrame:
    rows = []
    for place in dict.fromkeys(cell.at(benchmark="") for cell in shared):
        names = [c.benchmark for c in shared if c.at(benchmark="") == place]
        names = tuple(n for n in names if n in MEMBERS[place.requirement])
        if names:
            effect = _difference(cells, place, names)
            coordinates = place.columns(EVALUATED).values()
            numbers = effect.value, effect.low, effect.high
            rows.append([*coordinates, len(names), effect.n, effect.seeds, *numbers])
    columns = [*EVALUATED, "benchmarks", "n", "seeds", "change", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _differing(first: Path | str, second: Path | str) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ, of all jobs; a setting is listed once per notebook."""
    own, other = _settings(first), _settings(second)
    keys = sorted(own.keys() | other.keys())
    return {k: (own.get(k), other.get(k)) for k in keys if own.get(k) != other.get(k)}


def _settings(root: Path | str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for path in sorted(RunPaths(Path(root)).jobs.glob("*/params.yaml")):
        notebook = notebook_of(path.parent.name)
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
        deciding = {k: v for k, v in params.items() if k not in (*NAMES, *EVALUATED)}
        settings |= labels.flat(deciding, f"{notebook}.")
    return settings


def comparison_markdown(comparison: Comparison, first: str, second: str) -> str:
    """Return the comparison for a reader: the whole first, then settings, then what is missing."""
    clear = int((comparison.cells["p_holm"] < 1 - stats.CONFIDENCE).sum())
    lines = [
        f"Second minus first, in points (percent of the scale), 95% intervals: {second} - {first}. "
        + HOLDS[bool((comparison.overall["seeds"] == 1).any())],
        "",
        pipe_table(HEAD, map(_cells, comparison.overall.to_dict("records"))),
        "",
        f"{len(comparison.cells)} scores in common; {clear} differ (Holm's correction).",
    ]
    differing = [f"- {key}: {a} | {b}" for key, (a, b) in comparison.settings.items()]
    lines += ["", "Settings that differ:", *differing] if differing else ["", "Same settings."]
    return "\n".join([*lines, *([""] if comparison.only else []), *comparison.only]) + "\n"


def _cells(row: dict[str, Any]) -> list[str]:
    names = [row["model"], PATHWAY[row["variant"]], labels.REQUIREMENTS[row["requirement"]]]
    difference = labels.with_interval(row["change"], row["low"], row["high"], "{:+.1f}")
    return [*names, labels.STAGES[row["stage"]], difference, str(row["benchmarks"]), str(row["n"])]
