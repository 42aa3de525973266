"""Two runs compared, as a page of its own that needs no other file."""

from __future__ import annotations

import base64
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from codealign.analysis import labels
from codealign.analysis.figures.dots import differences
from codealign.analysis.figures.style import rendered, styled
from codealign.analysis.runs import HOLDS, Comparison
from codealign.analysis.scores import benchmark
from codealign.records import PATHWAY, write_text
from codealign.report.page import render, table

STYLE = Path(__file__).parent / "assets" / "style.css"
HEAD = [
    "Model", "Pathway", "Requirement", "Stage", "Benchmark", "First", "Second", "Difference", "n",
    "p (Holm)",
]  # fmt: skip


def write_comparison(comparison: Comparison, first: str, second: str, out: Path) -> Path:
    """Write the page: picture, every shared score, settings that differ, what one run lacks."""
    with styled():
        drawn = differences(comparison.overall, first, second)
        picture = base64.b64encode(rendered(drawn.figure, "svg", alt=drawn.alt)).decode()
    width, height = (1.8 * 72 * inches for inches in drawn.figure.get_size_inches())
    settings = [[key, str(a), str(b)] for key, (a, b) in comparison.settings.items()]
    html = render(
        "compare", first=first, second=second, caption=drawn.caption, picture=picture,
        width=f"{width:.0f}", height=f"{height:.0f}", style=Markup(STYLE.read_text("utf-8")),
        holds=HOLDS[bool((comparison.overall["seeds"] == 1).any())],
        scores=_scores(comparison.cells),
        settings=table(["Setting", first, second], settings, "Settings that differ", "facts"),
        differ=len(settings), only=comparison.only,
    )  # fmt: skip
    write_text(out, html)
    return out


def _scores(cells: pd.DataFrame) -> Markup:
    rows = []
    for cell in cells.to_dict("records"):
        names = [cell["model"], PATHWAY[cell["variant"]], labels.REQUIREMENTS[cell["requirement"]],
                 labels.STAGES[cell["stage"]], benchmark(cell["benchmark"]).label]  # fmt: skip
        form = "{:.3f}" if cell["metric"] == "pass@1" else "{:.2f}"
        bounds = ", ".join(("{:+" + form[2:]).format(cell[end]) for end in ("low", "high"))
        moved = ("{:+" + form[2:]).format(cell["absolute"]) + f" [{bounds}]"
        sides = [form.format(cell[side]) for side in ("first", "second")]
        rows.append([*names, *sides, moved, str(cell["n"]), f"{cell['p_holm']:.3f}"])
    return table(HEAD, rows, "Every score that both runs have, in the metric's unit")
