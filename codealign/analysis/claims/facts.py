"""Facts of which each has a function of its own; more general ones are patterns (`patterns`).

They are about scores as they stand, about data, sampling, judges and the survey; and lines that the
paper does not have: what survives noise, and whether its tables agree inside. A fact without
`scores` is about the paper's own material: a run cannot answer it (`book.named`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd

from codealign.analysis import sample_size, stats
from codealign.analysis.advice import recommendations
from codealign.analysis.agreement import published_agreement
from codealign.analysis.claims import clarity
from codealign.analysis.claims.matching import (
    BEST,
    DEFINITE,
    EACH,
    Reading,
    absent,
    close,
    half_unit,
    only_means,
    truth,
    widen,
)
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
    percent,
    pick,
    words,
)
from codealign.analysis.scores import benchmark as about
from codealign.analysis.scores import benchmarks, published
from codealign.cell import Cell
from codealign.paths import DATA
from codealign.records import STAGES, VARIANTS

ONLY_PAPER = "about the paper's own material; a table of scores does not hold it"
ALPHA = 1 - stats.CONFIDENCE


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
    board, every = scores.board, "F1-F3 and F4"
    cells = pick(board, Selection(every, EACH, "every base", ("pretrained",)))
    if not len(cells):
        return absent("functional scores of pretrained models")

    def start(name: str) -> np.ndarray:
        """Return for each cell its model's mean base score over some benchmarks."""
        mask = board.rows(SETS[name], ("pretrained",)) & np.isfinite(board.values[:, 0])
        base, model = board.values[mask, 0] / board.scale[mask], board.model[mask]
        means = {m: base[model == m].mean() for m in set(model)}
        return np.array([means.get(m, np.nan) for m in cells.model])

    def improved(base: np.ndarray) -> list[np.ndarray]:
        """Return which of the cells below the cut improve, and which of the others."""
        low = base < cut - EQUAL
        return [cells.change[mask] > 0 for mask in (low, ~low)]

    base = cells.base / cells.scale if level == "cells" else start(every)
    sides = improved(base)
    if all(map(len, sides)):
        shares = [percent(side) for side in sides]
        rule = (
            f"share of cells that improve ({EACH}), {level} with base below {cut:.2f}, then above"
        )
        p_value = clarity.shares(*sides)
        return truth(shares[0] < shares[1], shares, rule, unstated=True, p_value=p_value)
    note = f"least mean base score {base.min():.3f}, greatest {base.max():.3f}"
    rule = f"every {level[:-1]} has a base pass@1 of {'below' if len(sides[0]) else 'at least'} "
    plain = Judgement([float(base.min())], f"{rule}{cut:.2f}", CONTRADICTS, note)
    words = "share of scores that improve, models whose mean base {} is below {:g}, then the others"
    readings = []
    for name in ("HE", "HE+", "F1", "F1-F2", "F1-F3", "F4", "F1 and F4", "HE+ and F4"):
        sides = improved(start(name))
        if all(map(len, sides)):
            shares = [percent(side) for side in sides]
            readings.append(Reading(words.format(name, cut), shares[0] < shares[1], shares))
    return widen(scores, plain, readings, "the scores that a model's base is", DEFINITE)


def significant_everywhere(scores: Scores, model: str, variant: str, stage: str) -> Judgement:
    """Count CODAL dimensions whose change survives Holm's correction (true: all five)."""
    rows, place = scores.changes, [MODELS[model], VARIANT[variant], stage]
    rows = rows[(rows[["model", "variant", "stage"]] == place).all(axis=1)]
    rows = rows[rows["benchmark"].isin(SETS["NF1-NF5"])]
    if rows.empty:
        return absent(f"{MODELS[model]} {VARIANT[variant]}, {stage}, CODAL")
    kept = int(((rows["p_holm"] < ALPHA) & (rows["absolute"] > 0)).sum())
    rule = "dimensions that improve with p < 0.05 after Holm's correction, and all of them"
    outcome = truth(kept == len(rows), [kept, len(rows)], rule)
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
    means = []
    for halves, group in product(HALVES, np.unique(board.group)):
        masks = [(board.group == group) & np.isin(board.benchmark, half) for half in halves]
        both = [(board.values[m] / board.scale[m][:, None]).mean(axis=0) for m in masks if m.any()]
        if len(both) == 2 and np.isfinite(both).all():
            means.append(both)
    scores = np.array(means).reshape(-1, 2, 4)
    fell = scores[:, :, 1] < scores[:, :, 0] - EQUAL
    failed = scores[:, :, 2:].max(axis=2) < scores[:, :, 0] - EQUAL
    return [(fell[:, 0], failed[:, 1]), (fell[:, 1], failed[:, 0])]


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
    both = [~failed[~fell] for fell, failed in _models_after_sft(scores.board)]
    stable = np.concatenate(both)
    if not len(stable):
        return absent("models that did not fall in SFT")
    rule = (
        f"share (%) of models reaching the base ({BEST}) on one half of the benchmarks, "
        f"{len(stable)} times one had not fallen in SFT on the other half"
    )
    p_value = max(clarity.share(half.sum(), len(half)) for half in both if len(half))
    return truth(percent(stable) > 50, [percent(stable)], rule, unstated=True, p_value=p_value)


def sample(n: int, population: int, confidence: float, margin: float) -> Judgement:
    """Check that a sample is large enough for its margin: (needed, margin reached in points)."""
    needed = sample_size.needed(margin, population, confidence)
    reached = 100 * sample_size.margin(n, population, confidence)
    rule = (
        f"Cochran's sample size with finite population correction for {population} problems: "
        f"needed, then the margin that {n} problems reach (points)"
    )
    note = f"needs {needed} of {population}, has {n}: margin ±{reached:.1f}"
    return truth(n >= needed, [needed, reached], rule, note)


def epochs(steps: int, printed: float) -> Judgement:
    """Compute passes over each data set of Table 2 at one pair per step: least and greatest."""
    passes = steps / pd.read_csv(DATA / "dataset_statistics.csv")["samples"]
    near = int(((passes - printed).abs() <= 0.1 * printed).sum())
    rule = "120,000 steps of one pair each / samples of Table 2, least and greatest"
    least = f"{near} of {len(passes)} data sets get {printed:g} epochs within 10 %"
    note = f"{least}; another batch size shifts all alike"
    return truth(near == len(passes), [passes.min(), passes.max()], rule, note)


def study_size(what: list[str]) -> Judgement:
    """Count what the tables hold: models, checkpoints, techniques, benchmarks, tasks, advice."""
    rows, about = published(), benchmarks()
    aliases = {"humaneval_plus": "humaneval", "mbpp_plus": "mbpp"}
    functional = {aliases.get(n, n.split("_")[0]) for n, b in about.items() if b.task[0] == "F"}
    tasks = {b.task for b in about.values() if b.task != "NF"}
    counts = {
        "models": rows["model"].nunique(),
        "checkpoints": len(rows[["model", "variant"]].drop_duplicates()),
        "techniques": len(set(rows["stage"]) - {"base", "sft"}),
        "functional": len(functional),
        "tasks": len(tasks),
        "dimensions": sum(t.startswith("NF") for t in tasks),
        "recommendations": len(recommendations()),
    }
    return Judgement([float(counts[w]) for w in what], f"counted in the tables: {', '.join(what)}")


def problems(names: str, each: bool = False) -> Judgement:
    """Add up (or list) the number of problems of benchmarks whose name starts so."""
    sizes = [b.n for b in benchmarks().values() if b.name.startswith(names) and b.name != "codal"]
    if each:
        return Judgement([float(len(sizes))], f"number of {names} columns in the tables")
    rule = f"problems of the {names} columns added: {' + '.join(str(n) for n in sizes)}"
    return Judgement([float(sum(sizes))], rule)


def _survey(question: str, options: list[str]) -> list[float]:
    """Return the printed shares of a question's options, in percent."""
    rows = pd.read_csv(DATA / "survey_marginals.csv")
    chosen = (rows["question"] == question) & rows["option"].isin(options)
    return [float(share) for share in rows.loc[chosen, "percent"]]


def survey_share(question: str, option: str, respondents: int) -> Judgement:
    """Check that a survey share is a whole count of the respondents."""
    (printed,) = _survey(question, [option])
    count = round(printed / 100 * respondents)
    share, rule = 100 * count / respondents, f"nearest whole count: {count} of {respondents}"
    if not close(share, printed, half_unit(1)):
        note = f"no whole count of {respondents} gives {printed} %"
        return Judgement([share], rule, CONTRADICTS, note)
    note = f"consistent with {count} of {respondents}; the answers themselves are not published"
    return Judgement([share], rule, NOT_DERIVABLE, note)


def survey_majority(question: str, option: str, respondents: int) -> Judgement:
    """Check that more than half chose an option, with the Wilson bounds of its share (percent)."""
    count = round(_survey(question, [option])[0] / 100 * respondents)
    low, high, _ = stats.wilson(count, respondents)
    rule = f"share of {count} of {respondents} with its Wilson bounds (%)"
    shares = [100 * count / respondents, 100 * low, 100 * high]
    return truth(shares[0] > 50, shares, rule, p_value=clarity.share(count, respondents))


def survey_sum(question: str, options: list[str]) -> Judgement:
    """Add the printed shares of a question's options."""
    shares = _survey(question, options)
    return Judgement([sum(shares)], f"sum of the printed shares: {' + '.join(map(str, shares))}")


def kappa_leads(judge: str) -> Judgement:
    """Check that a judge has the highest printed kappa at every tolerance."""
    best = _kappas().idxmax(axis=1)
    leads = int((best == judge).sum())
    rule = f"tolerances at which {judge} has the highest printed kappa, of {len(best)}"
    return truth(leads == len(best), [leads, len(best)], rule)


def _kappas() -> pd.DataFrame:
    """Return the printed kappas: a row for each tolerance, a column for each judge."""
    return published_agreement().pivot(index="tolerance", columns="judge", values="weighted_kappa")


def kappa_gap(scores: Scores, judge: str) -> Judgement:
    """List the judge's lead in kappa at tolerances 3, 2, 1 (true: it widens at each step)."""
    if not scores.paper:
        return Judgement(missing=ONLY_PAPER)
    others = _kappas().drop(columns=judge)
    goals = {"runner-up": others.max(axis=1), "last": others.min(axis=1),
             "mean of the others": others.mean(axis=1), **others}  # fmt: skip
    readings = []
    for name, goal in goals.items():
        gaps = [float(gap) for gap in (_kappas()[judge] - goal).loc[[3, 2, 1]]]
        rule = f"lead of {judge} at tolerance 3, 2, 1 over the {name}"
        readings.append(Reading(rule, gaps[0] < gaps[1] < gaps[2], gaps))
    judged = truth(readings[0].holds, readings[0].values, readings[0].words)
    return widen(scores, judged, readings, "the judge that the gap is measured to", DEFINITE)


def unpublished(why: str, rule: str = "none", printed: float = 0, n: int = 0) -> Judgement:
    """Say why nothing published can give the number, and of which count of `n` it is a percent."""
    whole = f"; a whole count of {n} ({printed * n / 100:g}) is possible" if n else ""
    return Judgement([], rule, NOT_DERIVABLE, why + whole)


def arithmetic(factors: list[float]) -> Judgement:
    """Multiply printed numbers."""
    return Judgement([math.prod(factors)], " x ".join(f"{f:g}" for f in factors))


def survives(
    scores: Scores, direction: str, correction: str, requirement: str, variant: str = ""
) -> Judgement:
    """Count changes of one direction that can be distinguished from noise (true: more than half).

    `correction` is "none", "holm" or "bh". CODAL's average is left out: it repeats the dimensions.
    The paper's tables do not say which problems were solved, so that a paired test is only bounded:
    as few changes as an unpaired test finds, as many as McNemar's would if no problem moved the
    other way.
    """
    rows = scores.changes
    rows = rows[(rows["requirement"] == requirement) & (rows["benchmark"] != "codal")]
    least = rows[{"none": "p_value", "holm": "p_holm", "bh": "p_bh"}[correction]]
    bounded = scores.paper and requirement == "functional"
    most = _best_case(rows, correction) if bounded else least
    counted = rows["absolute"] * (1 if direction == "improvements" else -1) > EQUAL
    counted &= rows["variant"].isin([variant] if variant else VARIANTS)
    if not counted.any():
        return absent(f"{requirement} {direction}")
    few, many, total = (
        int(marks[counted].sum()) for marks in (least < ALPHA, most < ALPHA, counted)
    )
    tests = "; ".join(sorted(set(rows["test"][counted])))
    rule = f"{direction} with p < {ALPHA:.2f} ({tests}; correction: {correction})"
    if not bounded:
        outcome = truth(few > total / 2, [few, total], f"{rule}, and all of them")
        return only_means(outcome) if scores.paper else outcome
    rule += ", with p < 0.05 at best (McNemar, no problem moved the other way), and all of them"
    if few <= total / 2 < many:
        note = "between the two bounds: which problems were solved is not published"
        return Judgement([few, many, total], rule, NOT_DERIVABLE, note)
    return truth(few > total / 2, [few, many, total], rule)


def _best_case(rows: pd.DataFrame, correction: str) -> pd.Series:
    """Return each change's least possible p-value: McNemar's with all moves in one direction."""
    counts = (rows["absolute"].abs() * rows["n"]).round()
    sharp = np.minimum(rows["p_value"], np.minimum(1.0, 2.0 ** (1 - counts)))
    best = rows["p_value"].where(rows["metric"] != "pass@1", sharp)
    method = {"holm": "holm", "bh": "fdr_bh"}.get(correction)
    return pd.Series(stats.adjust(best, method), best.index) if method else best


def _by_model(board: Board, *names: str) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Yield a row of each model and variant that has these benchmarks, and their four scores."""
    for group in np.unique(board.group):
        rows = [np.flatnonzero((board.group == group) & (board.benchmark == n)) for n in names]
        if all(map(len, rows)):
            yield int(rows[0][0]), [board.values[row[0]] for row in rows]


def average_row(scores: Scores) -> Judgement:
    """Count printed CODAL averages that are not the mean of their five dimensions.

    Every number is rounded to two digits, so mean and average may differ by up to 0.01.
    """
    board, off, total = scores.board, [], 0
    for row, (average, *dimensions) in _by_model(board, "codal", *SETS["NF1-NF5"]):
        gap = np.abs(np.mean(dimensions, axis=0) - average)
        total += int(np.isfinite(gap).sum())
        who = f"{board.model[row]} {board.variant[row]}"
        off += [f"{who} {STAGES[j]} by {gap[j]:.3f}" for j in np.flatnonzero(gap > 0.01 + EQUAL)]
    if not total:
        return absent("CODAL with its average")
    rule = "CODAL averages further than 0.01 from the mean of the five dimensions, and all of them"
    return truth(not off, [len(off), total], rule, "; ".join(off))


def plus_is_harder(scores: Scores) -> Judgement:
    """Count scores with extra tests that exceed those without (the extra tests only add)."""
    gaps = [
        plus - plain
        for name in ("humaneval", "mbpp")
        for _, (plain, plus) in _by_model(scores.board, name, f"{name}_plus")
    ]
    known = np.isfinite(gaps)
    if not known.any():
        return absent("HumanEval or MBPP with their plus tests")
    wrong = int((np.array(gaps)[known] > EQUAL).sum())
    rule = "plus scores above the plain ones, and all of them"
    return truth(not wrong, [wrong, int(known.sum())], rule)


def whole_counts(scores: Scores) -> Judgement:
    """Count pass@1 scores that no whole number of solved problems gives.

    With several samples of a problem a score is no count of problems, and is left out. Printed
    scores, whose problems are not known, are of one sample.
    """
    about, wrong, total = benchmarks(), [], 0
    for row in scores.rows.to_dict("records"):
        b, n, value = about.get(row["benchmark"]), row["n"], row["value"]
        if b is None or b.metric != "pass@1" or not n or math.isnan(value):
            continue
        cell = Cell.of(row)
        # Without a seed: a base model, or the one training of a run.
        items = scores.items.get(cell, scores.items.get(cell.at(seed=None), {}))
        if not set(items.values()) <= {0.0, 1.0}:
            continue
        total += 1
        rounding = half_unit(b.decimals) if scores.paper else 1e-6
        if abs(round(value * n) / n - value) > rounding + EQUAL:
            wrong.append(f"{row['model']} {row['variant']} {b.name} {value:g}")
    if not total:
        return absent("pass@1")
    rule = "pass@1 scores that are no whole count of the problems after rounding, and all of them"
    return truth(not wrong, [len(wrong), total], rule, "; ".join(wrong[:5]))


def bold_is_best(scores: Scores) -> Judgement:
    """Count columns of one model whose printed bold marks are not on its highest scores."""
    if not scores.paper or "bold" not in scores.frame:
        return Judgement(missing="bold marks are in the printed tables only")
    groups = scores.frame.groupby(["model", "variant", "benchmark"])
    wrong = [
        " ".join(key) for key, rows in groups
        if ((rows["value"] >= rows["value"].max() - EQUAL) != rows["bold"]).any()
    ]  # fmt: skip
    rule = "columns of a model whose bold marks differ from its highest scores, and all of them"
    return truth(not wrong, [len(wrong), len(groups)], rule, f"for example {'; '.join(wrong[:3])}")
