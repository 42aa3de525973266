"""The paper's recommendations held against a run: all verdicts first, then each by itself."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from codealign.analysis.advice import NOT_SUPPORTED, SUPPORTED, read_advice
from codealign.paths import RunPaths
from codealign.report.foreign import render_markdown
from codealign.report.page import PageSection, parts, table

TITLE = "Which of the paper's recommendations does this run bear out?"
TONES = {SUPPORTED: "good", NOT_SUPPORTED: "bad"}
"""How a verdict is coloured; all others leave it open."""


def advice_blocks(paths: RunPaths, files: Markup) -> list[PageSection]:
    """Return the overview of `advice.csv` and a block for each of its recommendations.

    Parameters
    ----------
    files : links to the formats, below the overview.
    """
    advice = read_advice(paths.tables / "advice.csv")
    counts = Counter(a.verdict for a in advice).most_common()
    counted = ", ".join(f"{n} {verdict}" for verdict, n in counts)
    rows = [
        [
            parts.link(f"#{a.id}", a.id),
            parts.verdict(TONES.get(a.verdict, "open"), a.verdict),
            a.next_step,
        ]
        for a in advice
    ]
    head = ["Paper", "This run", "What to do next"]
    body = parts.paragraph(f"{len(advice)} recommendations: {counted}.")
    body += table(head, rows, "Verdicts by rule over this run's scores") + files
    return [
        PageSection("advice", TITLE, body, "All nine" if len(advice) == 9 else "All"),
        *(PageSection(a.id, a.title, render_markdown(a.markdown, a.title), a.id) for a in advice),
    ]
