"""Patterns in the scores: a statistic of one selection of pairs, or of several.

`data/claim_patterns.yaml` has a row per pattern: the selection (fields of `rules.Selection`, `arms`
where it takes several), the statistic, its rule in words, and the other readings that are tried
before a statement is said to contradict the tables. A statement of kind `fact` names the row and
fills in what the row leaves open.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import yaml

from codealign.analysis.claims import clarity
from codealign.analysis.claims.matching import PATTERN, Reading, absent, half_unit, truth, widen
from codealign.analysis.claims.model import Judgement
from codealign.analysis.claims.rules import (
    EQUAL,
    MODEL_SETS,
    MODELS,
    SETS,
    Board,
    Pairs,
    Scores,
    Selection,
    percent,
    pick,
)
from codealign.analysis.scores import benchmark
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA
from codealign.records import VARIANTS

Args = Mapping[str, Any]
FIELDS = [field.name for field in dataclasses.fields(Selection)]
KEYS = [
    *FIELDS, "arms", "family", "statistic", "measure", "cut", "less", "least", "printed", "rule",
    "lacking", "note", "loose", "judged", "shown", "beside", "others",
]  # fmt: skip
"""What a row may have; `claim_patterns.yaml` says what each is."""


class Numbers(NamedTuple):
    """Numbers, whether they bear the statement out, their p-value if tested, and who is meant."""

    values: Sequence[float]
    holds: bool
    p_value: float | None = None
    who: Sequence[str] = ()


def _size(args: Args, arm: Pairs) -> np.ndarray:
    """Return the changes in percent of the start, or what else the pattern measures."""
    match args.get("measure", "relative"):
        case "score":
            return arm.after
        case "absolute":
            return arm.change
        case "change":
            return 100 * arm.change / arm.scale
        case _:
            return arm.relative


def _printed(args: Args, arm: Pairs, values: Sequence[float]) -> bool:
    """Return whether numbers are as printed, in the arm's digits; true if nothing is printed."""
    limit = half_unit(benchmark(arm.benchmark[0]).decimals) + EQUAL
    return bool(np.all(np.abs(np.subtract(values, args.get("printed", values))) <= limit))


def _none(mask: np.ndarray) -> Numbers:
    return Numbers([int(mask.sum()), len(mask)], not mask.any())


def _more_than(level: float, mask: np.ndarray) -> Numbers:
    share, p_value = percent(mask), clarity.share(mask.sum(), len(mask), level)
    return Numbers([share, len(mask)], share > 100 * level, p_value)


def _positive_mean(args: Args, arm: Pairs) -> Numbers:
    sizes = _size(args, arm)
    return Numbers([sizes.mean()], sizes.mean() > EQUAL, clarity.mean(sizes))


def _all_rise(args: Args, arm: Pairs) -> Numbers:
    risen = arm.change > 0
    return Numbers([risen.sum(), len(risen)], bool(risen.all()), None, arm.model[~risen])


def _every_mean_rises(args: Args, arm: Pairs) -> Numbers:
    names = arm.benchmark
    least = min(float(arm.relative[names == name].mean()) for name in set(names))
    return Numbers([least], least > 0)


def _some_fall_in_each(args: Args, *arms: Pairs) -> Numbers:
    fallen = [int((arm.change < 0).sum()) for arm in arms]
    return Numbers(fallen, all(fallen))


def _both_ways(args: Args, *arms: Pairs) -> Numbers | None:
    # One entry for each model and pathway of each arm: does it both gain and lose?
    changes = [arm.change[group] for arm in arms for group in arm.groups]
    mixed = np.array([(c > 0).any() and (c < 0).any() for c in changes])
    return _more_than(1 / 2, mixed) if len(mixed) else None


def _range(args: Args, arm: Pairs) -> Numbers:
    sizes = _size(args, arm)
    ends = [float(sizes.min()), float(sizes.max())]
    return Numbers(ends, _printed(args, arm, ends))


def _greatest(args: Args, arm: Pairs) -> Numbers:
    sizes = _size(args, arm)
    i = int(np.argmax(sizes))
    who = f"{arm.model[i]} {arm.variant[i]}, {arm.stage[i]}"
    return Numbers([float(sizes[i])], _printed(args, arm, sizes[[i]]), None, [who])


def _no_mean_falls(arm: Pairs, of: np.ndarray) -> Numbers:
    """Compare the mean scores of each group of pairs."""
    base, after = arm.base / arm.scale, arm.after / arm.scale
    groups = [of == one for one in np.unique(of)]
    return _none(np.array([base[g].mean() > after[g].mean() + EQUAL for g in groups]))


def _narrows(args: Args, first: Pairs, second: Pairs) -> Numbers | None:
    if len(first) != len(second):
        return None
    before, after = (arm.change / arm.scale for arm in (first, second))
    means = [100 * float(gaps.mean()) for gaps in (before, after)]
    return Numbers(means, means[1] < means[0], clarity.mean(after - before))


def _ratio(args: Args, first: Pairs, second: Pairs) -> Numbers:
    one, other = (float(_size(args, arm)[0]) for arm in (first, second))
    return Numbers([one / other if other else np.nan, one, other], True)


def _explained(args: Args, arm: Pairs) -> Numbers | None:
    """Compare the shares of variance that lie between models and between starting points."""
    sizes, groups = _size(args, arm), (arm.model, arm.variant)
    if len(sizes) < 3 or not sizes.std() or min(len(set(g)) for g in groups) < 2:
        return None
    shares = [100 * eta_squared(sizes, g) for g in groups]
    return Numbers(shares, shares[0] > shares[1])


def eta_squared(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of variance that lies between groups (0 where all values are equal)."""
    total = float(((values - values.mean()) ** 2).sum())
    between = sum(
        (groups == g).sum() * (values[groups == g].mean() - values.mean()) ** 2
        for g in np.unique(groups)
    )
    return float(between) / total if total else 0.0


def _ahead(arm: Pairs, holds: Callable[[int, int], bool], tested: bool = False) -> Numbers:
    wins, losses = (int((sign * arm.change > 0).sum()) for sign in (1, -1))
    p_value = clarity.share(wins, wins + losses) if tested else None
    return Numbers([wins, losses], holds(wins, losses), p_value)


def _mostly_ahead(args: Args, arm: Pairs) -> Numbers:
    (wins, _), holds, p_value, _ = _ahead(arm, lambda wins, _: wins > len(arm) / 2, tested=True)
    return Numbers([100 * wins / len(arm), len(arm)], holds, p_value)


def _starts(args: Args, arm: Pairs, of: Callable[[np.ndarray], float]) -> Numbers:
    # A printed score that is the cut itself has reached it, whatever division makes of it.
    base = arm.base / arm.scale
    below = arm.benchmark[base < args["cut"] - EQUAL]
    value = float(of(base))
    return Numbers([value, float(base.mean())], value >= args["cut"] - EQUAL, None, below)


def _compared(
    values_of: Callable[[Args, Pairs], np.ndarray],
    number: Callable[[np.ndarray], float],
    test: Callable[[np.ndarray, np.ndarray], float],
) -> Callable[..., Numbers]:
    """Return the statistic that is greater in the first of two arms, with `less` smaller."""

    def compare(args: Args, *arms: Pairs) -> Numbers:
        """Compare the two arms."""
        both = [values_of(args, arm) for arm in arms]
        first, second = (float(number(values)) for values in both)
        # The test is two-sided: which of the two is to be greater does not matter to it.
        ahead = second - first if args.get("less") else first - second
        return Numbers([first, second], ahead > EQUAL, test(*both))

    return compare


STATISTICS: dict[str, Callable[..., Numbers | None]] = {
    # of one arm
    "mean above 0": _positive_mean,
    "a third falls": lambda _, arm: _more_than(1 / 3, arm.change < 0),
    "all rise": _all_rise,
    "every mean rises": _every_mean_rises,
    "none falls": lambda _, arm: _none(arm.change < 0),
    "none below": lambda args, arm: _none(arm.after < args["cut"] - EQUAL),
    "no model's mean falls": lambda _, arm: _no_mean_falls(arm, arm.model),
    "the mean holds": lambda _, arm: _no_mean_falls(arm, np.zeros(len(arm))),
    "range": _range,
    "greatest": _greatest,
    "explained": _explained,
    "ahead": lambda _, arm: _ahead(arm, lambda wins, losses: wins > losses, tested=True),
    "mostly ahead": _mostly_ahead,
    "sometimes ahead": lambda _, arm: _ahead(arm, lambda wins, _: wins > 0),
    "never behind": lambda _, arm: _ahead(arm, lambda wins, losses: wins > 0 and not losses),
    "least start": lambda args, arm: _starts(args, arm, np.min),
    "mean start": lambda args, arm: _starts(args, arm, np.mean),
    # of any number of arms
    "some fall in each": _some_fall_in_each,
    "both ways": _both_ways,
    # of two arms
    "narrows": _narrows,
    "ratio": _ratio,
    "mean": _compared(_size, np.mean, clarity.means),
    "spread": _compared(_size, lambda values: np.std(values, ddof=1), clarity.spreads),
    "improving": _compared(lambda _, arm: arm.change > 0, percent, clarity.shares),
    "losing": _compared(lambda args, a: a.relative < -args["cut"], percent, clarity.shares),
}
"""By name: what is made of a pattern's arguments and its arms."""


@cache
def patterns() -> dict[str, dict[str, Any]]:
    """Return the rows of `data/claim_patterns.yaml` by name."""
    rows = yaml.safe_load((DATA / "claim_patterns.yaml").read_text(encoding="utf-8"))
    # A name with an underscore is no pattern: it holds lists that the rows share by YAML anchors.
    return {name: row for name, row in rows.items() if name[0] != "_"}


def pattern(scores: Scores, name: str, **asked: Any) -> Judgement:
    """Look for a pattern in the scores: the row of that name, with what the statement fills in."""
    if name not in patterns():
        raise CodealignError(f"claims: pattern {name!r}" + nearest(name, [*patterns()]))
    args = {**patterns()[name], **asked}
    for key in args:
        if key not in KEYS:
            raise CodealignError(f"claims: {name}: unknown key {key!r}" + nearest(key, KEYS))
    plain = _numbers(scores.board, args)
    if plain is None:
        return absent(_words(args["lacking"], args))
    rule = _words(args["rule"], args, plain, len(_arms(scores.board, args)[0]))
    values = plain.values[: args.get("shown")]
    if not args.get("judged", True):
        return Judgement([float(v) for v in values], rule)
    note = "" if plain.holds else _words(args.get("note", ""), args, plain)
    note = "; ".join(n for n in (note, _beside(scores.board, args)) if n)
    judged = truth(plain.holds, values, rule, note, args.get("loose", False), plain.p_value)
    if "others" not in args:
        return judged
    others = args["others"]
    readings = other_readings(scores.board, args)
    return widen(scores, judged, readings, others["grid"], others.get("enough", PATTERN))


def _beside(board: Board, args: Args) -> str:
    """Return in words what `beside` gives, the same pattern by other fields; "" without scores."""
    if "beside" not in args:
        return ""
    varied = {**args, **args["beside"]["fields"]}
    numbers = _numbers(board, varied)
    return _words(args["beside"]["words"], varied, numbers) if numbers else ""


def other_readings(board: Board, args: Args) -> Iterator[Reading]:
    """Yield the readings that `others` varies, but for those without scores.

    Variants are varied within those of the statement.
    """
    others = args["others"]
    chosen = (dict(zip(grid, values, strict=True))
              for grid in others["vary"] for values in product(*grid.values()))  # fmt: skip
    for varied in ({"words": others.get("words"), **args, **fields} for fields in chosen):
        # What holds for PTA alone is no reading of a statement on FTA.
        if not set(varied.get("variants", VARIANTS)) <= set(args.get("variants", VARIANTS)):
            continue
        numbers = _numbers(board, varied)
        if numbers is not None:
            template = varied["words"]
            words = template if isinstance(template, str) else template[varied["statistic"]]
            values = numbers.values[: others.get("shown")]
            yield Reading(_words(words, varied, numbers), numbers.holds, values)


def _numbers(board: Board, args: Args) -> Numbers | None:
    arms = _arms(board, args)
    if min(map(len, arms)) < args.get("least", 1):
        return None
    return STATISTICS[args["statistic"]](args, *arms)


def _arms(board: Board, args: Args) -> list[Pairs]:
    # An arm says only what differs from the pattern's own selection; without arms that is the one.
    rows = [{**args, **arm} for arm in args.get("arms", ({},))]
    return [pick(board, _selection(board, row)) for row in rows]


def _selection(board: Board, row: Args) -> Selection:
    fields = {name: row[name] for name in FIELDS if name in row}
    models = fields.get("models", ())
    fields["models"] = (
        MODEL_SETS[models] if isinstance(models, str) else tuple(MODELS[m] for m in models)
    )
    if "family" in row:  # all sizes of that model that there are
        prefix = MODELS[row["family"]].rsplit("-", 1)[0]
        # Without such models the prefix, which nothing is named: () would mean all models.
        fields["models"] = tuple(sorted({m for m in board.model if prefix in m})) or (prefix,)
    if "variants" in fields:
        fields["variants"] = tuple(fields["variants"])
    return Selection(**fields)


def _words(template: str, args: Args, numbers: Numbers | None = None, n: int = 0) -> str:
    """Return a template of the data filled in with the arguments and what came of them."""
    texts = {k: v if isinstance(v, str | int | float) else " and ".join(map(str, v))
             for k, v in args.items() if k in (*FIELDS, "measure", "cut", "family")}  # fmt: skip
    if not isinstance(args.get("models", ""), str):
        texts["models"] = ", ".join(MODELS[m] for m in args["models"])
    if "family" in args:
        texts["family"] = MODELS[args["family"]]
    if args.get("benchmarks", "F1") not in SETS:
        texts["benchmarks"] = benchmark(args["benchmarks"]).label
    if numbers:
        texts |= {"values": numbers.values, "who": ", ".join(numbers.who)}
    return template.format(n=n, **texts)
