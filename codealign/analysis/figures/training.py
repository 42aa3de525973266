"""Training curves of one trained stage, from the trainer's log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from codealign.analysis.figures import style
from codealign.analysis.figures.style import Drawn, canvas, styled
from codealign.errors import CodealignError

METRICS = {
    "loss": "loss",
    "gap": "gap, nats",
    "accuracy": "chosen preferred, share",
    "kl": "KL to reference, nats per token",
    "grad_norm": "gradient norm",
}
Log = pd.DataFrame | Iterable[Mapping[str, float]]
WINDOW = 0.05
"""Width of the running mean as a share of the logged steps."""
ACROSS = 3
"""Panels in a row."""


def training_curves(
    log: Log,
    title: str = "",
    target: float | None = None,
) -> Drawn:
    """Draw loss and gradient norm over the steps; for alignment also gap, accuracy and divergence.

    Parameters
    ----------
    log : the trainer's log history, one row or mapping per logged step with `step` and the metrics;
        metrics that were not logged have no panel.
    title : what was trained, for the caption.
    target : BoNBoN's target gap in nats, drawn beside the gap; None: no target.

    Raises
    ------
    CodealignError
        The log has no step with a loss.
    """
    frame, shown = _shown(log)
    with styled():
        rows = -(-len(shown) // ACROSS)
        note = "Thin: every logged step. Thick: running mean."
        note += " Dashed: the target gap." * (target is not None and "gap" in shown)
        width = style.WIDTH if len(shown) > 1 else 3.2
        figure = canvas(1.6 * rows, width, title or "Training curves", note)
        panels = figure.subplots(rows, min(ACROSS, len(shown)), squeeze=False).ravel()
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        for axes, name in zip(panels, shown, strict=False):
            _panel(axes, frame[["step", name]].dropna(), name)
            axes.set_xlim(_around(frame["step"]))  # one axis for all, however seldom one is logged
            if name == "gap" and target is not None:
                axes.axhline(target, color=style.BLUE, linewidth=0.8, linestyle="--")
    caption = f"Training curves{': ' * bool(title)}{title}. Thin: logged; thick: running mean."
    caption += f" Dashed: the target gap, {target:.2f} nats." if target is not None else ""
    alt = curves_in_words(frame)
    return Drawn("training_curves", caption, figure, alt, frame[["step", *shown]])


def curves_in_words(log: Log) -> str:
    """Return what the curves of a log do, as the alternative text of `training_curves` says it."""
    frame, shown = _shown(log)
    return " ".join(_curve_in_words(frame[name].dropna(), name) for name in shown)


def _shown(log: Log) -> tuple[pd.DataFrame, list[str]]:
    """Return a log as a frame, and the metrics that it has."""
    frame = pd.DataFrame(log if isinstance(log, pd.DataFrame) else list(log))
    shown = [name for name in METRICS if name in frame and frame[name].notna().any()]
    if "loss" not in shown or "step" not in frame:
        raise CodealignError("training log: no step with a loss; has the training run?")
    return frame, shown


def _around(steps: pd.Series) -> tuple[float, float]:
    """Return the steps' range with the usual margin, and some width around a single step."""
    margin = 0.05 * float(steps.max() - steps.min()) or 0.5
    return float(steps.min()) - margin, float(steps.max()) + margin


def _curve_in_words(values: pd.Series, name: str) -> str:
    """Return what a curve does: the means of its first and last tenth."""
    tenth = max(1, len(values) // 10)
    first, last = values.iloc[:tenth].mean(), values.iloc[-tenth:].mean()
    label = METRICS[name][0].upper() + METRICS[name][1:]
    return f"{label}: from {first:.3g} to {last:.3g} (first and last tenth)."


def _panel(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    smooth = rows[name].rolling(max(1, round(WINDOW * len(rows))), center=True, min_periods=1)
    mark = "o" if len(rows) == 1 else ""  # one point has no line
    axes.plot(rows["step"], rows[name], color=style.SKY, linewidth=0.6, alpha=0.7)
    axes.plot(rows["step"], smooth.mean(), mark, color=style.BLUE, linewidth=1.2, markersize=4)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(METRICS[name])
    axes.set_xlabel("step")
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)
