"""Two runs compared, cell by cell and as a whole, with what differs in their settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis import contrast, labels, stats
from codealign.analysis.changes import collect_items
from codealign.analysis.scores import CELL, EVALUATED, collect
from codealign.analysis.summary import MEMBERS, mean_of, points
from codealign.errors import CodealignError
from codealign.paths import RunPaths
from codealign.records import PATHWAY, seed_of

COLUMNS = [*CELL, "metric", "first", "second", *contrast.COLUMNS, "p_holm"]
NAMES = ("profile", "run")
"""Parameters that name a run and decide nothing else."""


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
    scores = [_scores(root) for root in (first, second)]
    items = [collect_items(root) for root in (first, second)]
    keyed = [{tuple(r[c] for c in CELL): r for r in s.to_dict("records")} for s in scores]
    shared = [cell for cell in keyed[0] if cell in keyed[1]]
    if not shared:
        raise CodealignError(
            f"{first} and {second} have no score in common; compare runs of a model"
        )
    rows = []
    for cell in shared:
        before, after = keyed[0][cell], keyed[1][cell]
        values = [found.get(cell, {}) for found in items]
        found = contrast.contrast(before, after, *values, seed_of("runs", *cell))
        head = dict(zip(CELL, cell, strict=True)) | {"metric": after["metric"]}
        rows.append(head | {"first": before["value"], "second": after["value"]} | found)
    cells = pd.DataFrame(rows).assign(p_holm=lambda f: stats.adjust(f["p_value"], "holm"))
    only = _only(keyed[0], keyed[1], str(first)) + _only(keyed[1], keyed[0], str(second))
    return Comparison(cells[COLUMNS], _overall(cells), only, _differing(first, second))


def _scores(root: Path | str) -> pd.DataFrame:
    found = collect(root) if Path(root).is_dir() else pd.DataFrame()
    if found.empty:
        raise CodealignError(f"{root}: no scores there; give the folder of a run, e.g. runs/nano")
    return found[found["value"].notna() & (found["n"] > 0)]


def _only(
    mine: dict[tuple[str, ...], Any], other: dict[tuple[str, ...], Any], name: str
) -> list[str]:
    return [f"only in {name}: {' '.join(cell)}" for cell in mine if cell not in other]


def _overall(cells: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for cell, part in cells.groupby(EVALUATED, sort=False):
        part = part[part["benchmark"].isin(MEMBERS[cell[2]])]
        if part.empty:
            continue
        change = mean_of(points(part, "absolute"))
        rows.append([*cell, len(part), int(part["n"].sum()), *change])
    return pd.DataFrame(rows, columns=[*EVALUATED, "benchmarks", "n", "change", "low", "high"])


def _differing(first: Path | str, second: Path | str) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ, of all jobs; a setting is told once for a notebook."""
    found = [_settings(root) for root in (first, second)]
    keys = sorted(found[0].keys() | found[1].keys())
    pairs = {key: (found[0].get(key), found[1].get(key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _settings(root: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(RunPaths(Path(root)).jobs.glob("*/params.yaml")):
        notebook = path.parent.name.split("-")[0]
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, value in _flat(params, notebook):
            if key.split(".")[1] not in (*NAMES, *EVALUATED):
                found[key] = value
    return found


def _flat(value: Any, key: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(key, value)]
    return [pair for name, inner in value.items() for pair in _flat(inner, f"{key}.{name}")]


def comparison_markdown(found: Comparison, first: str, second: str) -> str:
    """Return the comparison for a reader: the whole first, then settings, then what is missing."""
    lines = [
        f"Second minus first, in points (percent of the scale), 95% intervals: {second} - {first}.",
        "",
        "| model | pathway | requirement | stage | difference | benchmarks | n |",
        "|---|---|---|---|---|---|---|",
        *(_line(row) for row in found.overall.to_dict("records")),
        "",
        f"{len(found.cells)} scores in common; {_clear(found.cells)} differ (Holm's correction).",
    ]
    differing = [f"- {key}: {a} | {b}" for key, (a, b) in found.settings.items()]
    lines += ["", "Settings that differ:", *differing] if differing else ["", "Same settings."]
    return "\n".join([*lines, *([""] if found.only else []), *found.only]) + "\n"


def _clear(cells: pd.DataFrame) -> int:
    return int((cells["p_holm"] < 1 - stats.CONFIDENCE).sum())


def _line(row: dict[str, Any]) -> str:
    names = [row["model"], PATHWAY[row["variant"]], labels.REQUIREMENTS[row["requirement"]]]
    told = labels.with_interval(row["change"], row["low"], row["high"], "{:+.1f}")
    cells = [*names, labels.STAGES[row["stage"]], told, str(row["benchmarks"]), str(row["n"])]
    return f"| {' | '.join(cells)} |"
