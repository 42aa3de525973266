"""The data card of a preference data set, and the summary that a notebook shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from codealign.params import Prefs
from codealign.prefs.steps import Recipe
from codealign.prompts import template
from codealign.records import Execution, Pair

TEMPLATES = ("concepts", "instruction", "instruction_principle", "response", "with_principle")


@dataclass(frozen=True)
class Summary:
    """What a run of the pipeline made.

    `counts` holds, for each step, what was kept and what was not, by reason; `lines` the closing
    line of each step; `card` is what `card.json` says.
    """

    pairs: list[Pair]
    counts: dict[str, dict[str, int]]
    lines: list[str]
    card: dict[str, Any]


def make_card(
    recipe: Recipe,
    settings: Prefs,
    requirement: str,
    pairs: Iterable[Pair],
    executed: Iterable[Execution],
    counts: dict[str, dict[str, int]],
    corpus: dict[str, Any],
) -> dict[str, Any]:
    """Return the data card: counts at each step, the row of Table 2, and what decided the data."""
    pairs = list(pairs)
    return {
        "table_2": {"model": recipe.model, "type": requirement, "samples": len(pairs)},
        "dimensions": dict(sorted(Counter(p.dimension for p in pairs if p.dimension).items())),
        "counts": counts,
        "corpus": corpus,
        "sandbox_level": sorted({e.level for e in executed}),
        "seed": recipe.seed,
        "settings": settings.model_dump(),
        "templates": {name: template(name).hash for name in TEMPLATES},
    }
