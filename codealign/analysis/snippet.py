"""A model-card snippet: the scores of one trained model as a `model-index` for the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis.scores import benchmark
from codealign.errors import CodealignError

CELL = ["model", "variant", "requirement", "stage"]


def cells_of(scores: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Return (model, variant, requirement, stage) of every model that has a score."""
    scored = scores[scores["value"].notna()]
    return list(dict.fromkeys(scored[CELL].itertuples(index=False, name=None)))


def model_card(scores: pd.DataFrame, cell: tuple[str, str, str, str]) -> str:
    """Return the snippet: YAML front matter with `model-index`, and the scores as a table.

    Parameters
    ----------
    scores : tidy scores of a run.
    cell : model, variant, requirement, stage.

    Raises
    ------
    CodealignError
        The run has no score of this model.
    """
    rows = scores[(scores[CELL] == list(cell)).all(axis=1) & scores["value"].notna()]
    if rows.empty:
        raise CodealignError(f"{'-'.join(cell)}: the run has no score of this model")
    records = rows.to_dict("records")
    index = [{"name": "-".join(cell), "results": [_result(row) for row in records]}]
    head = yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True)
    lines = [
        "| benchmark | metric | score | 95 % interval | n | missing |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(row) for row in records]
    return f"---\n{head}---\n\n" + "\n".join(lines) + "\n"


def _result(row: dict[str, Any]) -> dict[str, Any]:
    b = benchmark(row["benchmark"])
    metric = {"type": row["metric"], "value": round(float(row["value"]), 4)}
    task = {"type": "text-generation"}
    return {"task": task, "dataset": {"name": b.label, "type": b.name}, "metrics": [metric]}


def _line(row: dict[str, Any]) -> str:
    interval = f"{row['low']:.3g} to {row['high']:.3g}" if pd.notna(row["low"]) else "none"
    label = benchmark(row["benchmark"]).label
    cells = [label, row["metric"], f"{row['value']:.3g}", interval, row["n"], row["missing"]]
    return f"| {' | '.join(str(c) for c in cells)} |"


def write_export(out: Path, scores: pd.DataFrame, changes: pd.DataFrame) -> list[Path]:
    """Write `scores.csv`, `changes.csv` and a `model_card-<cell>.md` a model; return the paths."""
    out.mkdir(parents=True, exist_ok=True)
    written = [out / "scores.csv", out / "changes.csv"]
    scores.to_csv(written[0], index=False)
    changes.to_csv(written[1], index=False)
    for cell in cells_of(scores):
        path = out / f"model_card-{'-'.join(cell)}.md"
        path.write_text(model_card(scores, cell), encoding="utf-8")
        written.append(path)
    return written
