"""A model-card snippet: the scores of one trained model as a `model-index` for the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis.scores import EVALUATED, benchmark
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.markdown import pipe_table
from codealign.records import write_text


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
