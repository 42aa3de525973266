"""Statements about scores as they stand: ranges, ranks, thresholds, one variant against another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np

from codealign.analysis import stats
from codealign.analysis.claims import clarity
from codealign.analysis.claims.matching import half_unit
from codealign.analysis.claims.model import CONTRADICTS, NOT_DERIVABLE, Judgement
from codealign.analysis.claims.rules import (
    EQUAL,
    LABELS,
    MODELS,
    SETS,
    VARIANT,
    Board,
    Scores,
    Selection,
    cell,
    pick,
    words,
)
from codealign.analysis.claims.truth import (
    BEST,
    DEFINITE,
    EACH,
    Reading,
    absent,
    only_means,
    percent,
    truth,
    widen,
)
from codealign.analysis.scores import benchmark as about
from codealign.records import STAGES, VARIANTS

HALF = 0.005
"""Half a unit of the last digit of a printed rating."""


def below_scale(scores: Scores, minimum: float) -> Judgement:
    """Count CODAL dimension scores below the least rating that the judge can give."""
    values = scores.board.values[np.isin(scores.board.benchmark, SETS["NF1-NF5"])]
    values = values[np.isfinite(values)]
    if not len(values):
        return absent("CODAL")
    below = int((values < minimum - EQUAL).sum())
    rule = (
        f"number of mean ratings below {minimum:g}, of {len(values)} (a mean of ratings of at "
        f"least {minimum:g} cannot be lower)"
    )
    note = f"{below} means lie below it: from zeros, unrated answers or ratings of 0"
    return truth(not below, [below, len(values)], rule, note if below else "")


def value_range(
    scores: Scores,
    model: str,
    variant: str,
    benchmarks: str,
    stages: list[str],
    printed: list[float],
) -> Judgement:
    """Return the least and greatest score of one model over benchmarks and stages.

    Where a range of several stages is not as printed, every choice of fewer stages is tried.
    """
    model, variant = MODELS[model], VARIANT[variant]
    values = scores.board.values[scores.board.rows(SETS[benchmarks], (variant,), (model,))]

    def read(names: Sequence[str], text: str) -> Reading:
        """Return the range over some stages, and whether it is as printed."""
        among = values[:, [STAGES.index(name) for name in names]]
        ends = [float(np.nanmin(among)), float(np.nanmax(among))]
        holds = max(abs(e - p) for e, p in zip(ends, printed, strict=True)) <= HALF + EQUAL
        where = ", ".join(LABELS[name] for name in names)
        return Reading(f"least and greatest of {benchmarks}, {text} {where}", holds, ends)

    known = [s for s in STAGES if np.isfinite(values[:, STAGES.index(s)]).any()]
    if not set(stages) & set(known):
        return absent(f"{model} {variant}, {benchmarks}")
    plain = read(stages, "stages")
    if not scores.paper:
        return Judgement(plain.values, plain.words)
    trained = [s for s in known if s != "base"]
    sets = [chosen for size in (1, 2, 3) for chosen in combinations(trained, size)]
    others, grid = (read(chosen, "only") for chosen in sets), "which stages the range covers"
    judged = truth(plain.holds, plain.values, plain.words)
    return widen(scores, judged, others, grid, DEFINITE)


def highest(scores: Scores, benchmark: str, printed: float) -> Judgement:
    """Return the highest score of a benchmark and say whose it is (true: the printed one).

    Where it is another, the highest among the models of each stage or variant is tried.
    """
    if not np.isfinite(scores.board.values[scores.board.benchmark == benchmark]).any():
        return absent(benchmark)
    plain, *others = _highest_among(scores.board, benchmark, printed)
    if not scores.paper:
        return Judgement(list(plain.values), plain.words)
    judged = truth(plain.holds, plain.values, plain.words)
    return widen(scores, judged, others, "among which models", DEFINITE)


def _highest_among(board: Board, benchmark: str, printed: float) -> Iterator[Reading]:
    rows, half = np.flatnonzero(board.benchmark == benchmark), half_unit(about(benchmark).decimals)
    groups = [("all", rows, range(4))]
    groups += [(f"{LABELS[s]} models", rows, [i]) for i, s in enumerate(STAGES) if i]
    groups += [(f"{v} models", rows[board.variant[rows] == v], range(4)) for v in VARIANTS]
    for among, chosen, stages in groups:
        values = board.values[chosen][:, stages]
        if np.isfinite(values).any():
            best, who = _greatest(board, chosen, values, stages)
            rule = f"highest {about(benchmark).label} among {among}: {who}"
            yield Reading(rule, abs(best - printed) <= half + EQUAL, (best,))


def _greatest(
    board: Board, rows: np.ndarray, values: np.ndarray, stages: Sequence[int]
) -> tuple[float, str]:
    """Return the greatest of values [rows, stages], and whose it is in words."""
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    who = f"{board.model[rows[row]]} {board.variant[rows[row]]}, {LABELS[STAGES[stages[column]]]}"
    return float(values[row, column]), who


def largest_gain(scores: Scores, benchmark: str) -> Judgement:
    """Return the largest absolute change of a preference stage, and say whose it is."""
    board = scores.board
    rows = np.flatnonzero(board.benchmark == benchmark)
    gain = board.values[rows][:, 2:] - board.values[rows][:, [0]]
    if not np.isfinite(gain).any():
        return absent(benchmark)
    largest, who = _greatest(board, rows, gain, (2, 3))
    return Judgement([largest], f"largest absolute change of {about(benchmark).label}: {who}")


def best_stage(scores: Scores, pairs: dict[str, str], variant: str, benchmark: str) -> Judgement:
    """Check which stage is the best for each model (true: all as said)."""
    best = {}
    for short in pairs:
        mask = scores.board.rows((benchmark,), (VARIANT[variant],), (MODELS[short],))
        if not np.isfinite(scores.board.values[mask]).any():
            return absent(MODELS[short])
        best[short] = STAGES[int(np.nanargmax(scores.board.values[mask][0]))]
    stages = ", ".join(f"{MODELS[m]} {LABELS[s]}" for m, s in best.items())
    rule = f"stage with the highest {about(benchmark).label}, {VARIANT[variant]}: {stages}"
    wrong = [MODELS[m] for m in pairs if best[m] != pairs[m]]
    note = f"differs: {', '.join(wrong)}" if wrong else ""
    return truth(not wrong, [len(pairs) - len(wrong), len(pairs)], rule, note)


def base_tests(scores: Scores, cells: list[str], printed: list[float]) -> Judgement:
    """Say that the text quotes another column, and whether the printed one moves alike."""
    quoted = [cell(text) for text in cells]
    values = [scores.board.value(c) for c in quoted]
    if any(map(math.isnan, values)):
        return absent("; ".join(map(words, quoted)))
    n = about(quoted[0].benchmark).n
    counts = [round(p * n) for p in printed]
    whole = all(abs(c / n - p) <= 0.0005 for c, p in zip(counts, printed, strict=True))
    alike = (values[1] < values[0]) == (printed[1] < printed[0])
    note = (
        f"Table 5 prints the plus tests only; the quoted numbers are {'' if whole else 'not '}"
        f"whole counts of {n} ({counts[0]}, {counts[1]}), and the plus column moves "
        f"{'alike' if alike else 'apart'}"
    )
    rule = "the plus column of the same category, which cannot hold the quoted numbers"
    return Judgement(values, rule, NOT_DERIVABLE, note, agrees=None if scores.paper else alike)


def threshold(scores: Scores, cut: float, level: str) -> Judgement:
    """Compare the share that improves below and above a base pass@1.

    `level` "cells" splits single scores, "models" splits models by their mean base score over the
    functional benchmarks (O2 says "on average").
    """
    cells = pick(scores.board, Selection("F1-F3 and F4", EACH, "every base", ("pretrained",)))
    if not len(cells):
        return absent("functional scores of pretrained models")
    base = cells.base / cells.scale
    if level == "models":
        base = np.array([base[cells.model == m].mean() for m in cells.model])
    better = [cells.change[mask] > 0 for mask in (base < cut - EQUAL, base >= cut - EQUAL)]
    if all(map(len, better)):
        shares = [percent(b) for b in better]
        rule = f"share of cells that improve ({EACH}), {level} with base below {cut:.2f}"
        holds, p_value = shares[0] < shares[1], clarity.shares(*better)
        return truth(holds, shares, f"{rule}, then above", unstated=True, p_value=p_value)
    rule = f"every {level[:-1]} has a base pass@1 of {'at least' if len(better[1]) else 'below'} "
    note = f"least mean base score {base.min():.3f}, greatest {base.max():.3f}"
    plain = Judgement([float(base.min())], f"{rule}{cut:.2f}", CONTRADICTS, note)
    others, grid = _thresholds(scores.board, cut), "the scores that a model's base is"
    return widen(scores, plain, others, grid, DEFINITE)


def _thresholds(board: Board, cut: float) -> Iterator[Reading]:
    """Yield readings by the scores whose mean is a model's base score."""
    cells = pick(board, Selection("F1-F3 and F4", EACH, "every base", ("pretrained",)))
    for name in ("HE", "HE+", "F1", "F1-F2", "F1-F3", "F4", "F1 and F4", "HE+ and F4"):
        mask = board.rows(SETS[name], ("pretrained",))
        base = board.values[mask, 0] / board.scale[mask]
        means = {m: base[board.model[mask] == m].mean() for m in set(board.model[mask])}
        low = np.array([means.get(m, np.nan) < cut - EQUAL for m in cells.model])
        if low.any() and not low.all():
            shares = [percent(cells.change[m] > 0) for m in (low, ~low)]
            rule = f"share of scores that improve, models whose mean base {name} is below {cut:g}"
            yield Reading(f"{rule}, then the others", shares[0] < shares[1], shares)


def _paired_variants(board: Board, sets: str, stage: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return scaled scores (pretrained, finetuned) of the same model and benchmark, at a stage
    (None: the better of DPO and BoNBoN)."""
    known: dict[str, dict[tuple[str, str], float]] = {v: {} for v in VARIANTS}
    for i in np.flatnonzero(np.isin(board.benchmark, SETS[sets])):
        value = board.values[i, 2:].max() if stage is None else board.values[i, stage]
        if np.isfinite(value):
            known[board.variant[i]][board.model[i], board.benchmark[i]] = value / board.scale[i]
    shared = sorted(known["pretrained"].keys() & known["finetuned"].keys())
    return tuple(np.array([known[v][k] for k in shared]) for v in VARIANTS)


def share_lower(scores: Scores, benchmarks: str) -> Judgement:
    """Share of base scores that are lower pretrained than finetuned (more than half: true)."""
    before, after = _paired_variants(scores.board, benchmarks, 0)
    if not len(before):
        return absent("both variants' base scores")
    lower, higher = before < after - EQUAL, before > after + EQUAL
    rule = f"share of {len(before)} base scores that are lower for the pretrained variant"
    p_value = clarity.lead(int(lower.sum()), int(higher.sum()))
    return truth(lower.mean() > 0.5, [percent(lower), len(before)], rule, p_value=p_value)


def still_inferior(scores: Scores, benchmarks: str) -> Judgement:
    """Count aligned pretrained scores (best) that exceed the finetuned variant's base score."""
    aligned, _ = _paired_variants(scores.board, benchmarks, None)
    _, base = _paired_variants(scores.board, benchmarks, 0)
    if not len(base) or len(aligned) != len(base):
        return absent("both variants with base and aligned scores")
    above = int((aligned > base + EQUAL).sum())
    of = f"of {len(base)} (not tested)"
    rule = f"scores whose {BEST} (pretrained) exceeds the finetuned base, {of}"
    plain = truth(above == 0, [above, len(base)], rule, f"{above} exceptions" if above else "")
    others = _inferior(scores.board, benchmarks)
    return widen(scores, plain, others, "each model's mean or overall x against what")


def _inferior(board: Board, benchmarks: str) -> Iterator[Reading]:
    """Yield readings of "aligned pretrained models are inferior": by model or overall, to what."""
    mask = np.isin(board.benchmark, SETS[benchmarks])
    scaled = board.values / board.scale[:, None]
    units = {"model means": tuple(sorted(set(board.model))), "overall mean": ("",)}
    for unit, against in product(units, ("finetuned base", "finetuned aligned")):
        pairs = []
        for model in units[unit]:
            rows = mask & (board.model == model) if model else mask
            pre, fine = (scaled[rows & (board.variant == v)] for v in VARIANTS)
            goal = fine[:, 0] if against == "finetuned base" else fine[:, 2:].max(axis=1)
            pairs.append((100 * pre[:, 2:].max(axis=1).mean(), 100 * goal.mean()))
        above = sum(a > b + EQUAL for a, b in pairs)
        rule = f"{unit} above the {against}, and all of them"
        yield Reading(rule, above == 0, (above, len(pairs)))


def gap_narrows(scores: Scores, benchmarks: str) -> Judgement:
    """Compare the mean gap between the variants before and after alignment (true: smaller)."""
    gaps = [after - before for before, after in
            (_paired_variants(scores.board, benchmarks, s) for s in (0, None))]  # fmt: skip
    if not len(gaps[0]) or len(gaps[0]) != len(gaps[1]):
        return absent("both variants with base and aligned scores")
    rule = f"mean of finetuned - pretrained in % of the scale: base, then {BEST} of each"
    means = [100 * float(g.mean()) for g in gaps]
    return truth(means[1] < means[0], means, rule, p_value=clarity.mean(gaps[1] - gaps[0]))


def significant_everywhere(scores: Scores, model: str, variant: str, stage: str) -> Judgement:
    """Count CODAL dimensions whose change survives Holm's correction (true: all five)."""
    rows = scores.changes
    place = [MODELS[model], VARIANT[variant], stage]
    dimensions = rows[
        (rows[["model", "variant", "stage"]] == place).all(axis=1)
        & rows["benchmark"].isin(SETS["NF1-NF5"])
    ]
    if not len(dimensions):
        return absent(f"{MODELS[model]} {VARIANT[variant]}, {stage}, CODAL")
    kept = int(((dimensions["p_holm"] < 1 - stats.CONFIDENCE) & (dimensions["absolute"] > 0)).sum())
    rule = "dimensions that improve with p < 0.05 after Holm's correction, and all of them"
    outcome = truth(kept == len(dimensions), [kept, len(dimensions)], rule)
    return only_means(outcome) if scores.paper else outcome


HALVES = (
    (SETS["F1-F3"], SETS["F4"]),
    (SETS["NF1"] + SETS["NF3"] + SETS["NF5"], SETS["NF2"] + SETS["NF4"]),
)
"""Benchmarks of each requirement in two halves that share no problem's base answer."""


def _models_after_sft(board: Board) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (fell in SFT on one half, best final mean below the base on the other), both ways.

    One entry per model, variant and requirement (each is a training run of its own). "Fell" and
    "ended below" both hold the base's error; measured on different problems they do not share it.
    """
    both = []
    for first, second in ((0, 1), (1, 0)):
        fell, failed = [], []
        for halves, group in product(HALVES, np.unique(board.group)):
            masks = [(board.group == group) & np.isin(board.benchmark, h) for h in halves]
            means = [(board.values[m] / board.scale[m][:, None]).mean(axis=0) for m in masks
                     if m.any()]  # fmt: skip
            if len(means) == 2 and np.isfinite(means).all():
                one, other = means[first], means[second]
                fell.append(one[1] < one[0] - EQUAL)
                failed.append(other[2:].max() < other[0] - EQUAL)
        both.append((np.array(fell, dtype=bool), np.array(failed, dtype=bool)))
    return both


def sft_predicts(scores: Scores) -> Judgement:
    """Compare shares of models that end below the base: fell in SFT, or not (true: more often)."""
    both = _models_after_sft(scores.board)
    fell, failed = (np.concatenate(part) for part in zip(*both, strict=True))
    if not fell.any() or fell.all():
        return absent("models that fell in SFT and models that did not, with DPO and BoNBoN")
    shares = [percent(failed[m]) for m in (fell, ~fell)]
    rule = (
        f"share (%) of models ending below the base ({BEST}) on one half of the benchmarks: "
        f"{fell.sum()} times one fell in SFT on the other half, {(~fell).sum()} times not"
    )
    p_value = max(clarity.association(*b) for b in both)
    return truth(shares[0] > shares[1], shares, rule, unstated=True, p_value=p_value)


def stable_succeeds(scores: Scores) -> Judgement:
    """Share of models not fallen in SFT that end at the base or above (true: most)."""
    both = _models_after_sft(scores.board)
    fell, failed = (np.concatenate(part) for part in zip(*both, strict=True))
    if fell.all():
        return absent("models that did not fall in SFT")
    share = percent(~failed[~fell])
    rule = (
        f"share (%) of models reaching the base ({BEST}) on one half of the benchmarks, "
        f"{(~fell).sum()} times one had not fallen in SFT on the other half"
    )
    p_value = max(clarity.share(~b[1][~b[0]], 0.5) for b in both if (~b[0]).any())
    return truth(share > 50, [share], rule, unstated=True, p_value=p_value)
