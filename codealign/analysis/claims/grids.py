"""Grids of candidate rules: every combination of selections and statistics of one kind.

A rule is a selection and a statistic. Statistics have short names, which code and data use, and
words for readers; they give one number or a few, in percent unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any, NamedTuple

import numpy as np

from codealign.analysis.claims.rules import (
    EQUAL,
    FLOORS,
    FUNCTIONAL,
    MODEL_SETS,
    NON_FUNCTIONAL,
    PAPER_FLOOR,
    SETS,
    STAGE_RULES,
    Board,
    Pairs,
    Selection,
    at,
    mean,
    percent,
    pick,
)
from codealign.errors import CodealignError, nearest

CUTS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0)
"""Sizes of a change that may be called none."""
UNITS = {"relative": "% of the base", "points": "points"}
"""What such a size is measured in."""
OTHERS = ("not falling", "rising")
"""Models that those which fell in SFT are compared with."""
KNOWN_BASE = ("any base above 0", PAPER_FLOOR)
ANY_BASE = (*KNOWN_BASE, "every base")
"""Floors of relative changes, which a base of 0 has none of, and of other statistics."""
BASE, SFT, DPO, BONBON = range(4)
ALL_TASKS = "F1-F3 and F4 + NF1-NF5"
VARIANT_SETS = (("finetuned",), ("pretrained",), ("pretrained", "finetuned"))


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan


def _summed(cells: Pairs) -> float:
    base = float((cells.base / cells.scale).sum())
    return 100 * (float((cells.after / cells.scale).sum()) / base - 1) if base > 0 else np.nan


def _models_summed(cells: Pairs) -> float:
    after, base = ([(v / cells.scale)[g].sum() for g in cells.groups]
                   for v in (cells.after, cells.base))  # fmt: skip
    return 100 * (mean(np.array([a / b for a, b in zip(after, base, strict=True) if b > 0])) - 1)


def _ends(cells: Pairs, better: np.ndarray) -> tuple[float, float]:
    """Return the least and the greatest share of models over the benchmarks."""
    shares = [percent(better[cells.benchmark == name]) for name in set(cells.benchmark)]
    return min(shares), max(shares)


Statistics = Mapping[str, tuple[str, Callable[[Pairs], float | tuple[float, ...]]]]
"""By name: the words for readers, and the number (or numbers) that is made of pairs."""
GAINS: Statistics = {
    "gain": ("mean relative change", lambda c: mean(c.relative)),
    "gain_improving": ("mean relative change of improving cells",
                       lambda c: mean(c.relative[c.change > 0])),
    "gain_improving_equal": ("mean relative change of improving and equal cells",
                             lambda c: mean(c.relative[c.change >= 0])),
    "median": ("median relative change", lambda c: _median(c.relative)),
    "median_improving": ("median relative change of improving cells",
                         lambda c: _median(c.relative[c.change > 0])),
    "summed": ("relative change of the summed scores", _summed),
    "model_gain": ("mean of each model's mean relative change", lambda c: mean(c.averages)),
    "model_gain_improving": ("mean of each model's mean over its improving cells",
                             lambda c: mean(c.average(c.change > 0))),
    "model_summed": ("mean of each model's relative change of summed scores", _models_summed),
}  # fmt: skip
SUCCESSES: Statistics = {
    "improve": ("share of cells that improve", lambda c: percent(c.change > 0)),
    "improve_equal": ("share of cells that improve or stay equal",
                      lambda c: percent(c.change >= 0)),
    "model_improve": ("mean of each model's share that improves",
                      lambda c: 100 * mean(c.share(c.change > 0))),
    "model_improve_equal": ("mean of each model's share that improves or stays equal",
                            lambda c: 100 * mean(c.share(c.change >= 0))),
}  # fmt: skip
MODELS_SUCCEED: Statistics = {
    **{f"models_gain_{cut}": (f"share of models with a mean relative gain above {cut} %",
                              lambda c, cut=cut: percent(c.averages > cut))
       for cut in (0, 5, 10)},
    "models_any": ("share of models with any cell improved",
                   lambda c: percent(c.share(c.change > 0) > 0)),
    "models_most": ("share of models with most cells improved",
                    lambda c: percent(c.share(c.change > 0) > 0.5)),
    "models_most_equal": ("share of models with most cells improved or equal",
                          lambda c: percent(c.share(c.change >= 0) > 0.5)),
    "models_every": ("share of models with every cell improved",
                     lambda c: percent(c.share(c.change > 0) > 1 - EQUAL)),
    "models_every_equal": ("share of models with every cell improved or equal",
                           lambda c: percent(c.share(c.change >= 0) > 1 - EQUAL)),
}  # fmt: skip
CATASTROPHES: Statistics = {
    name.format(cut): (words.format(cut), lambda c, cut=cut, lost=lost: percent(lost(c, cut)))
    for cut in (10, 20, 25, 30)
    for name, words, lost in (
        ("models_lose_{}", "share of models with a mean relative loss beyond {} %",
         lambda c, cut: c.averages < -cut),
        ("models_lose_any_{}", "share of models with a single relative loss beyond {} %",
         lambda c, cut: c.share(c.relative < -cut) > 0),
        ("cells_lose_{}", "share of cells with a relative loss beyond {} %",
         lambda c, cut: c.relative < -cut),
    )
}  # fmt: skip
DIMENSIONS: Statistics = {
    "range_improve": ("share of cells that improves, least and greatest benchmark",
                      lambda c: _ends(c, c.change > 0)),
    "range_improve_equal": ("share of cells that improves or stays equal, least and greatest "
                            "benchmark", lambda c: _ends(c, c.change >= 0)),
}  # fmt: skip


def flat(cut: float, unit: str, edge: bool) -> str:
    """Return the name of outcomes with changes within a cut as none, its `edge` among them."""
    return f"flat_{cut}_{unit}{'_edge' if edge else ''}"


ALL = {**GAINS, **SUCCESSES, **MODELS_SUCCEED, **CATASTROPHES, **DIMENSIONS}
WORDS = {
    **{name: words for name, (words, _) in ALL.items()},
    **{flat(cut, unit, edge): f"flat within {cut} {words}{' (edge flat)' if edge else ''}"
       for unit, words in UNITS.items() for cut in CUTS for edge in (False, True)},
    "reaches": "models that fell in SFT whose final mean reaches the base",
    "passes": "models that fell in SFT whose final mean passes the base",
    "wins": "all wins; ties count for neither",
    "wins_above": "wins above the base; ties count for neither",
    "relative": "relative change",
    "absolute": "absolute change",
}  # fmt: skip
"""Names of all statistics and what readers see."""


@dataclass(frozen=True)
class Rule:
    """One rule that a published number may come from: a statistic (`WORDS`) of a selection.

    `against` is what the second number is computed from, where a grid pairs two; else "".
    """

    statistic: str
    selection: Selection
    against: str = ""

    def words(self) -> str:
        """The rule in words, as the ledger shows it."""
        against = f"; against {self.against}" if self.against else ""
        return f"{WORDS[self.statistic]}: {self.selection.words()}{against}"


Candidate = tuple[Rule, tuple[float, ...]]
"""A rule and the numbers it gives (NaN where it gives none), one for each published one."""
Candidates = Iterator[Candidate]
Rules = Callable[[Board, Mapping[str, Any]], Iterable[Candidate]]
"""A grid's rules for a board and a statement's arguments."""


def read_rule(data: Mapping[str, object], variants: Sequence[str]) -> Rule:
    """Read a rule from the data of a statement: `statistic`, the parts of a selection, `against`.

    Raises
    ------
    CodealignError
        A name that `WORDS`, `SETS`, `STAGE_RULES`, `FLOORS` or `MODEL_SETS` lacks.
    """
    parts = dict(data)
    variants = tuple(parts.pop("variants", variants))
    tables = {"statistic": WORDS, "benchmarks": SETS, "against": (*SETS, *OTHERS),
              "stages": STAGE_RULES, "floor": FLOORS, "models": MODEL_SETS}  # fmt: skip
    for part, name in parts.items():
        known = tables.get(part, {})
        if name not in ("", *known):
            raise CodealignError(f"claims: {part} {name!r}" + nearest(str(name), [*known]))
    statistic, against = str(parts.pop("statistic")), str(parts.pop("against", ""))
    models = MODEL_SETS[parts.pop("models", "all")]
    return Rule(statistic, Selection(**parts, variants=variants, models=models), against)


def selections(args: Mapping[str, Any], floors: Iterable[str]) -> Iterator[Selection]:
    """Yield every selection of a statement's `requirements` (or `sets`), `variants`, `models`."""
    names = list(args.get("sets", ()))
    if not names:
        names += FUNCTIONAL if "functional" in args["requirements"] else ()
        names += NON_FUNCTIONAL if "non_functional" in args["requirements"] else ()
    groups = args.get("models", ("all", "without CodeLlama"))
    for name, stages, floor, group in product(names, STAGE_RULES, floors, groups):
        yield Selection(name, stages, floor, tuple(args["variants"]), MODEL_SETS[group])


Numbers = Callable[[Pairs], Mapping[str, tuple[float, ...]]]
"""Numbers of several statistics by their names."""


def each(statistics: Statistics) -> Numbers:
    """Return what gives the numbers of each statistic."""
    return lambda cells: {
        name: found if isinstance(found := number(cells), tuple) else (found,)
        for name, (_, number) in statistics.items()
    }


def over(numbers: Numbers, floors: Iterable[str], *arms: str, paired: bool = False) -> Rules:
    """Return the rules of a grid that gives these numbers for every selection.

    Parameters
    ----------
    floors : of the selections (`FLOORS`).
    arms : variants, each of which gives a number; none: the selection's own give one together.
    paired : the numbers are of both pathways: leave the variants out of the rule.
    """

    def rules(board: Board, args: Mapping[str, Any]) -> Candidates:
        """Yield the candidates of every selection that has scores."""
        for chosen in selections(args, floors):
            own = [replace(chosen, variants=(arm,)) for arm in arms] or [chosen]
            picked = [pick(board, selection) for selection in own]
            found = [numbers(cells) for cells in picked] if all(map(len, picked)) else [{}]
            shown = replace(chosen, variants=()) if paired else chosen
            for name in found[0]:
                yield Rule(name, shown), tuple(chain.from_iterable(f[name] for f in found))

    return rules


def outcomes(cells: Pairs) -> dict[str, tuple[float, ...]]:
    """Return (degraded, flat, improved) in percent; flat is a change within a cut, open or closed.

    Cuts are in percent of the base score, or in hundredths of the scale (points).
    """
    # A change of exactly the cut is flat or not: the paper does not say, so both are candidates.
    steps = [(cut, edge) for cut in CUTS for edge in (-EQUAL, EQUAL) if cut or edge > 0]
    limits = np.array([cut + edge for cut, edge in steps])
    found: dict[str, tuple[float, ...]] = {}
    sizes = (cells.relative, 100 * cells.change / cells.scale)
    for unit, size in zip(UNITS, sizes, strict=True):
        known = size[np.isfinite(size)]
        if len(known):
            better, worse = (
                100 * np.count_nonzero(sign * known[:, None] > limits, axis=0) / len(known)
                for sign in (1, -1)
            )
            shares = np.column_stack((worse, 100 - worse - better, better)).tolist()
            names = [flat(cut, unit, edge > 0) for cut, edge in steps]
            found |= zip(names, map(tuple, shares), strict=True)
    return found


def requirement_pairs(board: Board, args: Mapping[str, Any]) -> Candidates:
    """Yield the share of models that succeed: non-functional, then functional, one meaning."""
    for stages, floor in product(STAGE_RULES, ANY_BASE):
        picked = {name: pick(board, Selection(name, stages, floor, tuple(args["variants"])))
                  for name in (*FUNCTIONAL, *NON_FUNCTIONAL)}  # fmt: skip
        shares = {name: each(MODELS_SUCCEED)(cells) for name, cells in picked.items() if len(cells)}
        for left, right in product(NON_FUNCTIONAL, FUNCTIONAL):
            for meaning in shares.get(left, {}) if right in shares else ():
                rule = Rule(meaning, Selection(left, stages, floor, ()), against=right)
                yield rule, shares[left][meaning] + shares[right][meaning]


FINALS = (
    "DPO", "BoNBoN", "DPO and BoNBoN, each", "best of DPO and BoNBoN", "worst of DPO and BoNBoN",
)  # fmt: skip


def recoveries(board: Board, args: Mapping[str, Any]) -> Candidates:
    """Yield (recovered share in percent, ratio of failure risks) of models that fell during SFT.

    A model (each variant by itself) falls, and recovers, by its mean score over the benchmarks:
    O8's sentence is about models. Recovered: the final mean reaches the base again (or passes it).
    The risk ratio compares their failure (not recovered) with that of the models that did not fall
    (or that rose).
    """
    for name, variants in product((*FUNCTIONAL, *NON_FUNCTIONAL, ALL_TASKS), VARIANT_SETS):
        mask = board.rows(SETS[name], variants)
        mask &= np.isfinite(board.values).all(axis=1)
        scores, groups = board.values[mask] / board.scale[mask][:, None], board.group[mask]
        means = [scores[groups == group].mean(axis=0) for group in np.unique(groups)]
        values = np.array(means).reshape(-1, 4)  # four stages, also where no model is left
        for final in FINALS:
            yield from _recovery(values, Selection(name, final, "", variants))


def _recovery(values: np.ndarray, chosen: Selection) -> Candidates:
    final = at(values, chosen.stages)
    base, sft = (np.broadcast_to(values[:, [s]], final.shape) for s in (BASE, SFT))
    fell = sft < base - EQUAL
    for name, edge in (("reaches", -EQUAL), ("passes", EQUAL)):
        recovered = final > base + edge
        for other, rest in zip(OTHERS, (~fell, sft > base + EQUAL), strict=True):
            if fell.any() and rest.any():
                risk, usual = (float((~recovered[m]).mean()) for m in (fell, rest))
                ratio = risk / usual if usual else np.nan
                yield Rule(name, chosen, against=other), (percent(recovered[fell]), ratio)


def _recovered(board: Board, args: Mapping[str, Any]) -> Iterable[Candidate]:
    # The share does not depend on what its risk is compared with: such rules count as one.
    shares = {replace(rule, against=""): numbers[:1] for rule, numbers in recoveries(board, args)}
    return shares.items()


def wins(board: Board, args: Mapping[str, Any]) -> Candidates:
    """Yield (BoNBoN's share of wins, DPO's, BoNBoN's mean relative gain where it wins, DPO's)."""
    variants = tuple(args["variants"])
    for name in NON_FUNCTIONAL:
        values = board.values[board.rows(SETS[name], variants)]
        values = values[np.isfinite(values).all(axis=1) & (values[:, BASE] > 0)]
        if not len(values):
            continue
        ahead = values[:, BONBON] - values[:, DPO]
        gain = 100 * (values / values[:, [BASE]] - 1)
        masks = {BONBON: ahead > EQUAL, DPO: ahead < -EQUAL}
        shares = tuple(map(percent, masks.values()))
        for statistic, admitted in (("wins", -np.inf), ("wins_above", EQUAL)):
            means = tuple(mean(gain[m & (gain[:, t] > admitted), t]) for t, m in masks.items())
            yield Rule(statistic, Selection(name, "", "", variants)), shares + means


class Grid(NamedTuple):
    """What a grid varies, in words, and its rules."""

    varied: str
    rules: Rules


SCORES = "benchmark sets x stages x base floor x models x "
RECOVERY = "benchmark sets x variants x final stage x ties"
BOTH = ("pretrained", "finetuned")
GRIDS = {
    "gains": Grid(f"{SCORES}average (all, improving, median)", over(each(GAINS), KNOWN_BASE)),
    "successes": Grid(f"{SCORES}ties as success or not", over(each(SUCCESSES), ANY_BASE)),
    "outcomes": Grid(f"{SCORES}cut for flat, relative or points", over(outcomes, FLOORS)),
    "models": Grid(f"{SCORES}meaning of a model's success", over(each(MODELS_SUCCEED), ANY_BASE)),
    "catastrophes": Grid(
        f"{SCORES}size of loss, model or cell", over(each(CATASTROPHES), ANY_BASE, *BOTH[::-1])
    ),
    "dimensions": Grid(f"{SCORES}ties", over(each(DIMENSIONS), ANY_BASE)),
    "gain_pairs": Grid(
        "the gains grid, one rule for both pathways",
        over(each(GAINS), KNOWN_BASE, *BOTH, paired=True),
    ),
    "success_pairs": Grid(
        "the successes grid, one rule for both pathways",
        over(each(SUCCESSES), ANY_BASE, *BOTH, paired=True),
    ),
    "requirement_pairs": Grid(
        "benchmark sets of both requirements x stages x base floor x meaning", requirement_pairs
    ),
    "recoveries": Grid(f"{RECOVERY} x what is compared, both numbers", recoveries),
    "recovery_shares": Grid(RECOVERY, _recovered),
    "recovery_risks": Grid(
        f"{RECOVERY} x what is compared",
        lambda board, args: ((rule, numbers[1:]) for rule, numbers in recoveries(board, args)),
    ),
    "wins": Grid("benchmark sets x wins above the base only or all", wins),
}
