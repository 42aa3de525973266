"""Where scores come from: the paper, or a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codealign.analysis.cells import Problems, read_problems
from codealign.analysis.context import Context, read_context
from codealign.analysis.scores import PAPER, collect, published
from codealign.errors import CodealignError


@dataclass(frozen=True)
class Source:
    """Scores with what belongs to them; the paper has neither context nor per-problem values.

    `scores` has one row per cell, `rows` one per seed of it.
    """

    name: str
    scores: pd.DataFrame
    rows: pd.DataFrame
    context: Context
    items: Problems


def open_source(source: str) -> Source:
    """Return the scores of `paper`, or of a run folder such as `runs/nano`.

    Raises
    ------
    CodealignError
        No such folder, or nothing has been evaluated in it.
    """
    if source == PAPER:
        return Source(PAPER, published(), published(), Context(), {})
    root = Path(source)
    if not root.is_dir():
        raise CodealignError(f"{source}: no such run folder; give `paper` or e.g. runs/nano")
    scores = collect(root)
    if scores.empty:
        raise CodealignError(f"{source}: no scores; run its evaluations first")
    rows = collect(root, each_seed=True)
    return Source(root.name, scores, rows, read_context(root), read_problems(root))
