"""What a rule may look at: the scores of one source, and what is computed from them once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from codealign.analysis.cells import Cells, Problems, cells_of
from codealign.analysis.changes import changes
from codealign.analysis.claims.grids import GRIDS
from codealign.analysis.claims.rules import Board, Candidate, board_of
from codealign.analysis.scores import PAPER, over_seeds


@dataclass(frozen=True)
class Context:
    """Scores of one source (`rows`, tidy, one per seed) and its per-problem values (`items`)."""

    rows: pd.DataFrame
    items: Problems = field(default_factory=dict)
    _grids: dict[str, list[Candidate]] = field(default_factory=dict)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The main cells, one row each: means over the seeds."""
        return over_seeds(self.rows)

    @cached_property
    def cells(self) -> Cells:
        """The scores as the engine takes them."""
        return cells_of(self.rows, self.items)

    @cached_property
    def board(self) -> Board:
        """The scores as arrays."""
        return board_of(self.frame)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """Every change against its base, with interval, test and corrections."""
        return changes(self.rows, self.items)

    @property
    def paper(self) -> bool:
        """Whether the scores are the published ones."""
        return self.board.source == PAPER

    def candidates(self, grid: str, args: Mapping[str, Any]) -> list[Candidate]:
        """Return a grid's candidates, computed once for the same arguments."""
        key = f"{grid} {sorted(args.items())}"
        if key not in self._grids:
            self._grids[key] = list(GRIDS[grid].rules(self.board, args))
        return self._grids[key]
