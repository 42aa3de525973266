"""The claims ledger as a table with a search and filters.

Without scripts the whole ledger is shown; `report.js` uncovers the controls, and sets them from the
page's address (`claims.html?verdict=agrees`).
"""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd

from codealign.analysis.claims.render import told_note, with_unit
from codealign.report.page import row, table

ORIGINS = {"paper": "statement of the paper", "reading": "our reading", "own": "own line"}
FILTERS = ("verdict", "paper_verdict", "place", "origin")
LABELS = {"verdict": "This run", "paper_verdict": "The paper's tables"}
HEAD = ["Place", "Statement", "Published", "The paper's tables", "This run", "Rule"]


def ledger_block(path: Path) -> str:
    """Return the ledger of `claims.csv` (columns of `claims_frame`) as HTML."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = [_row(claim) for claim in frame.to_dict("records")]
    ledger = table(HEAD, rows, "Ledger of claims", ' id="claims"')
    files = '<p class="files">Download: <a href="tables/claims.csv" download>CSV</a></p>'
    return f"<p>{counts_line(path)}.</p>{_controls(frame)}{ledger}{files}"


def counts_line(path: Path, page: str = "") -> str:
    """Return how many lines have which verdict, each a link that shows them.

    Parameters
    ----------
    page : address of the ledger's page, seen from where the line stands.
    """
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    said = []
    for origin, what in (("paper", "statements of the paper"), ("own", "own lines and readings")):
        mine = frame[(frame["origin"] == "paper") == (origin == "paper")]
        links = ", ".join(
            f'<a href="{page}?{escape(urlencode({"verdict": verdict}))}">{n} {escape(verdict)}</a>'
            for verdict, n in Counter(mine["verdict"]).most_common()
        )
        said.append(f"{len(mine)} {what}: {links}")
    return "; ".join(said)


def _row(claim: dict[str, str]) -> str:
    cells = [
        escape(claim["place"]),
        escape(claim["statement"]) + _small(_origin(claim["origin"])),
        escape(with_unit(claim["published"], claim["unit"])),
        _verdict(claim["paper_verdict"], claim["paper_computed"], claim["unit"]),
        _verdict(claim["verdict"], claim["computed"], claim["unit"])
        + _small(told_note(claim["note"], claim["rule"])),
        escape(claim["rule"]) + _small(_searched(claim)),
    ]
    data = "".join(f' data-{name}="{escape(claim[name])}"' for name in FILTERS)
    return row(HEAD, cells, f' id="{escape(claim["id"])}"{data}')


def _verdict(verdict: str, computed: str, unit: str) -> str:
    return f"<b>{escape(verdict)}</b>" + _small(with_unit(computed, unit))


def _origin(origin: str) -> str:
    return "" if origin == "paper" else ORIGINS[origin]


def _searched(claim: dict[str, str]) -> str:
    if not claim["tried"]:
        return ""
    return f"{claim['tried']} rules tried, {claim['matching']} fit; nearest: {claim['nearest']}"


def _small(text: str) -> str:
    return f"<br><small>{escape(text)}</small>" if text else ""


def _controls(frame: pd.DataFrame) -> str:
    selects = "".join(_select(name, list(dict.fromkeys(frame[name]))) for name in FILTERS)
    search = '<label>Search <input type="search" name="text" autocomplete="off"></label>'
    clear = '<button type="reset">Show all</button>'
    count = f'<output role="status">{len(frame)} of {len(frame)} shown</output>'
    return f'<form class="filter" data-for="claims" hidden>{search}{selects}{clear}{count}</form>'


def _select(name: str, values: list[str]) -> str:
    shown = "".join(
        f'<option value="{escape(v)}">{escape(ORIGINS.get(v, v))}</option>' for v in values
    )
    options = f'<option value="">all</option>{shown}'
    label = escape(LABELS.get(name, name.capitalize()))
    return f'<label>{label} <select name="{name}">{options}</select></label>'
