"""Figures 2 and 3 as data: boxes and arrows drawn by one function in one style.

Positions are in inches from the upper left corner of the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from codealign.analysis.figures import style
from codealign.analysis.figures.style import WIDTH, Drawn, blank, canvas

FILLS = {
    "data": ("#e3f1fa", style.BLUE),
    "model": ("#fdf1d8", "#a86f00"),
    "step": ("#f1f2f4", style.MUTED),
    "good": ("#dcf1ea", style.GOOD),
    "bad": ("#fae6dc", style.BAD),
}
"""Fill and edge of each kind of box: data, language model, computation, chosen, rejected."""


@dataclass(frozen=True)
class Box:
    """A box with its centre (x, y), its size, its text and what kind of thing it is."""

    x: float
    y: float
    text: str
    kind: str
    w: float = 0.92
    h: float = 0.44


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes, by name; `sides` are where it leaves and enters (r l t b).

    `bend` is the curvature (0: straight), `label` stands at the middle, moved by `shift` inches.
    """

    start: str
    end: str
    sides: str = "rl"
    label: str = ""
    bend: float = 0.0
    shift: tuple[float, float] = (0.0, -0.07)


def anchor(box: Box, side: str) -> tuple[float, float]:
    """Return the middle of one side of a box."""
    dx, dy = {"r": (0.5, 0), "l": (-0.5, 0), "t": (0, -0.5), "b": (0, 0.5)}[side]
    return box.x + dx * box.w, box.y + dy * box.h


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
        _draw_arrow(axes, arrow, boxes)


def _draw_arrow(axes: Axes, arrow: Arrow, boxes: dict[str, Box]) -> None:
    start = anchor(boxes[arrow.start], arrow.sides[0])
    end = anchor(boxes[arrow.end], arrow.sides[1])
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>,head_length=3.2,head_width=1.6", color=style.MUTED,
            linewidth=0.9, shrinkA=1, shrinkB=1, connectionstyle=f"arc3,rad={arrow.bend}",
        )
    )  # fmt: skip
    if arrow.label:
        x = (start[0] + end[0]) / 2 + arrow.shift[0]
        y = (start[1] + end[1]) / 2 + arrow.shift[1]
        axes.text(x, y, arrow.label, ha="center", va="center", size=5.6, color=style.MUTED)


def heading(axes: Axes, y: float, text: str, said: str = "") -> None:
    """Draw a part's title and, at the right, a phrase about it."""
    axes.text(0.03, y, text, size=style.LARGE, weight="bold", va="center")
    axes.text(WIDTH - 0.03, y, said, size=style.SMALL, va="center", ha="right", color=style.MUTED,
              style="italic")  # fmt: skip


RLHF = {
    "data": Box(0.52, 0.72, "Preference data\nchosen ≻ rejected", "data", w=0.98),
    "fit": Box(1.62, 0.72, "Maximum\nlikelihood", "step", w=0.74),
    "reward": Box(2.62, 0.72, "Reward\nmodel", "model", w=0.74),
    "ppo": Box(3.72, 0.72, "Reinforcement\nlearning (PPO)", "step"),
    "policy": Box(5.0, 0.72, "Aligned\nmodel", "good"),
    "prompts": Box(2.62, 1.42, "Prompts", "data", w=0.74, h=0.3),
    "sft": Box(3.72, 1.42, "SFT model", "model", w=0.92, h=0.3),
}
RLHF_ARROWS = [
    Arrow("data", "fit"), Arrow("fit", "reward"), Arrow("reward", "ppo"),
    Arrow("ppo", "policy"), Arrow("prompts", "sft"), Arrow("sft", "ppo", "tb"),
    Arrow("policy", "ppo", "bb", "samples are rated again", -0.42, (0.53, 0.36)),
]  # fmt: skip
DPO = {
    "data": Box(0.52, 2.32, "Preference data\nchosen ≻ rejected", "data", w=0.98),
    "loss": Box(2.62, 2.32, "Maximum likelihood on pairs:\nhow much more the policy than the\n"
                "reference prefers the chosen", "step", w=1.9, h=0.56),
    "policy": Box(5.0, 2.32, "Aligned\nmodel", "good"),
    "sft": Box(2.62, 2.96, "SFT model: start and frozen reference", "model", w=1.9, h=0.3),
}  # fmt: skip
DPO_ARROWS = [Arrow("data", "loss"), Arrow("loss", "policy"), Arrow("sft", "loss", "tb")]


def figure2() -> Drawn:
    """Draw Figure 2: alignment with a reward model (RLHF) and without one (DPO)."""
    height = 3.2
    figure = canvas(height)
    axes = blank(figure, WIDTH, height)
    heading(axes, 0.16, "(a) RLHF", "two stages, a learned reward, sampling while training")
    draw(axes, RLHF, RLHF_ARROWS)
    heading(axes, 1.86, "(b) DPO", "one stage, no reward model, no sampling")
    draw(axes, DPO, DPO_ARROWS)
    caption = (
        "Figure 2. RLHF and DPO. RLHF fits a reward model to preferences and then optimises the "
        "policy against it; DPO trains the policy on the preferences directly."
    )
    return Drawn("figure2", caption, figure)


def _samples(x: float, y: float, texts: Sequence[tuple[str, str]]) -> dict[str, Box]:
    """Return a column of small boxes y1, y2, ... for sampled responses."""
    return {
        f"y{i}": Box(x, y + 0.27 * i, text, kind, w=0.62, h=0.22)
        for i, (text, kind) in enumerate(texts)
    }


BEST_OF_N = {
    "prompt": Box(0.42, 0.8, "Prompt x", "data", w=0.72),
    "model": Box(1.42, 0.8, "Model", "model", w=0.72),
    **_samples(2.48, 0.4, [("y₁", "step"), ("y₂", "good"), ("⋮", "step"), ("yₙ", "step")]),
    "rank": Box(3.56, 0.8, "Rank and\nkeep the best", "step", w=0.88),
    "answer": Box(4.99, 0.8, "Best answer\nat inference", "good", w=0.94),
}
BEST_OF_N_ARROWS = [
    Arrow("prompt", "model"), *(Arrow("model", f"y{i}") for i in range(4)),
    *(Arrow(f"y{i}", "rank") for i in range(4)), Arrow("rank", "answer"),
]  # fmt: skip
BONBON = {
    "prompt": Box(0.42, 2.3, "Prompt x", "data", w=0.72),
    "model": Box(1.42, 2.3, "SFT model", "model", w=0.72),
    **_samples(2.48, 1.9, [("best", "good"), ("y₂", "step"), ("⋮", "step"), ("worst", "bad")]),
    "sft": Box(3.62, 1.98, "SFT loss on best", "step", w=1.0, h=0.34),
    "ipo": Box(3.62, 2.6, "IPO loss on\nbest against worst", "step", w=1.0, h=0.4),
    "policy": Box(4.95, 2.3, "Model that answers\nlike best-of-n\nin one sample", "good", w=1.02,
                  h=0.56),
}  # fmt: skip
BONBON_ARROWS = [
    Arrow("prompt", "model"), *(Arrow("model", f"y{i}") for i in range(4)), Arrow("y0", "sft"),
    Arrow("y0", "ipo"), Arrow("y3", "ipo"),
    Arrow("sft", "policy", label="α", shift=(0.05, -0.08)),
    Arrow("ipo", "policy", label="1 − α", shift=(0.07, 0.19)),
]  # fmt: skip


def figure3() -> Drawn:
    """Draw Figure 3: best-of-n sampling at inference, and BoNBoN training that imitates it."""
    height = 3.0
    figure = canvas(height)
    axes = blank(figure, WIDTH, height)
    heading(axes, 0.14, "(a) Best-of-n sampling", "n samples for every answer")
    draw(axes, BEST_OF_N, BEST_OF_N_ARROWS)
    heading(axes, 1.6, "(b) BoNBoN alignment", "n samples once, while training")
    draw(axes, BONBON, BONBON_ARROWS)
    caption = (
        "Figure 3. Best-of-n and BoNBoN. BoNBoN trains on the best of n samples (SFT) and on best "
        "against worst (IPO), so that one sample serves as well as the best of n."
    )
    return Drawn("figure3", caption, figure)
