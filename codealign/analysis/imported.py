"""Results that others made, written into a run: tables, intervals, advice and ledger work on them.

Read are evalplus' and EvoEval's `*_eval_results.json`, ratings of CODAL's problems (JSON Lines or
CSV with `id`, `dimension` and `rating`) and a CSV of scores with their number of problems. What is
missing in a file is named; nothing is filled in.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from codealign.analysis import labels
from codealign.analysis.measured import item_rows, score_of
from codealign.analysis.scores import benchmark, benchmarks, collect_all, frame_of, printed_interval
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.evaluate.codal_scores import RATED, scores, values
from codealign.evaluate.functional.results import TWO_SUITES
from codealign.paths import RunPaths, part_folder
from codealign.provenance import file_hash
from codealign.records import (
    DIMENSIONS,
    REQUIREMENTS,
    STAGES,
    VARIANTS,
    Rating,
    Score,
    read_jsonl,
    write_jsonl,
    write_text,
)

Values = dict[str, dict[str, float | None]]
PREFIXES = {"HumanEval/": "humaneval", "Mbpp/": "mbpp"}
SCORES = ("model", "variant", "stage", "benchmark", "value", "n")
"""Columns that a CSV of scores must have; `seed` and `missing` it may have."""
PASSED = ("pass", "success")
"""Words for a pass: evalplus' from 0.2.1 on, and before."""
STATUSES = (*PASSED, "fail", "failed", "timeout")
"""All their words."""
LARGEST = {"mbpp": 399, "mbpp_plus": 399}
"""Problems of MBPP+ v0.1.0, of which v0.2.0 leaves out 21; others have one size in all versions."""
NOTE = "Imported: these results were made elsewhere; imported.jsonl names the files."


@dataclass(frozen=True)
class Imported:
    """What a file has of one evaluated model: score rows, values of problems, what is missing."""

    cell: Cell
    scores: list[Score]
    values: Values
    lacks: list[str]


def read_results(path: Path, cell: Cell, name: str = "") -> Imported:
    """Read evalplus' or EvoEval's results of one model.

    Parameters
    ----------
    cell : the model's place; its requirement is functional.
    name : the benchmark; "" recognises HumanEval+ and MBPP+ by their ids, and EvoEval's categories
        by the file's name.

    Raises
    ------
    CodealignError
        Not such a file, or its benchmark cannot be recognised.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["eval"]
        tasks = {t: states for t, entry in rows.items() if (states := _statuses(entry))}
        if not tasks:
            raise ValueError("no sample of any task in it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        remedy = "give the *_eval_results.json that `evalplus.evaluate` wrote"
        fault = f"{path}: no results of evalplus or EvoEval ({error!r}); {remedy}"
        raise CodealignError(fault) from None
    name = benchmark_of(path, tasks, name)
    base = {t: _share(s in PASSED for s, _ in states) for t, states in tasks.items()}
    added = any(plus is not None for states in tasks.values() for _, plus in states)
    every = {t: _passed_all(states) if added else base[t] for t, states in tasks.items()}
    by_benchmark: Values = {name: base if name in TWO_SUITES else every}
    lacks = []
    if name in TWO_SUITES and added:
        by_benchmark[f"{name}_plus"] = every
    elif name in TWO_SUITES:
        lacks.append(f"{name}_plus: the added tests were not run")
    for score in by_benchmark:
        absent = benchmark(score).n - len(by_benchmark[score])
        if len(by_benchmark[score]) > LARGEST.get(score, benchmark(score).n):
            fault = f"{len(by_benchmark[score])} problems, but {score} has {benchmark(score).n}"
            raise CodealignError(f"{path}: {fault}; give the file of one benchmark")
        if absent < 0:
            lacks.append(f"{score}: comparison with the published {benchmark(score).n} problems; "
                         f"these {len(by_benchmark[score])} are of an older version")  # fmt: skip
        by_benchmark[score] |= {f"absent {i + 1}": None for i in range(absent)}
        lacks += [f"{score}: {absent} of {benchmark(score).n} problems"] * (absent > 0)
    return made_of(cell, by_benchmark, lacks)


def _statuses(entry: Any) -> list[tuple[str, str | None]]:
    """Return each sample's status under a task's base tests, and the added ones (None: not run).

    evalplus to 0.2.0 wrote a mapping of lists of [status, details], later ones and EvoEval a list
    of mappings.
    """
    if isinstance(entry, dict):
        base, plus = ([one[0] for one in entry[suite]] for suite in ("base", "plus"))
        pairs = list(zip(base, plus or [None] * len(base), strict=True))
    else:
        pairs = [(row["base_status"], row["plus_status"]) for row in entry]
    for base_status, added in pairs:
        if base_status not in STATUSES or added not in (*STATUSES, None):
            raise ValueError(f"statuses are {', '.join(STATUSES)}, not {base_status!r}, {added!r}")
    return pairs


def _passed_all(states: Sequence[tuple[str, str | None]]) -> float | None:
    """Return the share of samples that pass base and added tests; None if these were not run."""
    if any(added is None for _, added in states):
        return None
    return _share(base in PASSED and added in PASSED for base, added in states)


def made_of(cell: Cell, of: Values, lacks: Sequence[str] = ()) -> Imported:
    """Return what problems' values make of one evaluated model."""
    rows = [score_of("", _seeded(cell, name), by_problem) for name, by_problem in of.items()]
    return Imported(cell, rows, of, list(lacks))


def _seeded(cell: Cell, name: str = "") -> Cell:
    """Return a cell as a row of scores has it: with a benchmark, and 0 for no seed."""
    return cell.at(benchmark=name, seed=cell.seed or 0)


def _share(passed: Iterator[bool]) -> float | None:
    outcomes = list(passed)
    return sum(outcomes) / len(outcomes) if outcomes else None


def benchmark_of(path: Path, tasks: Collection[str], given: str = "") -> str:
    """Return the benchmark that a file's tasks are of: by their ids, else as given, else by name.

    Raises
    ------
    CodealignError
        Tasks of two benchmarks, of another than the given one, or of none that is known.
    """
    first = next(iter(tasks))
    origins = sorted({task.partition("/")[0] for task in tasks if "/" in task})
    if len(origins) > 1:
        mixed = " and ".join(origins[:3])
        raise CodealignError(f"{path}: tasks of {mixed} in one file; give one file per benchmark")
    by_id = next((name for prefix, name in PREFIXES.items() if first.startswith(prefix)), "")
    if given and by_id not in ("", given):
        raise CodealignError(f"{path}: its problems ({first}) are of {by_id}, not of {given}")
    if given:
        return given
    named = (b for b in benchmarks() if b.startswith("evoeval_") and b in path.as_posix().lower())
    if known := by_id or next(named, ""):
        return known
    raise CodealignError(f"{path}: whose problems are {first} and so on? give --benchmark, e.g. "
                         "evoeval_difficult")  # fmt: skip


def read_ratings(path: Path, cell: Cell) -> Imported:
    """Read ratings of CODAL's problems: `id`, `dimension`, `rating` (1 to 10, empty: unrated).

    Raises
    ------
    CodealignError
        A row lacks one of them, or has another dimension or rating.
    """
    rows = list(_rows(path))
    ratings = [_rating(row, f"{path}: row {at}") for at, row in enumerate(rows, 1)]
    if not ratings:
        raise CodealignError(f"{path}: no rating in it")
    absent = [d for d in DIMENSIONS if d not in {r.dimension for r in ratings}]
    lacks = [f"codal_{d}: no rating" for d in absent]
    rated = [s for s in scores(ratings, "", _seeded(cell))
             if s.metric == RATED and not (s.benchmark == "codal" and absent)]  # fmt: skip
    by_benchmark = {
        name: each for name, each in values(ratings).items() if name != "codal" or not absent
    }
    unrated = sum(r.rating is None for r in ratings)
    lacks += [f"codal: {unrated} of {len(ratings)} answers are unrated"] * (unrated > 0)
    return Imported(cell, rated, by_benchmark, lacks)


def _rating(row: Mapping[str, Any], where: str) -> Rating:
    try:
        key, dimension, given = str(row["id"]), row["dimension"], row["rating"]
        rating = None if given in ("", None) else float(given)
    except (KeyError, TypeError, ValueError) as error:
        raise CodealignError(f"{where}: needs id, dimension and rating ({error})") from None
    if dimension not in DIMENSIONS or not (rating is None or 1 <= rating <= 10):
        raise CodealignError(f"{where}: {dimension} {given}: a rating is 1 to 10, a dimension one "
                             f"of {', '.join(DIMENSIONS)}")  # fmt: skip
    judge = str(row.get("judge", "imported"))
    return Rating(key, dimension, judge, rating, "" if rating else "no rating", "")


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix == ".csv":
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield from csv.DictReader(file)
        except UnicodeDecodeError:
            raise CodealignError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    else:
        yield from read_jsonl(path, dict)


def read_scores_table(path: Path) -> list[Imported]:
    """Read a CSV of scores: model, variant, stage, benchmark, value, n [, seed, missing].

    A value is in its metric's unit: pass@1 from 0 to 1, DPS in percent, ratings from 1 to 10.

    Raises
    ------
    CodealignError
        A column is lacking, or a value is none.
    """
    by_cell: dict[Cell, Imported] = {}
    for at, row in enumerate(_rows(path), 2):
        lacking = [name for name in SCORES if not row.get(name)]
        if lacking:
            known = f"columns are {', '.join(SCORES)} and, if you like, seed, missing"
            raise CodealignError(f"{path}: line {at}: no {', '.join(lacking)}; {known}")
        b = benchmark(row["benchmark"])
        try:
            value, n = float(row["value"]), int(row["n"])
            seed = int(row["seed"]) if row.get("seed") else None
            missing = int(row.get("missing") or 0)
            if missing < 0 or (seed or 0) < 0:
                raise ValueError("seed and missing are 0 or more")
        except ValueError as error:
            raise CodealignError(f"{path}: line {at}: {error}") from None
        cell = Cell(row["model"], row["variant"], b.requirement, row["stage"], seed=seed)
        if not 0 <= value <= b.scale or n < 1:  # nor is NaN between them
            raise CodealignError(f"{b.name} = {value:g} of {n} problems: a value is 0 to "
                                 f"{b.scale:g} and n at least 1; is the unit right?")  # fmt: skip
        low, high, how = printed_interval(value, n, b)
        score = Score("", **_seeded(cell, b.name).columns(), metric=b.metric, value=value, n=n,
                      missing=missing, low=low, high=high, interval=how)  # fmt: skip
        model = by_cell.setdefault(cell, Imported(cell, [], {}, []))
        if b.name in {s.benchmark for s in model.scores}:
            raise CodealignError(f"{path}: line {at}: a second score of {b.name} for this model, "
                                 "stage and seed; keep one")  # fmt: skip
        model.scores.append(score)
    if not by_cell:
        raise CodealignError(f"{path}: no score in it")
    lacks = ["values of the problems: intervals are not paired over them"]
    return [replace(model, lacks=lacks) for model in by_cell.values()]


def write_imported(root: Path, models: Sequence[Imported], path: Path) -> None:
    """Write what a file holds into a run folder, in place of what was there of its benchmarks.

    Raises
    ------
    CodealignError
        The folder is a run of this project, or a score is outside its scale.
    """
    paths = RunPaths(root)
    plan = paths.plan()
    if plan.get("jobs"):
        raise CodealignError(f"{root}: is a run of its own; name a new folder to import into")
    frame_of(score for model in models for score in model.scores)
    parts = plan.get("parts", ["."])
    for model in models:
        seeded = model.cell.stage != "base" and model.cell.seed is not None
        part = part_folder(str(root), model.cell.seed if seeded else None)
        name = str(Path(part).relative_to(root))
        parts += [name] * (name not in parts)
        _merge(RunPaths(Path(part)), model, root.name)
    note = {"run": root.name, "note": NOTE, "parts": parts, "jobs": {}}
    write_text(paths.lock, json.dumps(note, indent=1) + "\n")
    log = root / "imported.jsonl"
    entries = _there(log, dict)
    entries += [{"file": path.name, "hash": file_hash(path), **model.cell.columns(),
                 "lacks": model.lacks} for model in models]  # fmt: skip
    write_jsonl(log, entries)


def _merge(paths: RunPaths, model: Imported, source: str) -> None:
    new = {score.benchmark for score in model.scores}
    folder = paths.evals(model.cell)
    old, items = folder / "scores.jsonl", folder / "items.jsonl"
    kept = [s for s in _there(old, Score) if s.benchmark not in new]
    rest = [i for i in _there(items, dict) if i["benchmark"] not in new]
    write_jsonl(items, [*rest, *item_rows(model.cell, model.values)])
    write_jsonl(old, [*kept, *(replace(score, source=source) for score in model.scores)])


def _there(path: Path, kind: type[Any]) -> list[Any]:
    return list(read_jsonl(path, kind)) if path.exists() else []


def lacking(root: Path) -> list[str]:
    """Return what an imported run still lacks for the study's question, one line per model."""
    frame = collect_all(root)
    lines = []
    for model, own in frame.groupby("model", sort=False):
        there = set(zip(own["variant"], own["stage"], strict=True))
        absent = [f"{v} {s}" for v, s in product(VARIANTS, STAGES) if (v, s) not in there]
        lines += [f"{model}: no scores of {', '.join(absent)}"] if absent else []
        lines += [f"{model}: no {labels.REQUIREMENTS[r]} scores"
                  for r in REQUIREMENTS if r not in set(own["requirement"])]  # fmt: skip
    return lines
