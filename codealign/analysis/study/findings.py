"""A run's findings beside the paper's observations O1 to O20, one by one, by rule.

An observation gets a number whose sign the paper gives (`contrasts`). The run has the same sign or
the opposite one if the 95 % interval lies on one side of 0, and cannot tell if the interval holds 0
or there is one seed alone. The interval holds both what seeds change (their spread) and which
problems were asked (`problems`). What compares several models cannot be asked of a run with one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import yaml
from scipy.stats import t

from codealign.analysis.changes import Items
from codealign.analysis.claims import Claim, by_verdict
from codealign.analysis.stats import CONFIDENCE
from codealign.analysis.study import contrasts
from codealign.analysis.study.contrasts import Contrast
from codealign.analysis.study.effects import Study, own, spread
from codealign.analysis.study.problems import GROUPS, left_out, problem_error
from codealign.paths import DATA

SAME, OPPOSITE, CANNOT_TELL = "same sign", "opposite sign", "cannot tell"
NOT_MEASURED = "not measured"
VERDICTS = (SAME, OPPOSITE, CANNOT_TELL, NOT_MEASURED)


@dataclass(frozen=True)
class Finding:
    """One observation and what one model of the run says of it.

    `mean`, `low` and `high` are of the number in `unit` over `seeds`; NaN where there is none.
    `ledger` counts the verdicts of the claims ledger on the observation's statements.
    """

    id: str
    says: str
    measured: str
    unit: str
    model: str
    mean: float
    low: float
    high: float
    seeds: int
    verdict: str
    note: str
    ledger: str = ""


def findings(
    study: Study, claims: Sequence[Claim] = (), items: Items | None = None
) -> list[Finding]:
    """Return O1 to O20 for each model of the run, in the order of the paper.

    Parameters
    ----------
    claims : the ledger of the run, for its verdicts on the same observations.
    items : per-problem values (means over seeds), for the part of the error that the choice of
        problems has; without them an interval holds the spread over seeds alone.
    """
    observations = yaml.safe_load((DATA / "observations.yaml").read_text(encoding="utf-8"))
    parts = study.parts[own(study.parts)]
    found = []
    for model in dict.fromkeys(parts["model"]):
        mine = parts[parts["model"] == model]
        without = left_out(items, model) if items and len(study.seeds) > 1 else []
        found += [_finding(entry, model, mine, without, claims) for entry in observations]
    return found


def _finding(
    entry: dict[str, str],
    model: str,
    parts: pd.DataFrame,
    without: list[pd.DataFrame],
    claims: Sequence[Claim],
) -> Finding:
    rule: Contrast | None = getattr(contrasts, entry["rule"]) if "rule" in entry else None
    numbers = spread(list(rule(parts).values()) if rule else [])
    if rule and without and numbers["seeds"] > 1:
        numbers = _widened(numbers, problem_error(rule, without))
    verdict, note = _verdict(numbers, entry)
    counted = by_verdict([c for c in claims if c.place == entry["id"]])
    return Finding(
        entry["id"],
        entry["says"],
        entry["measured"],
        entry.get("unit", ""),
        model,
        numbers["mean"],
        numbers["low"],
        numbers["high"],
        int(numbers["seeds"]),
        verdict,
        note,
        ", ".join(f"{n} {name}" for name, n in counted.items()),
    )


def _widened(numbers: dict[str, float], error: float) -> dict[str, float]:
    """Return the numbers with bounds that hold the spread over seeds and the problems' error.

    The two are independent; degrees of freedom by Welch and Satterthwaite. Without an error of the
    problems there are no bounds.
    """
    seeds, count = numbers["sd"] ** 2 / numbers["seeds"], numbers["seeds"]
    variance = seeds + error**2
    if variance == 0 or math.isnan(variance):
        bounds = {} if variance == 0 else {"low": math.nan, "high": math.nan}
        return {**numbers, **bounds}
    freedom = variance**2 / (seeds**2 / (count - 1) + error**4 / (GROUPS - 1))
    half = float(t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(variance)
    return {**numbers, "low": numbers["mean"] - half, "high": numbers["mean"] + half}


def _verdict(numbers: dict[str, float], entry: dict[str, str]) -> tuple[str, str]:
    if "rule" not in entry:
        return NOT_MEASURED, ""
    caution = entry.get("caution", "")
    if not numbers["seeds"]:
        return NOT_MEASURED, "the run has no scores for it"
    if numbers["seeds"] < 2:
        return CANNOT_TELL, "one seed has no spread"
    if math.isnan(numbers["low"]):
        return CANNOT_TELL, "too few problems for an interval"
    if numbers["low"] <= 0 <= numbers["high"]:
        return CANNOT_TELL, caution
    agrees = numbers["low"] > 0 or entry.get("sign") == "either"
    return (SAME if agrees else OPPOSITE), caution


def findings_frame(found: Sequence[Finding]) -> pd.DataFrame:
    """Return the findings as a frame, one column a field."""
    return pd.DataFrame([vars(f) for f in found], columns=list(Finding.__annotations__))
