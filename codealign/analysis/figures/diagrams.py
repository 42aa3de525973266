"""Figures 2, 3 and 4 as data: boxes and arrows drawn by one function in one style.

Positions are in inches from the upper left corner of the drawing, below its title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from codealign.analysis import labels
from codealign.analysis.context import PARTS, RunMaterial
from codealign.analysis.figures import style
from codealign.analysis.figures.style import FILLS, WIDTH, Drawn, blank, canvas

MARGIN = 0.06
"""Nearest that an arrow comes to the corner of a box, in inches."""


@dataclass(frozen=True)
class Box:
    """A box with its centre (x, y), its size, its text and what kind of thing it is."""

    x: float
    y: float
    text: str
    kind: str
    w: float = 0.92
    h: float = 0.44

    def span(self, upright: bool) -> tuple[float, float]:
        """Return between which heights (or breadths) an arrow may meet the box."""
        middle, size = (self.y, self.h) if upright else (self.x, self.w)
        room = max(size / 2 - MARGIN, 0)
        return middle - room, middle + room


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes, by name; `sides` are where it leaves and enters (r l t b).

    `aside` moves it off the middle (for two arrows between the same boxes), `label` is written at
    its middle, moved by `shift` inches.
    """

    start: str
    end: str
    sides: str = "rl"
    label: str = ""
    aside: float = 0.0
    shift: tuple[float, float] = (0.0, -0.07)


def ends(start: Box, end: Box, sides: str, aside: float = 0.0) -> list[tuple[float, float]]:
    """Return where an arrow leaves one box and meets the other.

    It is level (or upright) where the boxes allow it, so that heads meet a side squarely and
    arrows into one box keep apart.
    """
    upright = sides[0] in "rl"
    (low, high), (end_low, end_high) = start.span(upright), end.span(upright)
    if max(low, end_low) <= min(high, end_high):
        size = (lambda box: box.h) if upright else (lambda box: box.w)
        smaller = min(start, end, key=size)
        wanted = (smaller.y if upright else smaller.x) + aside
        at = [min(max(wanted, low, end_low), high, end_high)] * 2
    else:
        centres = (end.y, start.y) if upright else (end.x, start.x)
        at = [min(max(centres[0], low), high), min(max(centres[1], end_low), end_high)]
    points = []
    for box, side, across in zip((start, end), sides, at, strict=True):
        dx, dy = {"r": (0.5, 0), "l": (-0.5, 0), "t": (0, -0.5), "b": (0, 0.5)}[side]
        points.append((box.x + dx * box.w, across) if upright else (across, box.y + dy * box.h))
    return points


def draw(axes: Axes, boxes: dict[str, Box], arrows: Sequence[Arrow]) -> None:
    """Draw boxes, then the arrows between them."""
    for box in boxes.values():
        fill, edge = FILLS[box.kind]
        axes.add_patch(
            FancyBboxPatch(
                (box.x - box.w / 2, box.y - box.h / 2), box.w, box.h, facecolor=fill,
                edgecolor=edge, linewidth=0.8, boxstyle="round,pad=0,rounding_size=0.06",
            )
        )  # fmt: skip
        axes.text(box.x, box.y, box.text, ha="center", va="center", size=6.3, linespacing=1.25)
    for arrow in arrows:
        start, end = ends(boxes[arrow.start], boxes[arrow.end], arrow.sides, arrow.aside)
        axes.add_patch(
            FancyArrowPatch(
                start, end, arrowstyle="-|>,head_length=4,head_width=1.8", color=style.MUTED,
                linewidth=0.9, shrinkA=0.5, shrinkB=1, joinstyle="miter", capstyle="butt",
            )
        )  # fmt: skip
        if arrow.label:
            x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
            axes.text(x + arrow.shift[0], y + arrow.shift[1], arrow.label, ha="center",
                      va="center", size=5.6, color=style.MUTED)  # fmt: skip


def arrow_rows(part: str, boxes: dict[str, Box], arrows: Sequence[Arrow]) -> list[dict[str, str]]:
    """Return a diagram's arrows as rows: from, to, label."""
    text = {name: box.text.replace("\n", " ") for name, box in boxes.items()}
    return [
        {"part": part, "from": text[a.start], "to": text[a.end], "label": a.label} for a in arrows
    ]


def heading(axes: Axes, y: float, text: str, phrase: str = "") -> None:
    """Draw a part's title and, at the right, a phrase about it."""
    axes.text(style.EDGE, y, text, size=style.NORMAL, weight="bold", va="center")
    axes.text(WIDTH - style.EDGE, y, phrase, size=style.SMALL, va="center", ha="right",
              color=style.MUTED, style="italic")  # fmt: skip


RLHF = {
    "data": Box(0.52, 0.52, "Preference data\nchosen ≻ rejected", "data", w=0.98),
    "fit": Box(1.58, 0.52, "Maximum\nlikelihood", "step", w=0.7),
    "reward": Box(2.56, 0.52, "Reward\nmodel", "model", w=0.74),
    "ppo": Box(3.78, 0.52, "Reinforcement\nlearning (PPO)", "step", w=0.9),
    "policy": Box(5.0, 0.52, "Aligned\nmodel", "good"),
    "prompts": Box(2.56, 1.14, "Prompts", "data", w=0.74, h=0.3),
    "sft": Box(3.78, 1.14, "SFT model: start\nand reference", "model", w=0.9, h=0.36),
}
RLHF_ARROWS = [
    Arrow("data", "fit"), Arrow("fit", "reward"),
    Arrow("reward", "ppo", label="ratings", aside=-0.1),
    Arrow("ppo", "reward", "lr", "samples", aside=0.1, shift=(0.0, 0.075)),
    Arrow("ppo", "policy"), Arrow("prompts", "sft"), Arrow("sft", "ppo", "tb"),
]  # fmt: skip
DPO = {
    "data": Box(0.52, 2.02, "Preference data\nchosen ≻ rejected", "data", w=0.98),
    "loss": Box(2.56, 2.02, "Maximum likelihood on pairs:\nhow much more the policy than the\n"
                "reference prefers the chosen", "step", w=1.9, h=0.56),
    "policy": Box(5.0, 2.02, "Aligned\nmodel", "good"),
    "sft": Box(2.56, 2.66, "SFT model: start and reference", "model", w=1.9, h=0.3),
}  # fmt: skip
DPO_ARROWS = [Arrow("data", "loss"), Arrow("loss", "policy"), Arrow("sft", "loss", "tb")]


def figure2() -> Drawn:
    """Draw Figure 2: alignment with a reward model (RLHF) and without one (DPO)."""
    parts = [
        ("(a) RLHF", 0.12, "two stages, a learned reward, sampling while training", RLHF,
         RLHF_ARROWS),
        ("(b) DPO", 1.58, "one stage, no reward model, no sampling", DPO, DPO_ARROWS),
    ]  # fmt: skip
    text = (
        "RLHF and DPO. RLHF fits a reward model to preferences and then optimises the policy "
        "against it; DPO trains the policy on the preferences directly."
    )
    return _two_parts(2, "Alignment with and without a reward model", 2.86, parts, text)


def _two_parts(number: int, title: str, height: float, parts: list, text: str) -> Drawn:
    figure = canvas(height, title=title)
    axes = blank(figure, WIDTH, height)
    rows = []
    for name, y, phrase, boxes, arrows in parts:
        heading(axes, y, name, phrase)
        draw(axes, boxes, arrows)
        rows += arrow_rows(name, boxes, arrows)
    caption = f"Figure {number}. {text}"
    return Drawn(f"figure{number}", caption, figure, text, pd.DataFrame(rows))


def _sampled(y: float, model: str) -> dict[str, Box]:
    """Return the boxes that both parts of Figure 3 begin with: prompt, model, samples, ranking."""
    middle, texts = y + 0.405, ("y₁", "y₂", "⋮", "yₙ")
    column = [Box(1.68, y + 0.27 * i, text, "step", w=0.38, h=0.21) for i, text in enumerate(texts)]
    return {
        "prompt": Box(0.32, middle, "Prompt\nx", "data", w=0.54),
        "model": Box(1.04, middle, model, "model", w=0.54, h=1.02),
        **{f"y{i}": box for i, box in enumerate(column)},
        "rank": Box(2.33, middle, "Rank\nthem", "step", w=0.54, h=1.02),
    }


SAMPLING = [
    Arrow("prompt", "model"), *(Arrow("model", f"y{i}") for i in range(4)),
    *(Arrow(f"y{i}", "rank") for i in range(4)),
]  # fmt: skip
BEST_OF_N = {
    **_sampled(0.42, "Model"),
    "answer": Box(3.1, 0.825, "Best\nanswer", "good", w=0.58),
}
BEST_OF_N_ARROWS = [*SAMPLING, Arrow("rank", "answer")]
BONBON = {
    **_sampled(1.96, "SFT\nmodel"),
    "best": Box(3.1, 2.15, "Best", "good", w=0.58, h=0.63),
    "worst": Box(3.1, 2.735, "Worst", "bad", w=0.58, h=0.28),
    "sft": Box(3.88, 1.98, "SFT loss", "step", w=0.58, h=0.28),
    "ipo": Box(3.88, 2.585, "IPO loss", "step", w=0.58, h=0.58),
    "policy": Box(5.01, 2.365, "Model whose\none sample is\nlike the best of n", "good", w=0.9,
                  h=1.02),
}  # fmt: skip
BONBON_ARROWS = [
    *SAMPLING, Arrow("rank", "best"), Arrow("rank", "worst"), Arrow("best", "sft"),
    Arrow("best", "ipo"), Arrow("worst", "ipo"), Arrow("sft", "policy", label="α"),
    Arrow("ipo", "policy", label="1 − α"),
]  # fmt: skip


def figure3() -> Drawn:
    """Draw Figure 3: best-of-n sampling at inference, and BoNBoN training that imitates it."""
    parts = [
        ("(a) Best-of-n sampling", 0.12, "n samples for every answer", BEST_OF_N,
         BEST_OF_N_ARROWS),
        ("(b) BoNBoN alignment", 1.66, "n samples once, while training", BONBON, BONBON_ARROWS),
    ]  # fmt: skip
    text = (
        "Best-of-n and BoNBoN. BoNBoN trains on the best of n samples (SFT) and on best against "
        "worst (IPO), so that one sample serves as well as the best of n."
    )
    return _two_parts(3, "Best of n samples: at inference, or learned", 2.95, parts, text)


WORKFLOW = {
    "seeds": Box(0.56, 0.56, "Seed functions\nfrom source code", "data", w=1.04),
    "concepts": Box(2.0, 0.56, "Coding\nconcepts", "data"),
    "instructions": Box(3.4, 0.56, "Instructions", "data"),
    "responses": Box(4.94, 0.56, "n responses\nwith tests", "data", w=1.04),
    "executions": Box(4.94, 1.62, "Execution\nin a sandbox", "step", w=1.04, h=1.0),
    "passing": Box(3.4, 1.27, "Passing", "good", h=0.3),
    "failing": Box(3.4, 1.97, "Failing, not empty", "bad", h=0.3),
    "pairs": Box(2.0, 1.62, "Pairs: chosen,\nrejected", "data", h=1.0),
    "training": Box(0.56, 1.62, "SFT, then\nDPO or BoNBoN", "model", w=1.04),
}
WORKFLOW_ARROWS = [
    Arrow("seeds", "concepts", label="model"),
    Arrow("concepts", "instructions", label="model"),
    Arrow("instructions", "responses", label="model"),
    Arrow("responses", "executions", "bt"),
    Arrow("executions", "passing", "lr"),
    Arrow("executions", "failing", "lr"),
    Arrow("passing", "pairs", "lr", label="one drawn"),
    Arrow("failing", "pairs", "lr", label="one drawn"),
    Arrow("pairs", "training", "lr"),
]


def figure4(context: RunMaterial) -> Drawn:
    """Draw Figure 4; each box of a counted step carries the run's records, by requirement.

    Several models are added up, and the note says how many.
    """
    counts = pd.DataFrame(
        [
            {"model": model, "requirement": requirement, "step": step, "records": number}
            for (model, requirement), steps in context.counts.items()
            for step, number in steps.items()
        ],
        columns=["model", "requirement", "step", "records"],
    )
    kinds = [r for r in labels.REQUIREMENTS if r in set(counts["requirement"])]
    sums = counts.groupby(["requirement", "step"])["records"].sum().to_dict()
    height = 2.2 + 0.1 * len(kinds)
    note = "Each model writes its own." + _note(counts["model"].nunique(), sums)
    figure = canvas(height, title="Preference data: from seed functions to pairs", note=note)
    axes = blank(figure, WIDTH, height)
    draw(axes, WORKFLOW, WORKFLOW_ARROWS)
    for step, box in WORKFLOW.items():
        lines = [_line(r, step, sums) for r in kinds if (r, step) in sums]
        above = box.y < 1
        for number, line in enumerate(lines):
            y = box.y + box.h / 2 + 0.09 + 0.105 * number
            y = box.y - box.h / 2 - 0.09 - 0.105 * (len(lines) - 1 - number) if above else y
            axes.text(box.x, y, line, ha="center", va="center", size=5.6)
    text = (
        "Data generation workflow (after SelfCodeAlign): one passing response is chosen and one "
        "failing, non-empty response rejected, both at random."
    )
    caption = f"Figure 4. {text}"
    if not kinds:
        rows = pd.DataFrame(arrow_rows("workflow", WORKFLOW, WORKFLOW_ARROWS))
        return Drawn("figure4", caption, figure, text, rows)
    cells = [f"{model} {labels.REQUIREMENTS[r]}" for model, r in context.counts]
    caption += f" Numbers: records of this run, over {', '.join(cells)}."
    return Drawn("figure4", caption, figure, _alt_text(kinds, sums), counts)


def _note(models: int, sums: dict[tuple[str, str], int]) -> str:
    if not sums:
        return ""
    text = " Numbers: records of this run" + f", added up over {models} models" * (models > 1)
    proven = any(step == "proven" for _, step in sums)
    return f"{text}." + " Proven: passed with tests that notice a wrong program." * proven


def _line(requirement: str, step: str, sums: dict[tuple[str, str], int]) -> str:
    proven = sums.get((requirement, "proven")) if step == "passing" else None
    addition = "" if proven is None else f", {proven:,} proven"
    return f"{labels.REQUIREMENTS[requirement]} {sums[requirement, step]:,}{addition}"


def _alt_text(kinds: list[str], sums: dict[tuple[str, str], int]) -> str:
    """Return the funnel of each requirement in words."""
    return " ".join(
        f"{labels.REQUIREMENTS[r].capitalize()} preference data: "
        + ", ".join(f"{sums[r, step]:,} {step}" for step in PARTS if (r, step) in sums)
        + "."
        for r in kinds
    )
