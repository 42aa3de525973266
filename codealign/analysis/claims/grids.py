"""Grids of candidate rules: every combination of selections and statistics of one kind.

A candidate is (words, values); values are NaN where the rule gives no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from codealign.analysis.claims.board import CODE_MODELS, Board
from codealign.analysis.claims.rules import (
    EQUAL,
    FLOORS,
    FUNCTIONAL,
    GAINS,
    NON_FUNCTIONAL,
    STAGE_RULES,
    SUCCESSES,
    Cells,
    Selection,
    pick,
)

Candidate = tuple[str, tuple[float, ...]]
MODEL_SETS: dict[str, tuple[str, ...]] = {
    "all": (),
    "code": CODE_MODELS,
    "without CodeLlama": tuple(m for m in CODE_MODELS if "Llama" not in m) + ("Meta-Llama-3-8B",),
}
CUTS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0)


def selections(
    requirements: Sequence[str],
    variants: Sequence[str],
    floors: Sequence[str],
    models: Sequence[str] = ("all",),
    sets: Sequence[str] = (),
) -> Iterator[Selection]:
    """Yield every selection of the given parts; `sets` overrides the requirement's sets."""
    names = list(sets)
    if not names:
        names += FUNCTIONAL if "functional" in requirements else ()
        names += NON_FUNCTIONAL if "non_functional" in requirements else ()
    for name, stages, floor, group in product(names, STAGE_RULES, floors, models):
        yield Selection(name, stages, floor, tuple(variants), MODEL_SETS[group])


def gains(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield the average changes (`rules.GAINS`) of every selection."""
    return _single(board, selected, GAINS)


def successes(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield the shares of success (`rules.SUCCESSES`) of every selection."""
    return _single(board, selected, SUCCESSES)


def _single(
    board: Board, selected: Iterator[Selection], statistics: dict[str, Callable[[Cells], float]]
) -> Iterator[Candidate]:
    for selection in selected:
        cells = pick(board, selection)
        for name, function in statistics.items() if len(cells) else ():
            yield f"{name}: {selection.words()}", (function(cells),)


def outcomes(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield (degraded, flat, improved) in percent; flat is a change within a cut, open or closed.

    Cuts are in percent of the base score, or in hundredths of the scale.
    """
    for selection in selected:
        cells = pick(board, selection)
        sizes = {"% of the base": cells.relative, "points": 100 * cells.change / cells.scale}
        for (unit, size), cut, edge in product(sizes.items(), CUTS, (-EQUAL, EQUAL)):
            size = size[np.isfinite(size)]
            if not len(size) or (not cut and edge < 0):
                continue
            better, worse = (100 * float((s * size > cut + edge).mean()) for s in (1, -1))
            words = f"flat within {cut} {unit}{' (edge flat)' if edge > 0 else ''}"
            yield f"{words}: {selection.words()}", (worse, 100 - worse - better, better)


def model_shares(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield the share of models (each variant by itself) that succeed, under several meanings."""
    for selection in selected:
        cells = pick(board, selection)
        groups = _groups(cells)
        for name, succeeds in MODEL_SUCCESS.items() if groups else ():
            share = 100 * float(np.mean([succeeds(cells, g) for g in groups]))
            yield f"share of models with {name}: {selection.words()}", (share,)


def _groups(cells: Cells) -> list[np.ndarray]:
    keys = sorted(set(zip(cells.model, cells.variant, strict=True)))
    return [(cells.model == m) & (cells.variant == v) for m, v in keys]


def _average_above(cut: float) -> Callable[[Cells, np.ndarray], bool]:
    return lambda c, g: bool(np.nanmean(c.relative[g]) > cut) if c.base[g].any() else False


MODEL_SUCCESS: dict[str, Callable[[Cells, np.ndarray], bool]] = {
    "a mean relative gain above 0 %": _average_above(0.0),
    "a mean relative gain above 5 %": _average_above(5.0),
    "a mean relative gain above 10 %": _average_above(10.0),
    "any cell improved": lambda c, g: bool((c.change[g] > 0).any()),
    "most cells improved": lambda c, g: bool((c.change[g] > 0).mean() > 0.5),
    "most cells improved or equal": lambda c, g: bool((c.change[g] >= 0).mean() > 0.5),
    "every cell improved": lambda c, g: bool((c.change[g] > 0).all()),
    "every cell improved or equal": lambda c, g: bool((c.change[g] >= 0).all()),
}
MODEL_FAILURE: dict[str, Callable[[Cells, np.ndarray], bool]] = {
    f"a {what} relative loss beyond {cut} %": function
    for cut in (10, 20, 25, 30)
    for what, function in (
        ("mean", lambda c, g, k=cut: bool(c.base[g].any() and np.nanmean(c.relative[g]) < -k)),
        ("single", lambda c, g, k=cut: bool((np.nan_to_num(c.relative[g]) < -k).any())),
    )
}


def catastrophes(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield (finetuned, pretrained) shares of models, or of cells, that fail catastrophically."""
    for selection in selected:
        cells = pick(board, selection)
        masks = [cells.variant == v for v in ("finetuned", "pretrained")]
        groups = _groups(cells)
        for name, fails in MODEL_FAILURE.items() if groups else ():
            both = [[fails(cells, g) for g in groups if m[g].all()] for m in masks]
            yield (
                f"share of models with {name}: {selection.words()}",
                tuple(100 * float(np.mean(b)) if b else np.nan for b in both),
            )
        for cut in (10, 20, 25, 30) if groups else ():
            lost = np.nan_to_num(cells.relative) < -cut
            yield (
                f"share of cells with a relative loss beyond {cut} %: {selection.words()}",
                tuple(100 * float(lost[m].mean()) if m.any() else np.nan for m in masks),
            )


def dimension_shares(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield the least and the greatest share of models that improve, over the benchmarks."""
    for selection in selected:
        cells = pick(board, selection)
        for name, better in (
            ("improves", cells.change > 0),
            ("improves or stays equal", cells.change >= 0),
        ):
            shares = [
                100 * float(better[cells.benchmark == b].mean()) for b in set(cells.benchmark)
            ]
            if shares:
                words = f"share of cells that {name}, least and greatest benchmark"
                yield f"{words}: {selection.words()}", (min(shares), max(shares))


def floors(include_zero: bool) -> tuple[str, ...]:
    """Return the names of the base-score floors; relative changes have none for a base of 0."""
    return tuple(FLOORS) if include_zero else tuple(FLOORS)[:2]
