"""Grids of candidate rules: every combination of selections and statistics of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from codealign.analysis.claims.names import CUTS, GAINED, LOSSES, OTHERS, UNITS, flat
from codealign.analysis.claims.rules import (
    EQUAL,
    FLOORS,
    FUNCTIONAL,
    GAINS,
    MODEL_SETS,
    NON_FUNCTIONAL,
    PAPER_FLOOR,
    SETS,
    STAGE_RULES,
    SUCCESSES,
    Board,
    Candidate,
    Pairs,
    Rule,
    Selection,
    mean,
    pick,
)

Candidates = Iterator[Candidate]
Statistics = Mapping[str, Callable[[Pairs], float]]
Rules = Callable[[Board, Mapping[str, Any]], Iterable[Candidate]]
"""A grid's rules for a board and a statement's arguments."""
KNOWN_BASE = ("any base above 0", PAPER_FLOOR)
ANY_BASE = (*KNOWN_BASE, "every base")
"""Floors of relative changes, which a base of 0 has none of, and of other statistics."""
BASE, SFT, DPO, BONBON = range(4)
ALL_TASKS = (*SETS["F1-F3 and F4"], *SETS["NF1-NF5"])
EVERYTHING = "all functional and NF1-NF5"
VARIANT_SETS = (("finetuned",), ("pretrained",), ("pretrained", "finetuned"))


def selections(args: Mapping[str, Any], floors: Sequence[str]) -> Iterator[Selection]:
    """Yield every selection of a statement's `requirements` (or `sets`), `variants`, `models`."""
    names = list(args.get("sets", ()))
    if not names:
        names += FUNCTIONAL if "functional" in args["requirements"] else ()
        names += NON_FUNCTIONAL if "non_functional" in args["requirements"] else ()
    groups = args.get("models", ("all", "without CodeLlama"))
    for name, stages, floor, group in product(names, STAGE_RULES, floors, groups):
        yield Selection(name, stages, floor, tuple(args["variants"]), MODEL_SETS[group])


def single(board: Board, selected: Iterator[Selection], statistics: Statistics) -> Candidates:
    """Yield the number of every statistic for every selection."""
    for selection in selected:
        cells = pick(board, selection)
        for name, function in statistics.items() if len(cells) else ():
            yield Rule(name, selection), (function(cells),)


def outcomes(board: Board, selected: Iterator[Selection]) -> Candidates:
    """Yield (degraded, flat, improved) in percent; flat is a change within a cut, open or closed.

    Cuts are in percent of the base score, or in hundredths of the scale (points).
    """
    # A change of exactly the cut is flat or not: the paper does not say, so both are candidates.
    steps = [(cut, edge) for cut in CUTS for edge in (-EQUAL, EQUAL) if cut or edge > 0]
    limits = np.array([cut + edge for cut, edge in steps])
    names = [[flat(cut, unit, edge > 0) for cut, edge in steps] for unit in UNITS]
    for selection in selected:
        cells = pick(board, selection)
        sizes = (cells.relative, 100 * cells.change / cells.scale)
        for named, size in zip(names, sizes, strict=True):
            size = size[np.isfinite(size)]
            if len(size):
                better, worse = (
                    100 * np.count_nonzero(sign * size[:, None] > limits, axis=0) / len(size)
                    for sign in (1, -1)
                )
                shares = np.column_stack((worse, 100 - worse - better, better)).tolist()
                for name, values in zip(named, shares, strict=True):
                    yield Rule(name, selection), tuple(values)


def model_shares(board: Board, selected: Iterator[Selection]) -> Candidates:
    """Yield the share of models (each variant by itself) that succeed, under several meanings."""
    for selection in selected:
        for name, share in successful(pick(board, selection)).items():
            yield Rule(name, selection), (share,)


def successful(cells: Pairs) -> dict[str, float]:
    """Return the percent of models that succeed, by the meaning of success; {} without cells."""
    if not len(cells):
        return {}
    average, better = cells.averages, cells.share(cells.change > 0)
    kept = cells.share(cells.change >= 0)
    meanings = {
        **{f"models_gain_{cut}": average > cut for cut in GAINED},
        "models_any": better > 0,
        "models_most": better > 0.5,
        "models_most_equal": kept > 0.5,
        "models_every": better > 1 - EQUAL,
        "models_every_equal": kept > 1 - EQUAL,
    }
    return {name: 100 * float(succeeds.mean()) for name, succeeds in meanings.items()}


def catastrophes(board: Board, selected: Iterator[Selection]) -> Candidates:
    """Yield (finetuned, pretrained) shares of models, or of cells, that fail catastrophically."""
    for selection in selected:
        arms = [pick(board, replace(selection, variants=(v,))) for v in ("finetuned", "pretrained")]
        for cut in LOSSES if all(map(len, arms)) else ():
            failures = [_failures(cells, cut) for cells in arms]
            for name in failures[0]:
                yield Rule(name, selection), tuple(f[name] for f in failures)


def _failures(cells: Pairs, cut: int) -> dict[str, float]:
    lost = cells.known_relative < -cut
    shares = {
        f"models_lose_{cut}": cells.averages < -cut,
        f"models_lose_any_{cut}": cells.share(lost) > 0,
        f"cells_lose_{cut}": lost,
    }
    return {name: 100 * float(mask.mean()) for name, mask in shares.items()}


def dimension_shares(board: Board, selected: Iterator[Selection]) -> Candidates:
    """Yield the least and the greatest share of models that improve, over the benchmarks."""
    for selection in selected:
        cells = pick(board, selection)
        for name, better in (
            ("range_improve", cells.change > 0),
            ("range_improve_equal", cells.change >= 0),
        ):
            shares = [
                100 * float(better[cells.benchmark == b].mean()) for b in set(cells.benchmark)
            ]
            if shares:
                yield Rule(name, selection), (min(shares), max(shares))


def pairs(board: Board, selected: Iterator[Selection], statistics: Statistics) -> Candidates:
    """Yield one rule's number for the pretrained and for the finetuned variants."""
    for selection in selected:
        arms = [pick(board, replace(selection, variants=(v,))) for v in ("pretrained", "finetuned")]
        for name, function in statistics.items() if all(map(len, arms)) else ():
            rule = Rule(name, replace(selection, variants=()))
            yield rule, tuple(function(cells) for cells in arms)


def requirement_pairs(board: Board, variants: Sequence[str]) -> Candidates:
    """Yield the share of models that succeed: non-functional, then functional, one meaning."""
    for stages, floor in product(STAGE_RULES, ANY_BASE):
        shares = {
            name: successful(pick(board, Selection(name, stages, floor, tuple(variants))))
            for name in (*FUNCTIONAL, *NON_FUNCTIONAL)
        }
        for left, right in product(NON_FUNCTIONAL, FUNCTIONAL):
            for meaning in (m for m in shares[left] if m in shares[right]):
                chosen = Selection(left, stages, floor, ())
                rule = Rule(meaning, chosen, against=right)
                yield rule, (shares[left][meaning], shares[right][meaning])


def _finals(values: np.ndarray) -> dict[str, list[np.ndarray]]:
    dpo, bonbon = values[:, DPO], values[:, BONBON]
    return {
        "DPO": [dpo],
        "BoNBoN": [bonbon],
        "DPO and BoNBoN, each": [dpo, bonbon],
        "best of DPO and BoNBoN": [np.fmax(dpo, bonbon)],
        "worst of DPO and BoNBoN": [np.fmin(dpo, bonbon)],
    }


def recoveries(board: Board, sets: tuple[str, ...] = ()) -> Candidates:
    """Yield (recovered share in percent, ratio of failure risks) of models that fell during SFT.

    A model (each variant by itself) falls, and recovers, by its mean score over the benchmarks:
    O8's sentence is about models. Recovered: the final mean reaches the base again (or passes it).
    The risk ratio compares their failure (not recovered) with that of the models that did not fall
    (or that rose).
    """
    names = sets or (*FUNCTIONAL, *NON_FUNCTIONAL, EVERYTHING)
    for name, variants in product(names, VARIANT_SETS):
        mask = board.rows(SETS.get(name) or ALL_TASKS, variants)
        mask &= np.isfinite(board.values).all(axis=1)
        scores, groups = board.values[mask] / board.scale[mask][:, None], board.group[mask]
        means = [scores[groups == group].mean(axis=0) for group in np.unique(groups)]
        values = np.array(means).reshape(-1, 4)  # four stages, also where no model is left
        for final, columns in _finals(values).items():
            yield from _recovery(values, columns, Selection(name, final, "", variants))


def _recovery(values: np.ndarray, columns: list[np.ndarray], chosen: Selection) -> Candidates:
    base = np.tile(values[:, BASE], len(columns))
    sft = np.tile(values[:, SFT], len(columns))
    final = np.concatenate(columns)
    fell = sft < base - EQUAL
    for name, edge in (("reaches", -EQUAL), ("passes", EQUAL)):
        recovered = final > base + edge
        for other, rest in zip(OTHERS, (~fell, sft > base + EQUAL), strict=True):
            if fell.any() and rest.any():
                risk, usual = (float((~recovered[m]).mean()) for m in (fell, rest))
                ratio = risk / usual if usual else np.nan
                numbers = (100 * float(recovered[fell].mean()), ratio)
                yield Rule(name, chosen, against=other), numbers


def wins(board: Board, variants: tuple[str, ...], sets: tuple[str, ...]) -> Candidates:
    """Yield (BoNBoN's share of wins, DPO's, BoNBoN's mean relative gain where it wins, DPO's)."""
    for name in sets:
        values = board.values[board.rows(SETS[name], variants)]
        values = values[np.isfinite(values).all(axis=1) & (values[:, BASE] > 0)]
        if not len(values):
            continue
        ahead = values[:, BONBON] - values[:, DPO]
        gain = 100 * (values / values[:, [BASE]] - 1)
        masks = {BONBON: ahead > EQUAL, DPO: ahead < -EQUAL}
        shares = tuple(100 * float(m.mean()) for m in masks.values())
        for statistic, admitted in (("wins", -np.inf), ("wins_above", EQUAL)):
            means = tuple(mean(gain[m & (gain[:, t] > admitted), t]) for t, m in masks.items())
            chosen = Selection(name, "", "", variants)
            yield Rule(statistic, chosen), shares + means


@dataclass(frozen=True)
class Grid:
    """What a grid varies, in words; `paired`: a rule has a number per variant or requirement."""

    varied: str
    rules: Rules
    paired: bool = False


def _over(grid: Callable[..., Candidates], floors: Sequence[str], *more: Statistics) -> Rules:
    """Return a grid's rules over all selections with these floors."""
    return lambda board, args: grid(board, selections(args, floors), *more)


def _recovered(board: Board, args: Mapping[str, Any]) -> Iterable[Candidate]:
    # The share does not depend on what its risk is compared with: such rules count as one.
    shares = {replace(rule, against=""): numbers[:1] for rule, numbers in recoveries(board)}
    return shares.items()


SCORES = "benchmark sets x stages x base floor x models x "
RECOVERY = "benchmark sets x variants x final stage x ties"
GRIDS = {
    "gains": Grid(f"{SCORES}average (all, improving, median)", _over(single, KNOWN_BASE, GAINS)),
    "successes": Grid(f"{SCORES}ties as success or not", _over(single, ANY_BASE, SUCCESSES)),
    "outcomes": Grid(f"{SCORES}cut for flat, relative or points", _over(outcomes, tuple(FLOORS))),
    "models": Grid(f"{SCORES}meaning of a model's success", _over(model_shares, ANY_BASE)),
    "catastrophes": Grid(f"{SCORES}size of loss, model or cell", _over(catastrophes, ANY_BASE)),
    "dimensions": Grid(f"{SCORES}ties", _over(dimension_shares, ANY_BASE)),
    "gain_pairs": Grid(
        "the gains grid, one rule for both pathways", _over(pairs, KNOWN_BASE, GAINS), paired=True
    ),
    "success_pairs": Grid(
        "the successes grid, one rule for both pathways",
        _over(pairs, ANY_BASE, SUCCESSES),
        paired=True,
    ),
    "requirement_pairs": Grid(
        "benchmark sets of both requirements x stages x base floor x meaning",
        lambda board, args: requirement_pairs(board, args["variants"]),
        paired=True,
    ),
    "recoveries": Grid(
        f"{RECOVERY} x what is compared, both numbers", lambda board, args: recoveries(board)
    ),
    "recovery_shares": Grid(RECOVERY, _recovered),
    "recovery_risks": Grid(
        f"{RECOVERY} x what is compared",
        lambda board, args: ((rule, numbers[1:]) for rule, numbers in recoveries(board)),
    ),
    "wins": Grid(
        "benchmark sets x wins above the base only or all",
        lambda board, args: wins(board, tuple(args["variants"]), NON_FUNCTIONAL),
    ),
}
