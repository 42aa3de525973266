"""The paper's recommendations held against a run: all verdicts first, then each by itself."""

from __future__ import annotations

import re
from collections import Counter

import pandas as pd
from markupsafe import Markup

from codealign.analysis.advice import NOT_SUPPORTED, SUPPORTED
from codealign.paths import RunPaths
from codealign.report.foreign import render_markdown
from codealign.report.page import PageSection, parts, table

TITLE = "Which of the paper's recommendations does this run bear out?"
PART = re.compile(r"^### ((R\d+): .*)\n", re.M)
TONES = {SUPPORTED: "good", NOT_SUPPORTED: "bad"}
"""How a verdict is coloured; all others leave it open."""


def advice_blocks(paths: RunPaths, files: Markup) -> list[PageSection]:
    """Return the overview of `advice.csv` and a block for each recommendation of `advice.md`.

    Parameters
    ----------
    files : links to the formats, below the overview.
    """
    frame = pd.read_csv(paths.tables / "advice.csv", dtype=str, keep_default_na=False)
    counts = Counter(frame["verdict"]).most_common()
    counted = ", ".join(f"{n} {verdict}" for verdict, n in counts)
    rows = [
        [
            parts.link(f"#{row['id']}", row["id"]),
            parts.verdict(TONES.get(row["verdict"], "open"), row["verdict"]),
            row.get("next_step", ""),
        ]
        for row in frame.to_dict("records")
    ]
    head = ["Paper", "This run", "What to do next"]
    body = parts.paragraph(f"{len(frame)} recommendations: {counted}.")
    body += table(head, rows, "Verdicts by rule over this run's scores") + files
    text = (paths.tables / "advice.md").read_text(encoding="utf-8")
    _, *pieces = PART.split(text)
    each = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return [
        PageSection("advice", TITLE, body, "All nine" if len(frame) == 9 else "All"),
        *(PageSection(id, title, render_markdown(part, title), id) for title, id, part in each),
    ]
