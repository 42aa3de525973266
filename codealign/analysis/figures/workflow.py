"""Figure 4: how preference data are made, with the numbers of records where a run has them."""

from __future__ import annotations

from codealign.analysis import labels
from codealign.analysis.context import STEPS, Context
from codealign.analysis.figures import style
from codealign.analysis.figures.diagrams import Arrow, Box, draw, heading
from codealign.analysis.figures.style import WIDTH, Drawn, blank, canvas

BOXES = {
    "seeds": Box(0.56, 0.68, "Seed functions\nfrom source code", "data", w=1.04),
    "concepts": Box(2.0, 0.68, "Coding\nconcepts", "data"),
    "instructions": Box(3.4, 0.68, "Instructions", "data"),
    "responses": Box(4.94, 0.68, "n responses\nwith tests", "data", w=1.04),
    "executions": Box(4.94, 1.72, "Execution\nin a sandbox", "step", w=1.04),
    "passing": Box(3.4, 1.4, "Passing", "good", h=0.32),
    "failing": Box(3.4, 2.02, "Failing,\nnot empty", "bad", h=0.4),
    "pairs": Box(2.0, 1.72, "Pairs: chosen,\nrejected", "data"),
    "training": Box(0.56, 1.72, "SFT, then\nDPO or BoNBoN", "model", w=1.04),
}
ARROWS = [
    Arrow("seeds", "concepts", label="model"),
    Arrow("concepts", "instructions", label="model"),
    Arrow("instructions", "responses", label="model"),
    Arrow("responses", "executions", "bt"),
    Arrow("executions", "passing", "lr"),
    Arrow("executions", "failing", "lr"),
    Arrow("passing", "pairs", "lr", label="one at random", shift=(-0.25, -0.2)),
    Arrow("failing", "pairs", "lr", label="one at random", shift=(-0.17, 0.32)),
    Arrow("pairs", "training", "lr"),
]


def figure4(context: Context) -> Drawn:
    """Draw Figure 4; each box of a counted step carries the run's number of records.

    Several models or requirements are added up, and the caption says of how many.
    """
    height = 2.36 + 0.13 * bool(context.counts)
    figure = canvas(height)
    axes = blank(figure, WIDTH, height)
    said = "each model writes its own"
    heading(axes, 0.14, "Preference data of one model and requirement", said)
    draw(axes, BOXES, ARROWS)
    for step in STEPS:
        numbers = [counts[step] for counts in context.counts.values() if step in counts]
        if numbers:
            box = BOXES[step]
            y = box.y + (-1 if box.y < 1 else 1) * (box.h / 2 + 0.1)
            axes.text(box.x, y, f"{sum(numbers):,}", ha="center", va="center", size=style.SMALL,
                      weight="bold", color=style.BLUE)  # fmt: skip
    return Drawn("figure4", _caption(context), figure)


def _caption(context: Context) -> str:
    text = (
        "Figure 4. Data generation workflow (after SelfCodeAlign): one passing response is chosen "
        "and one failing, non-empty response rejected, both at random."
    )
    if not context.counts:
        return text
    cells = [f"{model} {labels.REQUIREMENTS[req]}" for model, req in context.counts]
    return f"{text} Numbers: records of this run, over {', '.join(cells)}."
