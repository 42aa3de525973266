"""Statements about data, sampling, judges and the survey, and lines that the paper does not have.

The latter say what survives noise, and whether the paper's tables agree inside. A fact without
`scores` is about the paper's own material: a run cannot answer it (`book.named`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import yaml
from scipy import stats as scipy_stats

from codealign.analysis import sample_size, stats
from codealign.analysis.agreement import published_agreement
from codealign.analysis.claims.model import CONTRADICTS, NOT_DERIVABLE, Judgement
from codealign.analysis.claims.rules import EQUAL, SETS, Board, Scores
from codealign.analysis.claims.truth import DEFINITE, Reading, absent, only_means, truth, widen
from codealign.analysis.scores import benchmarks, published
from codealign.cell import Cell
from codealign.paths import DATA
from codealign.records import STAGES

ONLY_PAPER = "about the paper's own material; a table of scores does not hold it"


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
    note = f"{near} of {len(passes)} data sets get {printed:g} epochs within 10 %; another batch \
size shifts all alike"
    return truth(near == len(passes), [passes.min(), passes.max()], rule, note)


def study_size(what: list[str]) -> Judgement:
    """Count what the tables hold: models, checkpoints, techniques, benchmarks, tasks, advice."""
    rows, about = published(), benchmarks()
    advice = yaml.safe_load((DATA / "recommendations.yaml").read_text(encoding="utf-8"))
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
        "recommendations": sum(len(category["items"]) for category in advice),
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
    (percent,) = _survey(question, [option])
    count = round(percent / 100 * respondents)
    share, rule = 100 * count / respondents, f"nearest whole count: {count} of {respondents}"
    if abs(share - percent) > 0.05 + 1e-9:
        note = f"no whole count of {respondents} gives {percent} %"
        return Judgement([share], rule, CONTRADICTS, note)
    note = f"consistent with {count} of {respondents}; the answers themselves are not published"
    return Judgement([share], rule, NOT_DERIVABLE, note)


def survey_majority(question: str, option: str, respondents: int) -> Judgement:
    """Check that more than half chose an option, with the Wilson bounds of its share (percent)."""
    count = round(_survey(question, [option])[0] / 100 * respondents)
    low, high, _ = stats.wilson(count, respondents)
    rule = f"share of {count} of {respondents} with its Wilson bounds (%)"
    share = 100 * count / respondents
    p_value = float(scipy_stats.binomtest(count, respondents).pvalue)
    return truth(share > 50, [share, 100 * low, 100 * high], rule, p_value=p_value)


def survey_sum(question: str, options: list[str]) -> Judgement:
    """Add the printed shares of a question's options."""
    shares = _survey(question, options)
    return Judgement([sum(shares)], f"sum of the printed shares: {' + '.join(map(str, shares))}")


def kappa_printed(judge: str, tolerance: int, column: str) -> Judgement:
    """Say what section 6.2 prints: ratings are not published, so it cannot be recomputed."""
    rows = published_agreement()
    value = rows[(rows["judge"] == judge) & (rows["tolerance"] == tolerance)][column].iloc[0]
    note = "the 200 annotated ratings are not published"
    if column == "agreement_percent":
        note += f"; a whole count of 200 ({value * 2:g}) is possible"
    return Judgement([], "printed only", NOT_DERIVABLE, note)


def kappa_leads(judge: str) -> Judgement:
    """Check that a judge has the highest printed kappa at every tolerance."""
    wide = published_agreement().pivot(index="tolerance", columns="judge", values="weighted_kappa")
    leads = int((wide.idxmax(axis=1) == judge).sum())
    rule = f"tolerances at which {judge} has the highest printed kappa, of {len(wide)}"
    return truth(leads == len(wide), [leads, len(wide)], rule)


def kappa_gap(scores: Scores, judge: str) -> Judgement:
    """List the judge's lead in kappa at tolerances 3, 2, 1 (true: it widens at each step)."""
    if not scores.paper:
        return Judgement(missing=ONLY_PAPER)
    wide = published_agreement().pivot(index="tolerance", columns="judge", values="weighted_kappa")
    others = wide.drop(columns=judge)
    goals = {
        "runner-up": others.max(axis=1),
        "last": others.min(axis=1),
        "mean of the others": others.mean(axis=1),
        **{name: others[name] for name in others},
    }
    rule = f"lead of {judge} at tolerance 3, 2, 1 over the"
    readings = {}
    for name, goal in goals.items():
        gaps = [float(gap) for gap in (wide[judge] - goal).loc[[3, 2, 1]]]
        readings[name] = Reading(f"{rule} {name}", gaps[0] < gaps[1] < gaps[2], gaps)
    plain, grid = readings["runner-up"], "the judge that the gap is measured to"
    judged = truth(plain.holds, plain.values, plain.words)
    return widen(scores, judged, readings.values(), grid, DEFINITE)


def unpublished(why: str) -> Judgement:
    """Say why nothing published can give the number."""
    return Judgement([], "none", NOT_DERIVABLE, why)


def product(factors: list[float]) -> Judgement:
    """Multiply printed numbers."""
    rule = " x ".join(f"{f:g}" for f in factors)
    return Judgement([math.prod(factors)], rule)


ALPHA = 1 - stats.CONFIDENCE


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
    sign = 1 if direction == "improvements" else -1
    counted = sign * rows["absolute"] > EQUAL
    counted &= (rows["variant"] == variant) if variant else True
    if not counted.any():
        return absent(f"{requirement} {direction}")
    few, many = (int((p[counted] < ALPHA).sum()) for p in (least, most))
    tests = "; ".join(sorted(set(rows["test"][counted])))
    rule = f"{direction} with p < {ALPHA:.2f} ({tests}; correction: {correction})"
    total = int(counted.sum())
    if bounded:
        rule += ", with p < 0.05 at best (McNemar, no problem moved the other way), and all of them"
        return _between(few, many, total, rule)
    outcome = truth(few > total / 2, [few, total], f"{rule}, and all of them")
    return only_means(outcome) if scores.paper else outcome


def _best_case(rows: pd.DataFrame, correction: str) -> pd.Series:
    """Return each change's least possible p-value: McNemar's with all moves in one direction."""
    counts = (rows["absolute"].abs() * rows["n"]).round()
    sharp = np.minimum(rows["p_value"], np.minimum(1.0, 2.0 ** (1 - counts)))
    best = rows["p_value"].where(rows["metric"] != "pass@1", sharp)
    method = {"holm": "holm", "bh": "fdr_bh"}.get(correction)
    return pd.Series(stats.adjust(best, method), best.index) if method else best


def _between(few: int, many: int, total: int, rule: str) -> Judgement:
    if few > total / 2 or many <= total / 2:
        return truth(few > total / 2, [few, many, total], rule)
    note = "between the two bounds: which problems were solved is not published"
    return Judgement([few, many, total], rule, NOT_DERIVABLE, note)


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
    known = np.concatenate([gap[np.isfinite(gap)] for gap in gaps] or [[]])
    if not len(known):
        return absent("HumanEval or MBPP with their plus tests")
    wrong = int((known > EQUAL).sum())
    rule = "plus scores above the plain ones, and all of them"
    return truth(wrong == 0, [wrong, len(known)], rule)


def _solved_or_not(scores: Scores, cell: Cell) -> bool:
    """Return whether each problem is solved or not, as with one sample of each.

    Printed scores, whose problems are not known, are of one sample.
    """
    seedless = cell.at(seed=None)  # a base model, or the one training of a run
    values = scores.items.get(cell, scores.items.get(seedless, {})).values()
    return all(value in (0.0, 1.0) for value in values)


def whole_counts(scores: Scores) -> Judgement:
    """Count pass@1 scores that no whole number of solved problems gives.

    With several samples of a problem a score is no count of problems, and is left out.
    """
    about, wrong, total = benchmarks(), [], 0
    for row in scores.rows.to_dict("records"):
        b = about.get(row["benchmark"])
        if b is None or b.metric != "pass@1" or not row["n"] or math.isnan(row["value"]):
            continue
        if not _solved_or_not(scores, Cell.of(row)):
            continue
        total += 1
        n, value = row["n"], row["value"]
        rounding = 0.5 * 10**-b.decimals if scores.paper else 1e-6
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
    wrong, total = [], 0
    for key, rows in scores.frame.groupby(["model", "variant", "benchmark"]):
        best = rows["value"] >= rows["value"].max() - EQUAL
        total += 1
        if not math.isclose(float((best != rows["bold"]).sum()), 0):
            wrong.append(" ".join(key))
    rule = "columns of a model whose bold marks differ from its highest scores, and all of them"
    return truth(not wrong, [len(wrong), total], rule, f"for example {'; '.join(wrong[:3])}")
