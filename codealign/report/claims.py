"""The claims ledger as a table with a search and filters.

Without scripts the whole ledger is shown; `report.js` uncovers the controls, and sets them from the
page's address (`claims.html?verdict=agrees`), or to the lines that the run can answer.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
from markupsafe import Markup, escape

from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    CONTRADICTS,
    DISAGREES,
    NOT_DISTINGUISHABLE,
    NOT_RUN,
    REPRODUCED,
    UNSTATED,
)
from codealign.analysis.claims.render import note_to_show, with_unit
from codealign.report.page import parts, render, table

ORIGINS = {"paper": "statement of the paper", "reading": "our reading", "own": "own line"}
FILTERS = ("verdict", "paper_verdict", "place", "origin")
LABELS = {"verdict": "This run", "paper_verdict": "The paper's tables"}
HEAD = ["Place", "The paper's tables", "This run", "Statement", "Published", "Rule"]
TONES = {
    AGREES: "good", REPRODUCED: "good", UNSTATED: "fair", DISAGREES: "bad", CONTRADICTS: "bad",
    NOT_DISTINGUISHABLE: "open", CANNOT_TELL: "open",
}  # fmt: skip
"""How a verdict is coloured; what is not named (not run, not derivable) is grey."""


def ledger_block(path: Path) -> Markup:
    """Return the ledger of `claims.csv` (columns of `claims_frame`) as HTML."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    claims = frame.to_dict("records")
    marks = [{"id": c["id"], **{f"data-{name}": c[name] for name in FILTERS}} for c in claims]
    ledger = table(HEAD, [_cells(c) for c in claims], "Ledger of claims", extra=marks, id="claims")
    filters = {name: list(dict.fromkeys(frame[name])) for name in FILTERS}
    but = {"verdict": NOT_RUN} if {NOT_RUN} < set(frame["verdict"]) else {}
    first = urlencode({name: f"!{value}" for name, value in but.items()})
    return render(
        "claims", counts=counts_line(path), filters=filters, labels=LABELS, origins=ORIGINS,
        n=len(frame), ledger=ledger, but=but, first=first,
    )  # fmt: skip


def counts_line(path: Path, page: str = "") -> Markup:
    """Return how many lines have which verdict, each a link that shows them.

    Parameters
    ----------
    page : address of the ledger's page, seen from where the line stands.
    """
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    counts = []
    for origin, what in (("paper", "statements of the paper"), ("own", "own lines and readings")):
        mine = frame[(frame["origin"] == "paper") == (origin == "paper")]
        verdicts = [
            (verdict, n, urlencode({"verdict": verdict}))
            for verdict, n in Counter(mine["verdict"]).most_common()
        ]
        counts.append((len(mine), what, verdicts))
    return render("counts", parts=counts, page=page)


def _cells(claim: dict[str, str]) -> list[str]:
    unit, origin = claim["unit"], claim["origin"]
    own_unit = claim.get("computed_unit", unit)  # a ledger of an earlier version has one unit
    note = note_to_show(claim["note"], claim["rule"])
    tried = f"{claim['tried']} rules tried, {claim['matching']} fit; nearest: {claim['nearest']}"
    return [
        claim["place"],
        _verdict(claim["paper_verdict"], with_unit(claim["paper_computed"], unit)),
        _verdict(claim["verdict"], with_unit(claim["computed"], own_unit), note),
        parts.remarked(claim["statement"], [ORIGINS[origin]] if origin != "paper" else []),
        escape(with_unit(claim["published"], unit)),
        parts.remarked(claim["rule"], [tried] if claim["tried"] else []),
    ]


def _verdict(verdict: str, *remarks: str) -> Markup:
    return parts.remarked(parts.verdict(TONES.get(verdict, "none"), verdict), remarks)
