"""Two runs: the differences of their scores with intervals."""

from __future__ import annotations

import pandas as pd

from codealign.analysis import labels
from codealign.analysis.figures.common import as_rows
from codealign.analysis.figures.style import PATHWAY_COLOURS, STAGE_MARKERS, Drawn, canvas
from codealign.records import PATHWAY, REQUIREMENTS


def differences(overall: pd.DataFrame, first: str, second: str) -> Drawn:
    """Draw second run minus first run, a panel per requirement, a row per evaluated model.

    Parameters
    ----------
    overall : one row per model, variant, requirement and stage (`runs.Comparison.overall`).
    """
    shown = [r for r in REQUIREMENTS if r in set(overall["requirement"])]
    places = list(
        dict.fromkeys(zip(*(overall[k] for k in ("model", "variant", "stage")), strict=True))
    )
    several = overall["model"].nunique() > 1
    names = [f"{m} " * several + f"{PATHWAY[v]} {labels.STAGES[s]}" for m, v, s in places]
    note = "Mark: difference of the scores. Line: its 95% interval."
    figure = canvas(0.8 + 0.2 * len(places), title=f"{second} minus {first}", note=note)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, requirement in zip(panels, shown, strict=True):
        for row in overall[overall["requirement"] == requirement].to_dict("records"):
            y = places.index((row["model"], row["variant"], row["stage"]))
            colour = PATHWAY_COLOURS[row["variant"]]
            axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=0.9)
            axes.plot(row["change"], y, STAGE_MARKERS[row["stage"]], color=colour, markersize=4)
        as_rows(axes, names, "difference, points")
        axes.set_title(labels.REQUIREMENTS[requirement])
    clear = int(((overall["low"] > 0) | (overall["high"] < 0)).sum())
    caption = (
        f"{second} minus {first}, in points (percent of the scale): {clear} of {len(overall)} "
        "95% intervals exclude 0."
    )
    return Drawn("compare", caption, figure, caption, overall)
