"""What a rule may look at: the scores of one source, and what is computed from them once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from codealign.analysis.cells import Cells, Problems, cells_of
from codealign.analysis.changes import changes
from codealign.analysis.claims import grids, recovery
from codealign.analysis.claims.board import Board, board_of
from codealign.analysis.claims.rules import FLOORS, GAINS, SUCCESSES, Candidate, Rule
from codealign.analysis.scores import PAPER, over_seeds

GRIDS: dict[str, Callable[..., Iterable[Candidate]]] = {
    "gains": grids.gains,
    "successes": grids.successes,
    "outcomes": grids.outcomes,
    "models": grids.model_shares,
    "catastrophes": grids.catastrophes,
    "dimensions": grids.dimension_shares,
}
RECOVERIES: dict[str, Callable[[Iterable[Candidate]], Iterable[Candidate]]] = {
    "recoveries": lambda found: found,
    "recovery_shares": lambda found: {replace(r, against=""): v[:1] for r, v in found}.items(),
    "recovery_risks": lambda found: ((r, v[1:]) for r, v in found),
}
RELATIVE = ("gains", "gain_pairs")


@dataclass(frozen=True)
class Context:
    """Scores of one source (`rows`, tidy, one a seed) and its per-problem values (`items`)."""

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

    def candidates(self, grid: str, args: dict[str, object]) -> list[Candidate]:
        """Return a grid's candidates, computed once for the same arguments."""
        key = f"{grid} {sorted(args.items())}"
        if key not in self._grids:
            self._grids[key] = list(self._candidates(grid, args))
        return self._grids[key]

    def _candidates(self, grid: str, args: dict[str, object]) -> Iterable[Candidate]:
        if grid.startswith("recover"):
            return RECOVERIES[grid](recovery.recoveries(self.board))
        if grid == "wins":
            return recovery.wins(self.board, tuple(args["variants"]), grids.NON_FUNCTIONAL)
        if grid == "requirement_pairs":
            return grids.requirement_pairs(self.board, args["variants"])
        selected = grids.selections(
            args["requirements"],
            args["variants"],
            tuple(FLOORS) if grid == "outcomes" else grids.floors(grid not in RELATIVE),
            args.get("models", ("all", "without CodeLlama")),
            args.get("sets", ()),
        )
        if grid in ("gain_pairs", "success_pairs"):
            statistics = GAINS if grid == "gain_pairs" else SUCCESSES
            return grids.pairs(self.board, selected, statistics)
        return GRIDS[grid](self.board, selected)

    def value_of(self, grid: str, args: dict[str, object], rule: Rule) -> tuple[float, ...]:
        """Return the values of this rule; () if it gives none here."""
        found = (values for candidate, values in self.candidates(grid, args) if candidate == rule)
        return next(found, ())
