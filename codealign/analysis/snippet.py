"""A model-card snippet: the scores of one trained model as a `model-index` for the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis.scores import EVALUATED, benchmark
from codealign.errors import CodealignError
from codealign.records import write_text


def cells_of(scores: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Return (model, variant, requirement, stage) of every model that has a score."""
    scored = scores[scores["value"].notna()]
    return list(dict.fromkeys(scored[EVALUATED].itertuples(index=False, name=None)))


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
    rows = scores[(scores[EVALUATED] == list(cell)).all(axis=1) & scores["value"].notna()]
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
    texts = {
        "scores.csv": scores.to_csv(index=False),
        "changes.csv": changes.to_csv(index=False),
        **{f"model_card-{'-'.join(c)}.md": model_card(scores, c) for c in cells_of(scores)},
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]
