"""Short names of the statistics of rules, as code and data use them, and the words for readers."""

from __future__ import annotations

LOSSES = (10, 20, 25, 30)
"""Sizes of a loss that may be called catastrophic, in percent of the base."""
GAINED = (0, 5, 10)
"""Mean gains from which on a model may be said to succeed, in percent of the base."""
CUTS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0)
"""Sizes of a change that may be called none."""
OTHERS = ("not falling", "rising")
"""Models that those which fell in SFT are compared with."""
UNITS = {"relative": "% of the base", "points": "points"}
"""What such a size is measured in."""


def flat(cut: float, unit: str, edge: bool) -> str:
    """Return the name of outcomes with changes within a cut as none, its `edge` among them."""
    return f"flat_{cut}_{unit}{'_edge' if edge else ''}"


WORDS = {
    "gain": "mean relative change",
    "gain_improving": "mean relative change of improving cells",
    "gain_improving_equal": "mean relative change of improving and equal cells",
    "median": "median relative change",
    "median_improving": "median relative change of improving cells",
    "summed": "relative change of the summed scores",
    "model_gain": "mean of each model's mean relative change",
    "model_gain_improving": "mean of each model's mean over its improving cells",
    "model_summed": "mean of each model's relative change of summed scores",
    "improve": "share of cells that improve",
    "improve_equal": "share of cells that improve or stay equal",
    "model_improve": "mean of each model's share that improves",
    "model_improve_equal": "mean of each model's share that improves or stays equal",
    **{f"models_gain_{cut}": f"share of models with a mean relative gain above {cut} %"
       for cut in GAINED},
    "models_any": "share of models with any cell improved",
    "models_most": "share of models with most cells improved",
    "models_most_equal": "share of models with most cells improved or equal",
    "models_every": "share of models with every cell improved",
    "models_every_equal": "share of models with every cell improved or equal",
    **{f"models_lose_{cut}": f"share of models with a mean relative loss beyond {cut} %"
       for cut in LOSSES},
    **{f"models_lose_any_{cut}": f"share of models with a single relative loss beyond {cut} %"
       for cut in LOSSES},
    **{f"cells_lose_{cut}": f"share of cells with a relative loss beyond {cut} %"
       for cut in LOSSES},
    "range_improve": "share of cells that improves, least and greatest benchmark",
    "range_improve_equal": "share of cells that improves or stays equal, least and greatest "
                           "benchmark",
    **{flat(cut, unit, edge): f"flat within {cut} {words}{' (edge flat)' if edge else ''}"
       for unit, words in UNITS.items() for cut in CUTS for edge in (False, True)},
    "reaches": "models that fell in SFT whose final mean reaches the base",
    "passes": "models that fell in SFT whose final mean passes the base",
    "wins": "all wins; ties count for neither",
    "wins_above": "wins above the base; ties count for neither",
    "relative": "relative change",
    "absolute": "absolute change",
}  # fmt: skip
