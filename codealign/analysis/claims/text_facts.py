"""Statements about data, sampling, judges and the survey: what can be checked without scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import pandas as pd
import yaml
from scipy import stats as scipy_stats

from codealign.analysis import sample_size, stats
from codealign.analysis.agreement import published_agreement
from codealign.analysis.claims import readings
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import CONTRADICTS, NOT_DERIVABLE, Judgement
from codealign.analysis.claims.truth import truth
from codealign.analysis.scores import benchmarks, published
from codealign.paths import DATA

ONLY_PAPER = "about the paper's own material; a table of scores does not hold it"


def _of_the_paper(function: Callable[..., Judgement]) -> Callable[..., Judgement]:
    """Let a run say nothing of what it cannot hold."""

    @wraps(function)
    def answered(context: Context, **args: Any) -> Judgement:
        return function(context, **args) if context.paper else Judgement(missing=ONLY_PAPER)

    return answered


@_of_the_paper
def sample(
    context: Context, n: int, population: int, confidence: float, margin: float
) -> Judgement:
    """Check that a sample is large enough for its margin: (needed, margin reached in points)."""
    needed = sample_size.needed(margin, population, confidence)
    reached = 100 * sample_size.margin(n, population, confidence)
    rule = (
        f"Cochran's sample size with finite population correction for {population} problems: "
        f"needed, then the margin that {n} problems reach (points)"
    )
    note = f"needs {needed} of {population}, has {n}: margin ±{reached:.1f}"
    return truth(n >= needed, [needed, reached], rule, note)


@_of_the_paper
def epochs(context: Context, steps: int, printed: float) -> Judgement:
    """Compute passes over each data set of Table 2 at one pair a step: least and greatest."""
    passes = steps / pd.read_csv(DATA / "dataset_statistics.csv")["samples"]
    near = int(((passes - printed).abs() <= 0.1 * printed).sum())
    rule = "120,000 steps of one pair each / samples of Table 2, least and greatest"
    note = f"{near} of {len(passes)} data sets get {printed:g} epochs within 10 %; another batch \
size shifts all alike"
    return truth(near == len(passes), [passes.min(), passes.max()], rule, note)


@_of_the_paper
def study_size(context: Context, what: list[str]) -> Judgement:
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


@_of_the_paper
def problems(context: Context, names: str, each: bool = False) -> Judgement:
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


@_of_the_paper
def survey_share(context: Context, question: str, option: str, respondents: int) -> Judgement:
    """Check that a survey share is a whole count of the respondents."""
    (percent,) = _survey(question, [option])
    count = round(percent / 100 * respondents)
    share, rule = 100 * count / respondents, f"nearest whole count: {count} of {respondents}"
    if abs(share - percent) > 0.05 + 1e-9:
        note = f"no whole count of {respondents} gives {percent} %"
        return Judgement([share], rule, CONTRADICTS, note)
    note = f"consistent with {count} of {respondents}; the answers themselves are not published"
    return Judgement([share], rule, NOT_DERIVABLE, note)


@_of_the_paper
def survey_majority(context: Context, question: str, option: str, respondents: int) -> Judgement:
    """Check that more than half chose an option, with the Wilson bounds of its share (percent)."""
    count = round(_survey(question, [option])[0] / 100 * respondents)
    low, high, _ = stats.wilson(count, respondents)
    rule = f"share of {count} of {respondents} with its Wilson bounds (%)"
    share = 100 * count / respondents
    p_value = float(scipy_stats.binomtest(count, respondents).pvalue)
    return truth(share > 50, [share, 100 * low, 100 * high], rule, p_value=p_value)


@_of_the_paper
def survey_sum(context: Context, question: str, options: list[str]) -> Judgement:
    """Add the printed shares of a question's options."""
    shares = _survey(question, options)
    return Judgement([sum(shares)], f"sum of the printed shares: {' + '.join(map(str, shares))}")


@_of_the_paper
def kappa_printed(context: Context, judge: str, tolerance: int, column: str) -> Judgement:
    """Say what section 6.2 prints: ratings are not published, so it cannot be recomputed."""
    rows = published_agreement()
    value = rows[(rows["judge"] == judge) & (rows["tolerance"] == tolerance)][column].iloc[0]
    note = "the 200 annotated ratings are not published"
    if column == "agreement_percent":
        note += f"; a whole count of 200 ({value * 2:g}) is possible"
    return Judgement([], "printed only", NOT_DERIVABLE, note)


@_of_the_paper
def kappa_leads(context: Context, judge: str) -> Judgement:
    """Check that a judge has the highest printed kappa at every tolerance."""
    wide = published_agreement().pivot(index="tolerance", columns="judge", values="weighted_kappa")
    leads = int((wide.idxmax(axis=1) == judge).sum())
    rule = f"tolerances at which {judge} has the highest printed kappa, of {len(wide)}"
    return truth(leads == len(wide), [leads, len(wide)], rule)


@_of_the_paper
def kappa_gap(context: Context, judge: str, against: str = "runner-up") -> Judgement:
    """List the judge's lead in kappa at tolerances 3, 2, 1 (true: it widens at each step)."""
    wide = published_agreement().pivot(index="tolerance", columns="judge", values="weighted_kappa")
    others = wide.drop(columns=judge)
    goals = {
        "runner-up": others.max(axis=1),
        "last": others.min(axis=1),
        "mean of the others": others.mean(axis=1),
        **{name: others[name] for name in others},
    }
    gaps = {name: tuple((wide[judge] - goal).loc[[3, 2, 1]]) for name, goal in goals.items()}
    rule = f"lead of {judge} at tolerance 3, 2, 1 over the"
    tried = [(f"{rule} {name}", g[0] < g[1] < g[2], g) for name, g in gaps.items()]
    words, holds, values = next(t for t in tried if t[0].endswith(against))
    plain = truth(holds, list(values), words)
    grid = "the judge that the gap is measured to"
    return readings.widen(context, plain, tried, grid, readings.DEFINITE)


@_of_the_paper
def unpublished(context: Context, why: str) -> Judgement:
    """Say why nothing published can give the number."""
    return Judgement([], "none", NOT_DERIVABLE, why)


@_of_the_paper
def product(context: Context, factors: list[float]) -> Judgement:
    """Multiply printed numbers."""
    rule = " x ".join(f"{f:g}" for f in factors)
    return Judgement([math.prod(factors)], rule)
