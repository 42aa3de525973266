"""Grids of candidate rules: every combination of selections and statistics of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from codealign.analysis.claims.board import Board
from codealign.analysis.claims.rules import (
    EQUAL,
    FUNCTIONAL,
    GAINS,
    MODEL_SETS,
    NON_FUNCTIONAL,
    PAPER_FLOOR,
    STAGE_RULES,
    SUCCESSES,
    Candidate,
    Cells,
    Rule,
    Selection,
    pick,
)

LOSSES = (10, 20, 25, 30)
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
            yield Rule(name, selection), (function(cells),)


def outcomes(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield (degraded, flat, improved) in percent; flat is a change within a cut, open or closed.

    Cuts are in percent of the base score, or in hundredths of the scale (points).
    """
    steps = [(cut, edge) for cut in CUTS for edge in (-EQUAL, EQUAL) if cut or edge > 0]
    limits = np.array([cut + edge for cut, edge in steps])
    names = {
        unit: [
            f"flat within {cut} {unit}{' (edge flat)' if edge > 0 else ''}" for cut, edge in steps
        ]
        for unit in ("% of the base", "points")
    }
    for selection in selected:
        cells = pick(board, selection)
        sizes = (cells.relative, 100 * cells.change / cells.scale)
        for unit, size in zip(names, sizes, strict=True):
            size = size[np.isfinite(size)]
            if len(size):
                better, worse = (
                    100 * np.count_nonzero(sign * size[:, None] > limits, axis=0) / len(size)
                    for sign in (1, -1)
                )
                shares = np.column_stack((worse, 100 - worse - better, better)).tolist()
                for name, values in zip(names[unit], shares, strict=True):
                    yield Rule(name, selection), tuple(values)


def model_shares(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield the share of models (each variant by itself) that succeed, under several meanings."""
    for selection in selected:
        for name, share in successful(pick(board, selection)).items():
            yield Rule(f"share of models with {name}", selection), (share,)


def successful(cells: Cells) -> dict[str, float]:
    """Return the percent of models that succeed, by the meaning of success; {} without cells."""
    if not len(cells):
        return {}
    average, better = cells.averages, cells.share(cells.change > 0)
    kept = cells.share(cells.change >= 0)
    meanings = {
        **{f"a mean relative gain above {cut} %": average > cut for cut in (0, 5, 10)},
        "any cell improved": better > 0,
        "most cells improved": better > 0.5,
        "most cells improved or equal": kept > 0.5,
        "every cell improved": better > 1 - EQUAL,
        "every cell improved or equal": kept > 1 - EQUAL,
    }
    return {name: 100 * float(succeeds.mean()) for name, succeeds in meanings.items()}


def catastrophes(board: Board, selected: Iterator[Selection]) -> Iterator[Candidate]:
    """Yield (finetuned, pretrained) shares of models, or of cells, that fail catastrophically."""
    for selection in selected:
        arms = [pick(board, replace(selection, variants=(v,))) for v in ("finetuned", "pretrained")]
        for cut in LOSSES if all(map(len, arms)) else ():
            failures = [_failures(cells, cut) for cells in arms]
            for name in failures[0]:
                yield Rule(name, selection), tuple(f[name] for f in failures)


def _failures(cells: Cells, cut: int) -> dict[str, float]:
    lost = cells.known_relative < -cut
    shares = {
        f"share of models with a mean relative loss beyond {cut} %": cells.averages < -cut,
        f"share of models with a single relative loss beyond {cut} %": cells.share(lost) > 0,
        f"share of cells with a relative loss beyond {cut} %": lost,
    }
    return {name: 100 * float(mask.mean()) for name, mask in shares.items()}


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
                statistic = f"share of cells that {name}, least and greatest benchmark"
                yield Rule(statistic, selection), (min(shares), max(shares))


def floors(include_zero: bool) -> tuple[str, ...]:
    """Return the names of the base-score floors; relative changes have none for a base of 0."""
    floors = ("any base above 0", PAPER_FLOOR)
    return (*floors, "every base") if include_zero else floors


def pairs(
    board: Board, selected: Iterator[Selection], statistics: dict[str, Callable[[Cells], float]]
) -> Iterator[Candidate]:
    """Yield one rule's number for the pretrained and for the finetuned variants."""
    for selection in selected:
        arms = [pick(board, replace(selection, variants=(v,))) for v in ("pretrained", "finetuned")]
        for name, function in statistics.items() if all(map(len, arms)) else ():
            rule = Rule(name, replace(selection, variants=()))
            yield rule, tuple(function(cells) for cells in arms)


def requirement_pairs(board: Board, variants: Sequence[str]) -> Iterator[Candidate]:
    """Yield the share of models that succeed: non-functional, then functional, one meaning."""
    for stages, floor in product(STAGE_RULES, floors(include_zero=True)):
        shares = {
            name: successful(pick(board, Selection(name, stages, floor, tuple(variants))))
            for name in (*FUNCTIONAL, *NON_FUNCTIONAL)
        }
        for left, right in product(NON_FUNCTIONAL, FUNCTIONAL):
            for meaning in shares[left].keys() & shares[right].keys():
                chosen = Selection(left, stages, floor, ())
                rule = Rule(f"share of models with {meaning}", chosen, against=right)
                yield rule, (shares[left][meaning], shares[right][meaning])
