"""Lines that the paper does not have: what survives noise, and whether its tables agree inside."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from codealign.analysis import stats
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import NOT_DERIVABLE, Judgement
from codealign.analysis.claims.rules import EQUAL, SETS
from codealign.analysis.claims.truth import absent, only_means, truth
from codealign.analysis.scores import benchmarks
from codealign.records import STAGES

ALPHA = 1 - stats.CONFIDENCE


def survives(
    context: Context, direction: str, correction: str, requirement: str, variant: str = ""
) -> Judgement:
    """Count changes of one direction that can be told from noise (true: more than half).

    `correction` is "none", "holm" or "bh". CODAL's average is left out: it repeats the dimensions.
    The paper's tables do not say which problems were solved, so that a paired test is only bounded:
    as few changes as an unpaired test finds, as many as McNemar's would if no problem moved the
    other way.
    """
    rows = context.changes
    rows = rows[(rows["requirement"] == requirement) & (rows["benchmark"] != "codal")]
    least = rows[{"none": "p_value", "holm": "p_holm", "bh": "p_bh"}[correction]]
    bounded = context.paper and requirement == "functional"
    most = _best_case(rows, correction) if bounded else least
    sign = 1 if direction == "improvements" else -1
    mine = sign * rows["absolute"] > EQUAL
    mine &= (rows["variant"] == variant) if variant else True
    if not mine.any():
        return absent(f"{requirement} {direction}")
    few, many = (int((p[mine] < ALPHA).sum()) for p in (least, most))
    tests = " or ".join(sorted({t.split(",")[0] for t in rows["test"][mine]}))
    rule = f"{direction} with p < {ALPHA:.2f} ({tests}; correction: {correction})"
    total = int(mine.sum())
    if bounded:
        rule += ", with p < 0.05 at best (McNemar, no problem moved the other way), and all of them"
        return _between(few, many, total, rule)
    outcome = truth(few > total / 2, [few, total], f"{rule}, and all of them")
    return only_means(outcome) if context.paper else outcome


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


def average_row(context: Context) -> Judgement:
    """Count printed CODAL averages that are not the mean of their five dimensions.

    Every number is rounded to two digits, so mean and average may differ by up to 0.01.
    """
    board = context.board
    sums: dict[tuple[str, str], np.ndarray] = {}
    for i in np.flatnonzero(np.isin(board.benchmark, SETS["NF1-NF5"])):
        key = (board.model[i], board.variant[i])
        sums[key] = sums.get(key, 0) + board.values[i] / 5
    off, total = [], 0
    for i in np.flatnonzero(board.benchmark == "codal"):
        gap = np.abs(sums.get((board.model[i], board.variant[i]), np.nan) - board.values[i])
        total += int(np.isfinite(gap).sum())
        who = f"{board.model[i]} {board.variant[i]}"
        off += [f"{who} {STAGES[j]} by {gap[j]:.3f}" for j in np.flatnonzero(gap > 0.01 + EQUAL)]
    if not total:
        return absent("CODAL with its average")
    rule = "CODAL averages further than 0.01 from the mean of the five dimensions, and all of them"
    return truth(not off, [len(off), total], rule, "; ".join(off))


def whole_counts(context: Context) -> Judgement:
    """Count pass@1 scores that no whole number of solved problems gives."""
    about, wrong, total = benchmarks(), [], 0
    for row in context.rows.to_dict("records"):
        b = about.get(row["benchmark"])
        if b is None or b.metric != "pass@1" or not row["n"] or math.isnan(row["value"]):
            continue
        if str(row["interval"]).startswith("bootstrap"):  # several samples a problem
            continue
        total += 1
        n, value = row["n"], row["value"]
        rounding = 0.5 * 10**-b.decimals if context.paper else 1e-6
        if abs(round(value * n) / n - value) > rounding + EQUAL:
            wrong.append(f"{row['model']} {row['variant']} {b.name} {value:g}")
    if not total:
        return absent("pass@1")
    rule = "pass@1 scores that are no whole count of the problems after rounding, and all of them"
    return truth(not wrong, [len(wrong), total], rule, "; ".join(wrong[:5]))


def plus_is_harder(context: Context) -> Judgement:
    """Count scores with extra tests that exceed those without (the extra tests only add)."""
    board, wrong, total = context.board, 0, 0
    for plain in ("humaneval", "mbpp"):
        rows = {
            name: {(board.model[i], board.variant[i]): board.values[i]
                   for i in np.flatnonzero(board.benchmark == name)}
            for name in (plain, f"{plain}_plus")
        }  # fmt: skip
        for key in rows[plain].keys() & rows[f"{plain}_plus"].keys():
            gap = rows[f"{plain}_plus"][key] - rows[plain][key]
            wrong, total = wrong + int((gap > EQUAL).sum()), total + int(np.isfinite(gap).sum())
    if not total:
        return absent("HumanEval or MBPP with their plus tests")
    return truth(wrong == 0, [wrong, total], "plus scores above the plain ones, and all of them")


def bold_is_best(context: Context) -> Judgement:
    """Count columns of one model whose printed bold marks are not on its highest scores."""
    if not context.paper or "bold" not in context.frame:
        return Judgement(missing="bold marks are in the printed tables only")
    wrong, total = [], 0
    for key, rows in context.frame.groupby(["model", "variant", "benchmark"]):
        best = rows["value"] >= rows["value"].max() - EQUAL
        total += 1
        if not math.isclose(float((best != rows["bold"]).sum()), 0):
            wrong.append(" ".join(key))
    rule = "columns of a model whose bold marks differ from its highest scores, and all of them"
    return truth(not wrong, [len(wrong), total], rule, f"for example {'; '.join(wrong[:3])}")
