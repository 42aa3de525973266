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
from codealign.analysis.effects import CANNOT_TELL, Effect
from codealign.analysis.questions import SPLIT, Question, ask, observations, observed
from codealign.analysis.study.effects import StudyRun

SAME, OPPOSITE = "same sign", "opposite sign"
NOT_MEASURED = "not measured"


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


def findings(study: StudyRun, claims: Sequence[Claim] = ()) -> list[Finding]:
    """Return O1 to O20 for each model of the run, in the order of the paper; [] for one seed.

    Parameters
    ----------
    claims : the ledger of the run, for its verdicts on the same observations.
    """
    if len(study.seeds) < 2:
        return []
    models = [m for m in study.cells.models if any(p.model == m for p in study.places)]
    return [_finding(entry, study, m, claims) for m in models for entry in observations()]


def _finding(
    entry: dict[str, Any], study: StudyRun, model: str, claims: Sequence[Claim]
) -> Finding:
    asked = "terms" in entry or entry.get("measure") == SPLIT
    question = observed(entry["id"])
    effect = ask(study.cells, question, model) if asked else None
    verdict, note = _verdict(effect, entry, study, model)
    counted = by_verdict([c for c in claims if c.place == entry["id"]])
    return Finding(
        id=entry["id"],
        says=entry["says"],
        measured=entry["measured"],
        unit=question.unit,
        model=model,
        effect=effect or Effect(),
        verdict=verdict,
        note="; ".join(n for n in (note, _beside(entry, study, model)) if n),
        ledger=", ".join(f"{n} {name}" for name, n in counted.items()),
    )


def _verdict(
    effect: Effect | None, entry: dict[str, Any], study: StudyRun, model: str
) -> tuple[str, str]:
    """Return the verdict and why; None is an observation that one model cannot answer."""
    if effect is None:
        return NOT_MEASURED, ""
    if math.isnan(effect.value):
        return NOT_MEASURED, f"the run has no scores for it ({effect.missing})"
    bases = Question((Term(stages=("base",)),), SCORE)  # both pathways together
    if "least" in entry and ask(study.cells, bases, model).value < entry["least"]:
        return NOT_MEASURED, f"the base scores below {entry['least']}"
    if effect.missing:
        return CANNOT_TELL, effect.missing
    verdict = effect.verdict_in_general(SAME, SAME if entry.get("sign") == "either" else OPPOSITE)
    return verdict, entry.get("caution", "")


def _beside(entry: dict[str, Any], study: StudyRun, model: str) -> str:
    """Return the same contrast by another measure, in words, where the paper means that one."""
    if "beside" not in entry:
        return ""
    effect = ask(study.cells, Question(observed(entry["id"]).contrast, RELATIVE), model)
    if math.isnan(effect.value):
        return ""
    number = labels.with_interval(effect.value, effect.low, effect.high, "{:+.1f}")
    return f"{entry['beside']}: {number} %"
