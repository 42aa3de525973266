"""One tidy table of scores: published and measured rows in the same columns, never mixed unnamed.

A row is a `records.Score`: pass@1 is a fraction, EvalPerf's score (dps) in percent, CODAL ratings
run from 0 to 10. `source` is "paper" or the name of the run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from codealign.additions import own_benchmarks, own_dimensions
from codealign.analysis import stats
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA, RunPaths
from codealign.records import REQUIREMENTS, STAGES, VARIANTS, Score, read_jsonl, write_text

COLUMNS = [f.name for f in dataclasses.fields(Score)]
CELL = ["model", "variant", "requirement", "stage", "benchmark"]
EVALUATED = CELL[:-1]
"""What names an evaluated model."""
PLACE = ["seed", "trained", "ablation"]
"""What tells the scores of one cell apart in a run with several seeds, cross or ablations."""
SEEDLESS = ["model", "variant", "requirement", "trained", "ablation", "stage"]
"""What names an evaluated model of any part of a run, whichever its seed."""
DRAWN = ["source", "model", "variant", "stage", "benchmark"]
"""What names a mark of a figure, whose benchmark says the requirement."""
MEAN = -1
"""Seed of a row that is a mean over seeds."""
PAPER = "paper"


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A column of Tables 3, 4 or 5: where it is printed, its metric, problems, scale, rounding."""

    name: str
    column: str
    label: str
    head: str
    table: int
    task: str
    requirement: str
    metric: str
    n: int
    scale: float
    decimals: int


@cache
def benchmarks() -> dict[str, Benchmark]:
    """Return the paper's benchmarks by name, in the order of Tables 3, 4 and 5."""
    data = yaml.safe_load((DATA / "benchmarks.yaml").read_text(encoding="utf-8"))
    return {name: Benchmark(name, **fields) for name, fields in data.items()}


def every_benchmark() -> dict[str, Benchmark]:
    """Return the paper's benchmarks, then the project's own and its dimensions: without a table."""
    own = [
        Benchmark(name, *[entry.label or name] * 3, 0, "own", "functional", "pass@1", 0, 1, 3)
        for name, entry in own_benchmarks().items()
    ]
    own += [
        Benchmark(f"codal_{name}", *[entry.label or name] * 3, 0, "own", "non_functional", "rating",
                  0, 10, 2)
        for name, entry in own_dimensions().items()
    ]  # fmt: skip
    return benchmarks() | {b.name: b for b in own}


def benchmark(name: str) -> Benchmark:
    """Return one benchmark; an unknown name is an error that gives the nearest."""
    known = every_benchmark()
    if name not in known:
        raise CodealignError(f"benchmark {name!r} is not known" + nearest(name, list(known)))
    return known[name]


def count_of(value: float, n: int) -> int:
    """Return the number of solved problems behind a rounded pass@1: the nearest whole count."""
    return round(value * n)


def printed_interval(value: float, n: int, b: Benchmark) -> stats.Interval:
    """Return the interval of a score of which only its value and number of problems are known."""
    if b.metric == "pass@1":
        return stats.wilson(count_of(value, n), n)
    return stats.bounded_mean(value, n, b.scale)


def percent_of_scale(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of scores or changes in percent of the benchmark's scale."""
    scale = frame["benchmark"].map(lambda name: benchmark(name).scale)
    return 100 * frame[column].astype(float) / scale.astype(float)


def published() -> pd.DataFrame:
    """Return the 720 printed scores of Tables 3-5 as tidy rows.

    Columns are those of `Score`, then `table` (3, 4 or 5) and `bold` (True where the print is
    bold). Intervals: Wilson from the whole count behind a pass@1; for EvalPerf and CODAL, whose
    per-problem values are not published, the variance bound of `stats.bounded_mean`.
    """
    return _published().copy()


@cache
def _published() -> pd.DataFrame:
    raw = pd.read_csv(DATA / "published_scores.csv")
    by_column = {b.column: b for b in benchmarks().values()}
    rows = []
    for r in raw.itertuples(index=False):
        b = by_column[r.metric]
        low, high, method = printed_interval(r.value, b.n, b)
        score = Score(
            PAPER, r.model, r.variant, b.requirement, r.stage.lower(), b.name, b.metric,
            float(r.value), b.n, 0, low, high, method, trained=b.requirement,
        )  # fmt: skip
        rows.append({**dataclasses.asdict(score), "table": r.table, "bold": bool(r.bold)})
    return pd.DataFrame(rows)


def frame_of(scores: Iterable[Score]) -> pd.DataFrame:
    """Return scores as a tidy frame (columns of `Score`), checked.

    Raises
    ------
    CodealignError
        An unknown benchmark, variant, requirement or stage, or two rows for one cell.
    """
    frame = pd.DataFrame([dataclasses.asdict(s) for s in scores], columns=COLUMNS)
    frame["trained"] = frame["trained"].where(frame["trained"] != "", frame["requirement"])
    return check(frame)


def check(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame in a fixed order after checking names, ranges and that no cell repeats."""
    valid = {
        "variant": VARIANTS, "requirement": REQUIREMENTS, "stage": STAGES,
        "benchmark": tuple(every_benchmark()), "trained": REQUIREMENTS,
    }  # fmt: skip
    for column, known in valid.items():
        for name in frame[column].unique():
            if name not in known:
                raise CodealignError(f"scores: unknown {column} {name!r}" + nearest(name, [*known]))
    twice = frame[frame.duplicated(["source", *CELL, *PLACE])]
    if len(twice):
        cell = ", ".join(str(twice.iloc[0][c]) for c in [*CELL, *PLACE])
        raise CodealignError(f"scores: two rows for {cell}; remove one of the score files")
    for row in frame.itertuples(index=False):
        top = benchmark(row.benchmark).scale
        if not math.isnan(row.value) and not 0 <= row.value <= top:
            raise CodealignError(
                f"scores: {row.benchmark} = {row.value} is outside 0 to {top}; is the unit right?"
            )
    key = lambda s: s.map(valid[s.name].index) if s.name in valid else s  # noqa: E731
    by = ["source", "model", "variant", "requirement", "benchmark", "stage", *PLACE]
    return frame.sort_values(by, key=key, kind="stable").reset_index(drop=True)


def collect_all(run_root: Path | str) -> pd.DataFrame:
    """Read every `scores.jsonl` of a run, of all its seeds, cross-evaluations and ablations.

    A cell without a row was not run; nothing is filled in. No score file at all gives an empty
    frame with the right columns.
    """
    return frame_of(score for file in files(run_root) for score in read_jsonl(file, Score))


def files(run_root: Path | str, name: str = "scores.jsonl") -> list[Path]:
    """Return the files of one name in a run's evaluations, in a fixed order."""
    parts = RunPaths(Path(run_root)).parts()
    folders = [part.root / kind for part in parts for kind in ("evals", "cross")]
    return [file for folder in folders for file in sorted(folder.rglob(name))]


def collect(run_root: Path | str, each_seed: bool = False) -> pd.DataFrame:
    """Return a run's main cells, one row each: what tables and figures show.

    Parameters
    ----------
    each_seed : a row for each seed of a cell, as effects are made of; else a row is `over_seeds` of
        theirs.
    """
    main = main_cells(collect_all(run_root))
    return main.reset_index(drop=True) if each_seed else over_seeds(main)


def main_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the main cells: no ablation, the benchmark's own requirement."""
    return frame[(frame["ablation"] == "") & (frame["trained"] == frame["requirement"])]


def over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the main cells, one row each.

    A cell of several seeds gets the mean of their values. The seeds answered the same problems, so
    that their mean is not known better than one of them as far as the choice of problems goes: the
    distances to its bounds are the means of theirs, and Student's t over the seeds is added to them
    in quadrature. `n` and `missing` are means, rounded. A seed without a value is left out; the
    row's `seed` is `MEAN`.
    """
    main = main_cells(frame)
    cell = ["source", *CELL, "metric"]
    if not main.duplicated(cell).any():
        return main.reset_index(drop=True)
    rows = [_mean_row(rows) for _, rows in main.groupby(cell, sort=False)]
    return pd.DataFrame(rows, columns=frame.columns).reset_index(drop=True)


def _mean_row(rows: pd.DataFrame) -> pd.Series:
    mean = rows.iloc[0].copy()
    scored = rows[rows["value"].notna()]
    if len(rows) == 1 or scored.empty:
        return mean
    values = scored["value"].astype(float)
    low, high, _ = stats.t_mean(values.tolist())
    mean["value"], mean["seed"] = values.mean(), MEAN
    for column, bound in (("low", low), ("high", high)):
        over_problems = scored[column].astype(float).mean() - mean["value"]
        over_seeds = 0.0 if math.isnan(bound) else bound - mean["value"]
        sign = -1 if column == "low" else 1
        mean[column] = mean["value"] + sign * math.hypot(over_problems, over_seeds)
    top = benchmark(str(mean["benchmark"])).scale
    mean["low"], mean["high"] = max(mean["low"], 0.0), min(mean["high"], top)
    for column in ("n", "missing"):
        mean[column] = round(scored[column].mean())
    mean["failures"] = ""  # those of a seed are in its own row
    mean["interval"] = f"{scored.iloc[0]['interval']} and t over {len(scored)} seeds"
    return mean


def write_scores(path: Path | str, frame: pd.DataFrame) -> None:
    """Write a tidy frame as CSV, atomically."""
    write_text(path, frame[COLUMNS].to_csv(index=False))
