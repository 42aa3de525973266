"""O8: what becomes of models that fell during SFT, and O4: which technique wins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from codealign.analysis.claims.board import Board
from codealign.analysis.claims.rules import (
    EQUAL,
    FUNCTIONAL,
    NON_FUNCTIONAL,
    SETS,
    Candidate,
    Rule,
    Selection,
)

BASE, SFT, DPO, BONBON = range(4)
ALL_TASKS = (*SETS["F1-F3 and F4"], *SETS["NF1-NF5"])
EVERYTHING = "all functional and NF1-NF5"
VARIANT_SETS = (("finetuned",), ("pretrained",), ("pretrained", "finetuned"))


def _finals(values: np.ndarray) -> dict[str, list[np.ndarray]]:
    dpo, bonbon = values[:, DPO], values[:, BONBON]
    return {
        "DPO": [dpo],
        "BoNBoN": [bonbon],
        "DPO and BoNBoN, each": [dpo, bonbon],
        "best of DPO and BoNBoN": [np.fmax(dpo, bonbon)],
        "worst of DPO and BoNBoN": [np.fmin(dpo, bonbon)],
    }


def recoveries(board: Board, sets: tuple[str, ...] = ()) -> Iterator[Candidate]:
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
        values = _means(board.values[mask] / board.scale[mask][:, None], board.group[mask])
        for final, columns in _finals(values).items():
            yield from _recovery(values, columns, Selection(name, final, "", variants))


def _means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the mean row of each group (a model and variant), shape (groups, stages)."""
    return np.array([values[groups == g].mean(axis=0) for g in np.unique(groups)]).reshape(-1, 4)


def _recovery(
    values: np.ndarray, columns: list[np.ndarray], chosen: Selection
) -> Iterator[Candidate]:
    base = np.tile(values[:, BASE], len(columns))
    sft = np.tile(values[:, SFT], len(columns))
    final = np.concatenate(columns)
    fell = sft < base - EQUAL
    for word, edge in (("reaches", -EQUAL), ("passes", EQUAL)):
        recovered = final > base + edge
        for other, rest in (("not falling", ~fell), ("rising", sft > base + EQUAL)):
            if fell.any() and rest.any():
                risk, usual = (float((~recovered[m]).mean()) for m in (fell, rest))
                ratio = risk / usual if usual else np.nan
                statistic = f"models that fell in SFT whose final mean {word} the base"
                values_of = (100 * float(recovered[fell].mean()), ratio)
                yield Rule(statistic, chosen, against=other), values_of


def wins(board: Board, variants: tuple[str, ...], sets: tuple[str, ...]) -> Iterator[Candidate]:
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
        for word, admitted in (("all wins", -np.inf), ("wins above the base", EQUAL)):
            means = tuple(_mean(gain[m & (gain[:, t] > admitted), t]) for t, m in masks.items())
            chosen = Selection(name, "", "", variants)
            yield Rule(f"{word}; ties count for neither", chosen), shares + means


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
