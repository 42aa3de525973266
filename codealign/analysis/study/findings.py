"""A run's findings beside the paper's observations O1 to O20, one by one, by rule.

An observation gets a number whose sign the paper gives (`data/observations.yaml`). The run has the
same sign or the opposite one if the 95 % interval lies on one side of 0, is not distinguishable if
it holds 0, and cannot tell without an interval. One seed finds nothing of the kind: then there are
no findings. What compares several models cannot be asked of a run with one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codealign.analysis import labels
from codealign.analysis.claims import Claim, by_verdict
from codealign.analysis.contrasts import RELATIVE, SCORE, Term
from codealign.analysis.effects import CANNOT_TELL, NOT_DISTINGUISHABLE, Effect
from codealign.analysis.questions import SPLIT, Question, ask, observations, observed
from codealign.analysis.study.effects import Study

SAME, OPPOSITE = "same sign", "opposite sign"
NOT_MEASURED = "not measured"
VERDICTS = (SAME, OPPOSITE, NOT_DISTINGUISHABLE, CANNOT_TELL, NOT_MEASURED)


@dataclass(frozen=True)
class Finding:
    """One observation and what one model of the run says of it.

    `effect` is the number in `unit`; `ledger` counts the verdicts of the claims ledger on the
    observation's statements.
    """

    id: str
    says: str
    measured: str
    unit: str
    model: str
    effect: Effect
    verdict: str
    note: str
    ledger: str = ""


def findings(study: Study, claims: Sequence[Claim] = ()) -> list[Finding]:
    """Return O1 to O20 for each model of the run, in the order of the paper; [] for one seed.

    Parameters
    ----------
    claims : the ledger of the run, for its verdicts on the same observations.
    """
    if len(study.seeds) < 2:
        return []
    models = [m for m in study.cells.models if any(p.model == m for p in study.places)]
    return [_finding(entry, study, m, claims) for m in models for entry in observations()]


def _finding(entry: dict[str, Any], study: Study, model: str, claims: Sequence[Claim]) -> Finding:
    found = Effect(missing="")
    asked = "terms" in entry or entry.get("measure") == SPLIT
    if asked:
        found = ask(study.cells, observed(entry["id"]), model)
    verdict, note = _verdict(found, entry, asked, study, model)
    counted = by_verdict([c for c in claims if c.place == entry["id"]])
    return Finding(
        entry["id"],
        entry["says"],
        entry["measured"],
        entry.get("unit", "points"),
        model,
        found,
        verdict,
        "; ".join(n for n in (note, _beside(entry, study, model)) if n),
        ", ".join(f"{n} {name}" for name, n in counted.items()),
    )


def _verdict(
    found: Effect, entry: dict[str, Any], asked: bool, study: Study, model: str
) -> tuple[str, str]:
    caution = entry.get("caution", "")
    if not asked:
        return NOT_MEASURED, entry.get("untold", "")
    if math.isnan(found.value):
        return NOT_MEASURED, f"the run has no scores for it ({found.missing})"
    if "least" in entry and _base(study, model) < entry["least"]:
        return NOT_MEASURED, f"the base scores below {entry['least']}"
    if found.missing:
        return CANNOT_TELL, found.missing
    return found.verdict(SAME, SAME if entry.get("sign") == "either" else OPPOSITE), caution


def _base(study: Study, model: str) -> float:
    """Return the functional score of the base models, both pathways together."""
    return ask(study.cells, Question((Term(stages=("base",)),), SCORE), model).value


def _beside(entry: dict[str, Any], study: Study, model: str) -> str:
    """Return the same contrast by another measure, in words, where the paper means that one."""
    if "beside" not in entry:
        return ""
    found = ask(study.cells, Question(observed(entry["id"]).contrast, RELATIVE), model)
    if math.isnan(found.value):
        return ""
    number = labels.with_interval(found.value, found.low, found.high, "{:+.1f}")
    return f"{entry['beside']}: {number} %"
