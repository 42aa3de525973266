"""The pictures of the stages' notebooks, from the funnel of preference data to the survey."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import confusion_matrix

from codealign.analysis import labels
from codealign.analysis.agreement import SCALE, Paired
from codealign.analysis.figures import style
from codealign.analysis.figures.common import as_rows, in_points, interval
from codealign.analysis.figures.style import Drawn, canvas, save, styled
from codealign.analysis.ratings import plain_name
from codealign.analysis.scores import benchmark
from codealign.errors import CodealignError
from codealign.evaluate.codal_scores import LOWEST

ROW = 0.26
"""Height in inches of one row of dots or bars."""
STEPS = {
    "seeds": "seed functions", "concepts": "with concepts", "instructions": "instructions",
    "responses": "responses", "executions": "responses executed", "passed": "pass their own tests",
    "checks": "whose tests can fail", "pairs": "preference pairs",
}  # fmt: skip
METRICS = {
    "loss": "loss",
    "gap": "gap, nats",
    "accuracy": "chosen preferred, share",
    "kl": "KL to reference, nats per token",
    "grad_norm": "gradient norm",
}
"""What a trainer logs, with the titles of its panels."""
Log = pd.DataFrame | Iterable[Mapping[str, float]]
WINDOW = 0.05
"""Width of the running mean as a share of the logged steps."""
ACROSS = 3
"""Panels of training curves in a row."""
PASSED = "pass"
LINE = "Line: 95 % interval."
KINDS = {
    PASSED: style.BLUE, "wrong": style.RED, "error": style.ORANGE, "no_answer": style.MUTED,
    "extraction": style.SKY, "timeout": style.FUNCTION, "crash": style.INK,
    "no_proof": style.KEYWORD, "sandbox_error": style.RULE, "missing": style.RULE,
}  # fmt: skip
"""Colours of a sample's fate; names as in `functional.verdicts.KINDS`."""
ON = {
    **dict.fromkeys((style.RED, style.ORANGE, style.SKY), style.DARK), style.RULE: style.INK,
}  # fmt: skip
"""Colour of the print on a colour of `KINDS`; on all others `style.ON`."""
READINGS = {
    "rated_mean": ("rated answers", style.BLUE, "o"), "zero_mean": ("unrated as 0", style.RED, "s"),
}  # fmt: skip
"""The two readings of CODAL's ratings: their name, colour and mark."""


def _rows(
    names: Sequence[str], title: str, note: str = "", label: str = "", zero: bool = False,
    extra: float = 0.55,
) -> tuple[Figure, Axes]:  # fmt: skip
    """Return a figure with a row for each name, the first on top, and its axes."""
    figure = canvas(extra + ROW * len(names), title=title, note=note)
    axes = figure.subplots()
    as_rows(axes, names, label, zero)
    return figure, axes


def _dot(axes: Axes, y: float, row: Mapping[str, Any], colour: str, form: str = ".1f",
         marker: str = "o", ink: str = style.INK) -> None:  # fmt: skip
    """Draw a value, its interval and, on the right, the number."""
    interval(axes, row, y, "value", colour, marker, size=4)
    axes.text(1.01, y, f"{row['value']:{form}}", transform=axes.get_yaxis_transform(), va="center",
              size=style.SMALL, color=ink)  # fmt: skip


def funnel(counts: Mapping[str, Mapping[str, int]], title: str) -> Drawn:
    """Draw how much is left after each step of the preference pipeline.

    Parameters
    ----------
    counts : of each step, `kept` and what was not kept, by reason.
    title : whose data, e.g. "nano, functional".
    """
    kept = {step: of["kept"] for step, of in counts.items() if step in STEPS}
    kept["passed"] = counts.get("executions", {}).get(PASSED, 0)
    kept = {step: kept[step] for step in STEPS if step in kept}
    data = pd.DataFrame([(STEPS[s], n) for s, n in kept.items()], columns=["step", "kept"])
    heading = f"{kept['pairs']:,} pairs from {kept['responses']:,} responses: {title}"
    with styled():
        figure, axes = _rows(data["step"], heading, extra=0.3)
        bars = axes.barh(range(len(kept)), data["kept"], color=style.SKY, height=0.7)
        bars[-1].set_color(style.BLUE)
        axes.bar_label(bars, _left(kept), padding=3, fontsize=style.NORMAL)
        axes.set_xlim(0, 1.12 * max(1, *kept.values()))
    numbers = "; ".join(f"{step} {n:,}" for step, n in data.itertuples(index=False))
    caption = (
        f"What is left after each step, {title}; percent: of the step before; of pairs: of the "
        "instructions."
    )
    return Drawn("funnel", caption, figure, f"What is left after each step: {numbers}.", data)


def _left(kept: Mapping[str, int]) -> list[str]:
    """Return each step's number and, where it is fewer, its share of the step before.

    Pairs are of instructions, whichever responses their rule goes by.
    """
    steps = list(kept)
    before = dict(zip(steps[1:], steps, strict=False)) | {"pairs": "instructions"}
    texts = []
    for step in steps:
        whole = kept.get(before.get(step, ""), 0)
        share = kept[step] / whole if whole else 1.0
        of = "the instructions" if step == "pairs" else "these"
        texts.append(f"{kept[step]:,}" + f" ({share:.0%} of {of})" * (share < 0.995))
    return texts


def training_curves(log: Log, title: str = "", target: float | None = None) -> Drawn:
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
    steps = frame["step"]
    room = 0.05 * float(steps.max() - steps.min()) or 0.5  # some width around a single step
    limits = steps.min() - room, steps.max() + room
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
            _curve(axes, frame[["step", name]].dropna(), name)
            axes.set_xlim(limits)  # one for all, however seldom one is logged
            if name == "gap" and target is not None:
                axes.axhline(target, color=style.BLUE, linewidth=0.8, linestyle="--")
    caption = f"Training curves{': ' * bool(title)}{title}. Thin: logged; thick: running mean."
    caption += f" Dashed: the target gap, {target:.2f} nats." if target is not None else ""
    return Drawn(
        "training_curves", caption, figure, curves_in_words(frame), frame[["step", *shown]]
    )


def _shown(log: Log) -> tuple[pd.DataFrame, list[str]]:
    """Return a log as a frame, and the metrics that it has."""
    frame = pd.DataFrame(log if isinstance(log, pd.DataFrame) else list(log))
    shown = [name for name in METRICS if name in frame and frame[name].notna().any()]
    if "loss" not in shown or "step" not in frame:
        raise CodealignError("training log: no step with a loss; has the training run?")
    return frame, shown


def _curve(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    smooth = rows[name].rolling(max(1, round(WINDOW * len(rows))), center=True, min_periods=1)
    mark = "o" if len(rows) == 1 else ""  # one point has no line
    axes.plot(rows["step"], rows[name], color=style.SKY, linewidth=0.6, alpha=0.7)
    axes.plot(rows["step"], smooth.mean(), mark, color=style.BLUE, linewidth=1.2, markersize=4)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(METRICS[name])
    axes.set_xlabel("step")
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)


def curves_in_words(log: Log) -> str:
    """Return what the curves of a log do: the means of their first and last tenth."""
    frame, shown = _shown(log)
    sentences = []
    for name in shown:
        values = frame[name].dropna()
        tenth = max(1, len(values) // 10)
        first, last = values.iloc[:tenth].mean(), values.iloc[-tenth:].mean()
        label = METRICS[name][0].upper() + METRICS[name][1:]
        sentences.append(f"{label}: from {first:.3g} to {last:.3g} (first and last tenth).")
    return " ".join(sentences)


def score_dots(measured: pd.DataFrame, title: str) -> Drawn:
    """Draw each score of one evaluated model (tidy scores), all in percent of their scale."""
    data = in_points(measured, "value", "low", "high")
    names = [benchmark(name).label for name in data["benchmark"]]
    note = "Mark: percent of problems solved; orange: DPS of the correct solutions. " + LINE
    with styled():
        counted = [f"{name} (n = {n})" for name, n in zip(names, data["n"], strict=True)]
        figure, axes = _rows(counted, title, note, "percent")
        for y, row in enumerate(data.to_dict("records")):
            _dot(axes, y, row, style.ORANGE if row["metric"] == "dps" else style.BLUE)
    numbers = "; ".join(f"{n} {value:.1f}" for n, value in zip(names, data["value"], strict=True))
    data = data[["benchmark", "metric", "value", "low", "high", "n"]]
    caption = f"{title}: scores in percent with 95 % intervals."
    return Drawn("scores", caption, figure, f"Scores in percent: {numbers}.", data)


def failure_bars(kinds: Mapping[str, Mapping[str, int]], title: str) -> Drawn:
    """Draw what became of a model's samples, as shares of each benchmark.

    Parameters
    ----------
    kinds : for each benchmark the number of samples of each kind, those that pass among them.
    """
    shown = [k for k in KINDS if any(of.get(k) for of in kinds.values())]
    counts = pd.DataFrame.from_dict(kinds, "index").reindex(list(kinds), columns=shown)
    counts = counts.fillna(0).astype(int)
    shares = counts.mul(100 / counts.sum(axis=1).clip(lower=1), axis=0)
    starts = shares.cumsum(axis=1) - shares
    with styled():
        names = [benchmark(n).label for n in kinds]
        figure, axes = _rows(names, title, label="percent of the samples", extra=0.6)
        for kind in shown:
            bars = axes.barh(range(len(kinds)), shares[kind], left=starts[kind], height=0.72,
                             color=KINDS[kind], label=kind.replace("_", " "))  # fmt: skip
            texts = counts[kind].astype(str).where(shares[kind] > 4, "")
            axes.bar_label(bars, texts, label_type="center", fontsize=style.SMALL,
                           color=ON.get(KINDS[kind], style.ON))  # fmt: skip
        axes.set_xlim(0, 100)
        figure.legend(loc="outside lower center", ncols=min(5, len(shown)))
    caption = f"{title}: what became of the samples of each benchmark."
    data = counts.stack().reset_index().set_axis(["benchmark", "kind", "samples"], axis=1)
    return Drawn("failures", caption, figure, _fates_in_words(counts.sum()), data)


def _fates_in_words(sums: pd.Series) -> str:
    """Return how many samples pass and how the others fail, the most frequent kind first."""
    sums = sums.sort_values(ascending=False, kind="stable")
    fails = [f"{kind.replace('_', ' ')} {n:,}" for kind, n in sums.items() if kind != PASSED]
    sentence = f"Of {sums.sum():,} samples {sums.get(PASSED, 0):,} pass"
    return f"{sentence}; the others: {', '.join(fails)}." if fails else f"{sentence}."


def dimension_dots(readings: pd.DataFrame, title: str) -> Drawn:
    """Draw the CODAL scores of one model in both readings, with 95 % intervals.

    Parameters
    ----------
    readings : what `codal_scores.side_by_side` returns.
    """
    names = [benchmark(name).label for name in readings.index]
    columns = [f"{name}{end}" for name in READINGS for end in ("", "_low", "_high")]
    with styled():
        figure, axes = _rows(names, title, LINE, f"rating, {LOWEST:g} to 10", extra=0.75)
        for off, (column, (_, colour, marker)) in zip((-0.18, 0.18), READINGS.items(), strict=True):
            ends = {column: "value", f"{column}_low": "low", f"{column}_high": "high"}
            for y, row in enumerate(readings.rename(columns=ends).to_dict("records")):
                _dot(axes, y + off, row, colour, ".2f", marker, colour)
        handles = [Line2D([], [], linestyle="", marker=marker, color=colour, markersize=4,
                          label=label) for label, colour, marker in READINGS.values()]  # fmt: skip
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    rated = zip(names, readings["rated_mean"], strict=True)
    means = "; ".join(f"{name} {value:.2f}" for name, value in rated)
    apart = float((readings["rated_mean"] - readings["zero_mean"]).abs().max())
    alt = f"Mean rating of 10: {means}. The two readings differ by at most {apart:.2f}."
    data = readings[columns].rename_axis("benchmark").reset_index()
    caption = f"{title}: mean rating in both readings, with 95 % intervals."
    return Drawn("dimensions", caption, figure, alt, data)


def change_dots(stages: pd.DataFrame, title: str) -> Drawn | None:
    """Draw how each stage's ratings differ from an earlier stage's; None if nothing was compared.

    Parameters
    ----------
    stages : rows of `judging.paired_stages`.
    """
    data = stages.rename(columns={"difference": "value"})
    rows = data.to_dict("records")
    if not rows:
        return None
    steps = [f"{model} {labels.VARIANTS[variant]}: {labels.STAGES[row['before']]} to "
             f"{labels.STAGES[row['after']]}"
             for (model, variant), row in zip(data.index, rows, strict=True)]  # fmt: skip
    clear = ((data["low"] > 0) | (data["high"] < 0)).tolist()
    with styled():
        note = "Blue: the interval excludes 0. " + LINE
        label = "change of the mean rating, points of 10"
        figure, axes = _rows(steps, title, note, label, zero=True)
        for y, row in enumerate(rows):
            _dot(axes, y, row, style.BLUE if clear[y] else style.MUTED, "+.2f")
    result = f"{sum(clear)} of {len(rows)} changes can be told from none"
    moves = "; ".join(f"{step} {row['value']:+.2f}" for step, row in zip(steps, rows, strict=True))
    data = data[["pathway", "before", "after", "value", "low", "high"]]
    caption = f"{title}: {result} (95 % intervals)."
    return Drawn("stage_changes", caption, figure, f"{result}. In points: {moves}.", data)


def survey_dots(shares: pd.DataFrame, title: str) -> Drawn:
    """Draw the share of practitioners that chose each option, with Wilson's 95 % intervals.

    Parameters
    ----------
    shares : what `survey.shares` returns.
    """
    names = (shares["question"] + ": " + shares["option"]).tolist()
    with styled():
        figure, axes = _rows(names, title, LINE, "percent of the answers")
        for y, row in enumerate(shares.rename(columns={"percent": "value"}).to_dict("records")):
            _dot(axes, y, row, style.BLUE)
    answered = shares.dropna(subset=["percent"])
    first = answered.loc[answered.groupby("question", sort=False)["percent"].idxmax()]
    favourites = "; ".join(
        f"{r.question}: {r.option} {r.percent:.0f} %" for r in first.itertuples()
    )
    caption = f"{title}: shares with Wilson's 95 % intervals."
    data = shares[["question", "option", "percent", "low", "high"]]
    return Drawn("survey", caption, figure, f"Chosen most often: {favourites}.", data)


def confusion(paired: Paired, first: str, second: str, note: str = "") -> Drawn:
    """Draw the counts of every pair of ratings by two judges; the outlined diagonal is agreement.

    Parameters
    ----------
    first, second : names of the judges, for rows and columns.
    note : what the reader must know, added to the caption.
    """
    counts = np.zeros((len(SCALE), len(SCALE)), dtype=int)
    if paired.first:
        counts = confusion_matrix(paired.first, paired.second, labels=SCALE)
    sentence = _agreement_in_words(paired, first, second)
    top = max(counts.max(), 3)
    colours = style.HEAT[3:]
    with styled():
        figure = canvas(3.3, 3.4, "Ratings of the same answers by two judges", sentence)
        axes = figure.add_subplot()
        seaborn.heatmap(
            counts, ax=axes, square=True, cbar=False, cmap=ListedColormap(colours),
            norm=BoundaryNorm([0, 0.5, top / 3, 2 * top / 3, top + 1], len(colours)),
            linewidths=0.6, linecolor=style.PAPER, xticklabels=SCALE, yticklabels=SCALE,
        )  # fmt: skip
        for (row, column), count in np.ndenumerate(counts):
            if count:
                ink = style.ON if count > 2 * top / 3 else style.INK
                axes.text(column + 0.5, row + 0.52, str(count), ha="center", va="center",
                          size=style.SMALL, color=ink)  # fmt: skip
        edges = np.arange(len(SCALE) + 1)
        axes.stairs(edges[1:], edges, baseline=edges[:-1], color=style.ORANGE, linewidth=1.0)
        axes.set(xlabel=f"rating by {second}", ylabel=f"rating by {first}")
        axes.tick_params(length=0, rotation=0)
    caption = (
        f"How often each pair of ratings met: {first} (rows) and {second} (columns), "
        f"{len(paired.first)} answers rated by both, {paired.unrated} left out as unrated. "
        f"Outlined: equal ratings. {note}"
    )
    met = [(SCALE[i], SCALE[j], count) for (i, j), count in np.ndenumerate(counts)]
    rows = pd.DataFrame(met, columns=[f"rating by {first}", f"rating by {second}", "answers"])
    stem = f"confusion_{plain_name(first)}_{plain_name(second)}"
    return Drawn(stem, caption.strip(), figure, sentence, rows)


def _agreement_in_words(paired: Paired, first: str, second: str) -> str:
    """Return how many ratings are equal and how many near, in a sentence."""
    n = len(paired.first)
    if not n:
        return "No answer was rated by both judges."
    apart = np.subtract(paired.second, paired.first)
    lower, higher = (apart < 0).sum(), (apart > 0).sum()
    return (
        f"{n} answers. Equal (outlined): {(apart == 0).sum() / n:.0%}; at most 1 point apart: "
        f"{(abs(apart) <= 1).sum() / n:.0%}. {second} rates lower than {first} in {lower / n:.0%} "
        f"and higher in {higher / n:.0%}."
    )


def write_confusion(paired: Paired, first: str, second: str, out: Path, note: str = "") -> Drawn:
    """Draw the heat map of two judges, write it with its data to a folder, and return it."""
    drawn = confusion(paired, first, second, note)
    with styled():
        save(drawn, out)
    return drawn
