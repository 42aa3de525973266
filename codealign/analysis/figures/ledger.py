"""The claims ledger as one picture: a bar per section of the paper, a colour per verdict."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from codealign.analysis.claims import PAPER_VERDICTS, RUN_VERDICTS, Claim
from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    CONTRADICTS,
    DISAGREES,
    NOT_DERIVABLE,
    NOT_DISTINGUISHABLE,
    NOT_RUN,
    REPRODUCED,
    UNSTATED,
)
from codealign.analysis.claims.render import SECTIONS, section
from codealign.analysis.figures import style
from codealign.analysis.figures.style import BLUE, ORANGE, RED, RULE, SKY, Drawn, canvas

COLOURS = {
    REPRODUCED: BLUE, UNSTATED: SKY, NOT_DISTINGUISHABLE: ORANGE, CONTRADICTS: RED,
    NOT_DERIVABLE: RULE, AGREES: BLUE, DISAGREES: RED, CANNOT_TELL: RULE,
}  # fmt: skip
ON = {BLUE: style.ON, RULE: style.INK}
"""Colour of the number on a bar; on the others it is dark on any page."""


def ledger_bars(claims: list[Claim]) -> Drawn | None:
    """Draw how many lines of each section got which verdict; None where a run answers no line.

    Own lines and our readings, which the paper does not have, get a bar of their own; lines that a
    run has nothing for are left out and counted in the caption.
    """
    answered = [c for c in claims if c.verdict != NOT_RUN]
    if not answered:
        return None
    rows = {name: Counter[str]() for name in SECTIONS}
    for claim in answered:
        of_paper = claim.origin == "paper"
        rows[section(claim.place) if of_paper else "Own lines"][claim.verdict] += 1
    rows = {
        name if name != "Own lines" else "Ours: readings, own lines": counts
        for name, counts in rows.items() if counts
    }  # fmt: skip
    known = {c.verdict for c in answered}
    verdicts = [v for v in (*PAPER_VERDICTS, *RUN_VERDICTS) if v in known]
    on_run = bool(known & set(RUN_VERDICTS) - {NOT_DISTINGUISHABLE})
    held = "this run" if on_run else "its own tables"
    title, told = f"The paper's statements held against {held}", _verdicts_in_words(answered)
    figure = canvas(0.8 + 0.24 * len(rows), title=title, note=told)
    axes = figure.subplots()
    left = dict.fromkeys(rows, 0)
    for verdict in dict.fromkeys(verdicts):
        counts = {name: row[verdict] for name, row in rows.items()}
        bars = axes.barh(
            list(rows), list(counts.values()), left=list(left.values()), height=0.72,
            color=COLOURS[verdict], label=verdict,
        )  # fmt: skip
        texts = [str(n) if n else "" for n in counts.values()]
        ink = ON.get(COLOURS[verdict], style.DARK)
        axes.bar_label(bars, texts, label_type="center", fontsize=style.SMALL, color=ink)
        left = {name: left[name] + counts[name] for name in rows}
    axes.invert_yaxis()
    axes.set_xlabel("lines of the ledger")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3)
    lines = [(name, verdict, n) for name, row in rows.items() for verdict, n in row.items()]
    data = pd.DataFrame(lines, columns=["section", "verdict", "lines"])
    of = "this run's scores" if on_run else "the paper's own tables"
    caption = f"Claims of the paper held against {of}, by section. {told}"
    if left_out := len(claims) - len(answered):
        caption += f" {left_out} lines are left out: the run has nothing on them."
    return Drawn("claims", caption, figure, told, data)


def _verdicts_in_words(answered: list[Claim]) -> str:
    """Return how many of the paper's own statements got which verdict."""
    counts = Counter(c.verdict for c in answered if c.origin == "paper")
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())
    return f"{counts.total()} statements of the paper: {verdicts}."
