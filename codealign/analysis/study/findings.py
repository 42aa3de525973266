"""A run's findings beside the paper's observations O1 to O20, one by one, by rule.

An observation gets a number whose sign the paper gives (`contrasts`). The run has the same sign or
the opposite one if the 95 % interval over its seeds lies on one side of 0, and cannot tell if the
interval holds 0 or there is one seed alone. What compares several models cannot be asked of a run
with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import yaml

from codealign.analysis.claims import Claim, by_verdict
from codealign.analysis.study import contrasts
from codealign.analysis.study.contrasts import Contrast
from codealign.analysis.study.effects import Study, own, spread
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


def findings(study: Study, claims: Sequence[Claim] = ()) -> list[Finding]:
    """Return O1 to O20 for each model of the run, in the order of the paper.

    Parameters
    ----------
    claims : the ledger of the run, for its verdicts on the same observations.
    """
    observations = yaml.safe_load((DATA / "observations.yaml").read_text(encoding="utf-8"))
    parts = study.parts[own(study.parts)]
    return [
        _finding(entry, model, parts[parts["model"] == model], claims)
        for model in dict.fromkeys(parts["model"])
        for entry in observations
    ]


def _finding(
    entry: dict[str, str], model: str, parts: pd.DataFrame, claims: Sequence[Claim]
) -> Finding:
    rule: Contrast | None = getattr(contrasts, entry["rule"]) if "rule" in entry else None
    numbers = spread(list(rule(parts).values()) if rule else [])
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


def _verdict(numbers: dict[str, float], entry: dict[str, str]) -> tuple[str, str]:
    if "rule" not in entry:
        return NOT_MEASURED, ""
    caution = entry.get("caution", "")
    if not numbers["seeds"]:
        return NOT_MEASURED, "the run has no scores for it"
    if numbers["seeds"] < 2:
        return CANNOT_TELL, "one seed has no spread"
    if numbers["low"] <= 0 <= numbers["high"]:
        return CANNOT_TELL, caution
    agrees = numbers["low"] > 0 or entry.get("sign") == "either"
    return (SAME if agrees else OPPOSITE), caution


def findings_frame(found: Sequence[Finding]) -> pd.DataFrame:
    """Return the findings as a frame, one column a field."""
    return pd.DataFrame([vars(f) for f in found], columns=list(Finding.__annotations__))
