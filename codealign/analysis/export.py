"""What a run hands to others: its scores as CSV and model-card snippets, and problems to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis.scores import EVALUATED, benchmark
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.evaluate.functional.verdicts import Attempt
from codealign.markdown import pipe_table
from codealign.paths import RunPaths
from codealign.records import ALIGNED, read_jsonl, write_text

SHOWN = 10
"""Problems that are shown before and after alignment."""


def evaluated(scores: pd.DataFrame) -> dict[str, Cell]:
    """Return every evaluated model that has a score, by its name."""
    places = scores.loc[scores["value"].notna(), EVALUATED].drop_duplicates()
    return {"-".join(row.values()): Cell.of(row) for row in places.to_dict("records")}


def model_card(scores: pd.DataFrame, name: str) -> str:
    """Return the snippet: YAML front matter with `model-index`, and the scores as a table.

    Parameters
    ----------
    scores : tidy scores of a run.
    name : of an evaluated model, `<model>-<variant>-<requirement>-<stage>`.

    Raises
    ------
    CodealignError
        The run has no score of this model.
    """
    cell = evaluated(scores).get(name)
    scored = scores[scores["value"].notna()].to_dict("records")
    records = [row for row in scored if cell == Cell.of({key: row[key] for key in EVALUATED})]
    if not records:
        raise CodealignError(f"{name}: the run has no score of this model")
    index = [{"name": name, "results": [_result(row) for row in records]}]
    head = yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True)
    columns = ("benchmark", "metric", "score", "95 % interval", "n", "missing")
    return f"---\n{head}---\n\n{pipe_table(columns, map(_cells, records))}\n"


def _result(row: dict[str, Any]) -> dict[str, Any]:
    b = benchmark(row["benchmark"])
    metric = {"type": row["metric"], "value": round(float(row["value"]), 4)}
    task = {"type": "text-generation"}
    return {"task": task, "dataset": {"name": b.label, "type": b.name}, "metrics": [metric]}


def _cells(row: dict[str, Any]) -> list[str]:
    interval = f"{row['low']:.3g} to {row['high']:.3g}" if pd.notna(row["low"]) else "none"
    label = benchmark(row["benchmark"]).label
    cells = [label, row["metric"], f"{row['value']:.3g}", interval, row["n"], row["missing"]]
    return [str(c) for c in cells]


def write_export(out: Path, scores: pd.DataFrame, changes: pd.DataFrame) -> list[Path]:
    """Write `scores.csv`, `changes.csv` and `model_card-<name>.md` per model; return the paths."""
    texts = {
        "scores.csv": scores.to_csv(index=False),
        "changes.csv": changes.to_csv(index=False),
        **{f"model_card-{name}.md": model_card(scores, name) for name in evaluated(scores)},
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def write_before_and_after(root: Path, model: str, variant: str) -> Path | None:
    """Write problems as a model solved them before and after alignment, for people to read.

    The file is `before_and_after.md` in the run; None if there is no aligned model.

    Problems whose verdict changed come first, solved and lost ones in turn.

    Parameters
    ----------
    variant : the pathway to show.
    """
    for part in RunPaths(root).parts():
        for stage in ALIGNED:
            cell = Cell(model, variant, "functional", stage)
            before = _attempts(RunPaths(root).evals(cell.at(stage="base")))
            after = _attempts(part.evals(cell))
            both = {task: (before[task], after[task]) for task in before if task in after}
            if both:
                head = f"# {model}, {variant}: before alignment and after {stage}\n"
                lines = [line for task in _chosen(both) for line in _shown(task, both[task])]
                path = RunPaths(root).root / "before_and_after.md"
                write_text(path, "\n".join([head, *lines]))
                return path
    return None


def _attempts(folder: Path) -> dict[str, Attempt]:
    """Return the first sample of each problem of an evaluated model."""
    samples: dict[str, Attempt] = {}
    for file in sorted(folder.glob("*/attempts.jsonl")):
        for attempt in read_jsonl(file, Attempt):
            samples.setdefault(f"{file.parent.name} {attempt.task_id}", attempt)
    return samples


def _chosen(both: dict[str, tuple[Attempt, Attempt]]) -> list[str]:
    """Return the problems to show: newly solved and lost ones in turn, then others."""
    won = [task for task, (was, now) in both.items() if now.passed and not was.passed]
    lost = [task for task, (was, now) in both.items() if was.passed and not now.passed]
    turns = [task for pair in zip(won, lost, strict=False) for task in pair]
    return list(dict.fromkeys([*turns, *won, *lost, *both]))[:SHOWN]


def _shown(task: str, pair: tuple[Attempt, Attempt]) -> Iterator[str]:
    verdicts = [("solved" if x.passed else x.kind or "failed") for x in pair]
    yield f"## {task}: {verdicts[0]}, then {verdicts[1]}\n"
    for name, attempt in zip(("Before", "After"), pair, strict=True):
        yield f"{name}:\n\n````python\n{attempt.solution.strip()}\n````\n"
