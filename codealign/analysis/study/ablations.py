"""Ablations grouped by what they vary, each beside the main cells; the placebo's verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from codealign.analysis.study.effects import KEYS, Study, over_seeds, spread
from codealign.analysis.summary import MEMBERS
from codealign.records import ALIGNED

NO_GAIN, GAIN, CANNOT_TELL = "no gain, as it must be", "gains: do not trust", "cannot tell"
ALL = "all"
"""Pathway and stage of the row that holds a placebo's cells together."""


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
                gap = _paired(study, {**row, "ablation": name}, {**row, "ablation": ""})
                rows.append({**row, "label": label, "against": spread(gap.tolist())})
    return rows


def placebo(study: Study) -> list[dict[str, Any]]:
    """Return the gains of cells trained on random pairs: of each cell, then of all together.

    A row has `KEYS`, the `SPREAD` of aligned minus SFT within seeds, `base` (the same of aligned
    minus base), `main` (of the main cell minus SFT) and `verdict`. The last row of a model and
    requirement has the cells' mean within seeds, `ALL` for what it is over, and the verdict: one
    interval, because among several some miss 0 by chance.
    """
    names = [name for name, changes in study.changes.items() if _is_placebo(changes)]
    cells = study.cells[study.cells["ablation"].isin(names)]
    cells = cells[cells["stage"].isin(ALIGNED)]
    rows = []
    for _, part in cells.groupby(["model", "requirement", "trained", "ablation"], sort=False):
        places = part[KEYS].drop_duplicates().to_dict("records")
        gains = [_gains(study, place) for place in places]
        rows += [_gained(place, own) for place, own in zip(places, gains, strict=True)]
        # A seed that lacks a cell has no mean over them: NaN, which is left out.
        every = _gained({**places[0], "variant": ALL, "stage": ALL}, sum(gains) / len(gains))
        rows.append({**every, "verdict": _verdict(every)})
    return rows


def _gains(study: Study, cell: Mapping[str, Any]) -> pd.DataFrame:
    """Return each seed's gain of a placebo's cell over SFT and over the base, and the main's."""
    main = {**cell, "ablation": ""}
    sft = {**main, "stage": "sft"}
    return pd.DataFrame({
        "sft": _paired(study, cell, sft),
        "base": _of(study.cells, cell).set_index("seed")["change"],
        "main": _paired(study, main, sft),
    })  # fmt: skip


def _gained(place: Mapping[str, Any], gains: pd.DataFrame) -> dict[str, Any]:
    numbers = {name: spread(gains[name].tolist()) for name in gains}
    return {
        **place, **numbers["sft"], "base": numbers["base"], "main": numbers["main"], "verdict": "",
    }  # fmt: skip


def _of(frame: pd.DataFrame, cell: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of one cell, all its seeds."""
    return frame[(frame[KEYS] == [cell[key] for key in KEYS]).all(axis=1)]


def _paired(study: Study, first: Mapping[str, Any], second: Mapping[str, Any]) -> pd.Series:
    """Return, for each seed, the mean score of one cell minus another's.

    The mean is over the requirement's benchmarks that both have, so that an ablation evaluated on
    fewer is compared with like.
    """
    parts = study.parts[study.parts["benchmark"].isin(MEMBERS[first["requirement"]])]
    a, b = (_of(parts, cell) for cell in (first, second))
    both = a.merge(b, on=["seed", "benchmark"], suffixes=("", "_second"))
    both["difference"] = both["value"] - both["value_second"]
    return both.groupby("seed")["difference"].mean()


def _is_placebo(changes: Any) -> bool:
    return any(key.endswith(".placebo") and pair[1] for key, pair in changes.items())


def _verdict(numbers: dict[str, float]) -> str:
    if numbers["seeds"] < 2:
        return CANNOT_TELL
    return GAIN if numbers["low"] > 0 else NO_GAIN
