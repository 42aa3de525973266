"""Ablations grouped by what they vary, each beside the main cells; the placebo's verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from codealign.analysis.study.effects import KEYS, Study, differences, over_seeds, spread

NO_GAIN, GAIN, CANNOT_TELL = "no gain, as it must be", "gains: do not trust", "cannot tell"


@dataclass(frozen=True)
class Varied:
    """Ablations that vary the same settings; `labels` has the value of each, "" is the main's."""

    title: str
    labels: dict[str, str]


def groups(study: Study) -> list[Varied]:
    """Return the ablations by the settings they vary, in the order of the profile."""
    by_settings: dict[tuple[str, ...], dict[str, str]] = {}
    for name, changes in study.changes.items():
        values = by_settings.setdefault(tuple(changes), {"": _value(changes, 0)})
        values[name] = _value(changes, 1)
    return [Varied(_title(keys), _sorted(values)) for keys, values in by_settings.items()]


def _title(keys: tuple[str, ...]) -> str:
    """Return e.g. "pairs (sft, dpo)" for sft.pairs and align.dpo.pairs."""
    sections: dict[str, list[str]] = {}
    for key in keys:
        *above, last = key.split(".")
        sections.setdefault(last, []).append(above[-1])
    return "; ".join(f"{last} ({', '.join(where)})" for last, where in sections.items())


def _value(changes: Any, at: int) -> str:
    return ", ".join(dict.fromkeys(str(pair[at]) for pair in changes.values()))


def _sorted(values: dict[str, str]) -> dict[str, str]:
    """Order by value where all values are numbers, else as given."""
    try:
        return dict(sorted(values.items(), key=lambda item: float(item[1])))
    except ValueError:
        return values


def compared(study: Study, group: Varied) -> list[dict[str, Any]]:
    """Return the rows of a group: for each cell that an ablation has, main and varied.

    A row has `KEYS`, `label`, the `SPREAD` of its change against the base, and `against`, the
    spread of the difference to the main cell within seeds.
    """
    inside = study.cells[study.cells["ablation"].isin([n for n in group.labels if n])]
    where = [key for key in KEYS if key != "ablation"]
    rows = []
    for cell, _ in inside.groupby(where, sort=False):
        same = study.cells[(study.cells[where] == list(cell)).all(axis=1)]
        for name, label in group.labels.items():
            mine = same[same["ablation"] == name]
            if len(mine):
                row = over_seeds(mine, "change").iloc[0].to_dict()
                gap = differences(same, "ablation", name, "")["difference"]
                rows.append({**row, "label": label, "against": spread(gap.tolist())})
    return rows


def placebo(study: Study) -> list[dict[str, Any]]:
    """Return, for each cell trained on random pairs, its gain over the SFT model and the verdict.

    A row has `KEYS`, the `SPREAD` of aligned minus SFT within seeds, `main` (the same of the main
    cell) and `verdict`.
    """
    names = [name for name, changes in study.changes.items() if _is_placebo(changes)]
    cells = study.cells[study.cells["ablation"].isin(names)]
    cells = cells[cells["stage"].isin(("dpo", "bonbon"))]
    rows = []
    for cell, mine in cells.groupby(KEYS, sort=False):
        keyed = dict(zip(KEYS, cell, strict=True))
        same = study.main
        for key in ("model", "variant", "requirement"):
            same = same[same[key] == keyed[key]]
        gains = [_above_sft(part, same) for part in (mine, same[same["stage"] == keyed["stage"]])]
        numbers = spread(gains[0])
        told = {"main": spread(gains[1]), "verdict": _verdict(numbers)}
        rows.append({**keyed, **numbers, **told})
    return rows


def _is_placebo(changes: Any) -> bool:
    return any(key.endswith(".placebo") and pair[1] for key, pair in changes.items())


def _above_sft(aligned: pd.DataFrame, main: pd.DataFrame) -> list[float]:
    start = main[main["stage"] == "sft"].set_index("seed")["value"]
    after = aligned.set_index("seed")["value"]
    return [float(after[s] - start[s]) for s in after.index if s in start.index]


def _verdict(numbers: dict[str, float]) -> str:
    if numbers["seeds"] < 2:
        return CANNOT_TELL
    return GAIN if numbers["low"] > 0 else NO_GAIN
