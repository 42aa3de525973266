"""The ledger for readers: a table, and Markdown grouped by place with counts of verdicts.

A run's ledger has two verdicts in each line: on the paper's own tables, and on this run.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path

import pandas as pd

from codealign.analysis.claims.model import NOT_RUN, OURS, Claim, Search
from codealign.markdown import pipe_table
from codealign.records import write_text

OF_CLAIM = [
    "place", "id", "origin", "statement", "published", "computed", "unit", "rule", "verdict",
    "note",
]  # fmt: skip
OF_SEARCH = {"tried": pd.NA, "matching": pd.NA, "reach": pd.NA, "nearest": ""}
"""Columns of a claim's search, with what is shown without one."""
COLUMNS = [*OF_CLAIM, *OF_SEARCH]
RUN_COLUMNS = ["computed_unit", "paper_computed", "paper_verdict"]
"""Columns of a run's ledger alone."""
ORIGINS = {"paper": "", "reading": "our reading: ", "own": ""}
SECTIONS = {
    "Abstract": ("Abstract",),
    "1 Introduction": ("Introduction",),
    "3 Methodology": ("3", "3.1", "3.2", "3.3", "3.4", "3.5"),
    "4.1 Pretrained-to-aligned": ("4.1.1", "4.1.2", *(f"O{i}" for i in range(1, 7))),
    "4.2 Finetuned-to-aligned": ("4.2.1", "4.2.2", *(f"O{i}" for i in range(7, 14))),
    "4.3 Comparison": ("4.3.1", "4.3.2", *(f"O{i}" for i in range(14, 21))),
    "5 Recommendations": ("Table 6",),
    "6.1 Survey": ("6.1", "6.1.1", "6.1.2"),
    "6.2 Judge": ("6.2",),
    "7 Conclusion": ("Conclusion",),
    "Own lines": (OURS,),
}
"""Sections of the paper, and the places of the ledger that belong to them."""


def section(place: str) -> str:
    """Return the section of the paper that a claim's place belongs to."""
    return next(name for name, places in SECTIONS.items() if place in places)


def write_claims(
    out: Path | str, claims: list[Claim], on_paper: list[Claim] | None = None
) -> list[Path]:
    """Write `claims.md` and `claims.csv` to a folder; return their paths.

    Parameters are those of `claims_frame`.
    """
    paths = [Path(out) / "claims.md", Path(out) / "claims.csv"]
    write_text(paths[0], claims_markdown(claims, on_paper=on_paper))
    write_text(paths[1], claims_frame(claims, on_paper).to_csv(index=False))
    return paths


def claims_frame(claims: list[Claim], on_paper: list[Claim] | None = None) -> pd.DataFrame:
    """Return the ledger as a frame, one row per claim; numbers are text as they are shown.

    Parameters
    ----------
    claims : the ledger on the paper's tables, or on a run.
    on_paper : for a run, the ledger on the paper's tables: `RUN_COLUMNS` are added.
    """
    rows = [_row(c) for c in claims]
    if on_paper is None:
        return pd.DataFrame(rows, columns=COLUMNS)
    for row, claim, printed in zip(rows, claims, on_paper, strict=True):
        row |= {"computed_unit": claim.computed_unit,
                "paper_computed": numbers(printed.computed),
                "paper_verdict": printed.verdict}  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS + RUN_COLUMNS)


def _row(claim: Claim) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(claim, name) for name in OF_CLAIM}
    row |= {name: numbers(row[name]) for name in ("published", "computed")}
    return row | {name: getattr(claim.search, name, lacks) for name, lacks in OF_SEARCH.items()}


def numbers(values: list[float]) -> str:
    """Return numbers with four significant digits (large ones whole), separated by commas."""
    return ", ".join(f"{v:.0f}" if abs(v) >= 1000 else f"{v:.4g}" for v in values)


def searched(search: Search) -> str:
    """Return the search in one sentence: how many rules, how many fit, what a fit is worth."""
    if search.of == "readings":
        held = f" (e.g. {search.matches[0]})" if search.matches else ""
        text = f"{search.tried} other readings, {search.matching} bear it out{held}"
        return f"{text}; plain reading: {search.nearest}. Varied: {search.grid}."
    text = f"{search.tried} candidate rules, {search.matching} fit"
    if search.matching:
        text += f" (e.g. {search.matches[0]})"
    else:
        text += f"; nearest miss: {search.nearest}"
    worth = f"{100 * search.reach:.0f} % of the values nearby are reached by some rule"
    return f"{text}; {worth}. Varied: {search.grid}."


def counts_table(claims: list[Claim]) -> str:
    """Return a Markdown table of the verdicts' counts: paper's statements, readings, own lines."""
    verdicts = list(dict.fromkeys(c.verdict for c in claims))
    counts = Counter((c.verdict, c.origin) for c in claims)
    heads = {"paper": "Statements of the paper", "reading": "Our readings", "own": "Own lines"}
    rows = [[v, *(str(counts[v, o]) for o in heads)] for v in verdicts]
    rules = ["---", *["---:"] * len(heads)]
    return pipe_table(["Verdict", *heads.values()], rows, rules)


def claims_markdown(claims: list[Claim], on_paper: list[Claim] | None = None) -> str:
    """Return the ledger as Markdown: counts, then a table for each place of the paper.

    Under each table the searches stand: rules tried, matching, nearest miss.

    Parameters
    ----------
    claims : the ledger, as `ledger` returns it.
    on_paper : for a run, the ledger on the paper's tables. Its verdicts are shown beside the run's,
        in place of the searches, and only the lines that the run can answer; the number of the
        others is given.
    """
    parts = [counts_table(claims)]
    beside = {c.id: c for c in on_paper or ()}
    shown = [c for c in claims if c.verdict != NOT_RUN] if beside else claims
    if len(shown) < len(claims):
        parts.append(
            f"{len(claims) - len(shown)} of {len(claims)} lines are about models, benchmarks or "
            "material that this run does not have; they are in `claims.csv`."
        )
    for place, group in groupby(shown, key=lambda c: c.place):
        parts.append(_place(place, list(group), beside))
    return "\n\n".join(parts) + "\n"


def _place(place: str, claims: list[Claim], beside: dict[str, Claim]) -> str:
    title = f"Section {place}" if place[:1].isdigit() else place[:1].upper() + place[1:]
    counts = ", ".join(f"{n} {v}" for v, n in Counter(c.verdict for c in claims).items())
    heads = ["Statement", "Published", "Computed", "Rule", "Verdict"]
    heads = [*heads[:-1], "The paper's tables", "This run"] if beside else heads
    rows = (_cells(c, beside.get(c.id)) for c in claims)
    lines = [f"### {title}", "", f"{counts}.", "", pipe_table(heads, rows)]
    if not beside and any(c.search for c in claims):
        lines += ["", "Searches:", ""]
        lines += [f"- `{c.id}`: {searched(c.search)}" for c in claims if c.search]
    return "\n".join(lines)


def _cells(claim: Claim, on_paper: Claim | None) -> list[str]:
    note = note_to_show(claim.note, claim.rule)
    verdict = claim.verdict + (f": {note}" if note else "")
    shown = (with_unit(numbers(n), unit) for n, unit in
             ((claim.published, claim.unit), (claim.computed, claim.computed_unit)))  # fmt: skip
    cells = (ORIGINS[claim.origin] + claim.statement, *shown, claim.rule)
    cells += (on_paper.verdict, verdict) if on_paper else (verdict,)
    return [c.replace("|", "/") for c in cells]


def note_to_show(note: str, rule: str) -> str:
    """Return the note to show, "" if it is a reason that the rule's cell gives already."""
    return "" if note == rule else note


def with_unit(text: str, unit: str) -> str:
    """Return numbers with their unit; "" without numbers, and no unit that lists several."""
    return f"{text} {unit}" if text and unit and "," not in unit else text
