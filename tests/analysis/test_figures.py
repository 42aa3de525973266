"""Figures: what they show, that nothing runs over an edge or another text, the same bytes twice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pandas as pd
import pytest
from made_up_run import CONTEXT, measured
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from codealign.analysis.changes import changes
from codealign.analysis.figures import draw_figures, training_curves, write_figures
from codealign.analysis.figures.diagrams import FILLS, figure2, figure3
from codealign.analysis.figures.dots import dots
from codealign.analysis.figures.heatmap import heatmap
from codealign.analysis.figures.listings import COLOURS, Panel, figure1, figure5, figure6
from codealign.analysis.figures.plane import plane
from codealign.analysis.figures.profiles import profiles
from codealign.analysis.figures.style import WIDTH, Drawn, save, styled, write_captions
from codealign.analysis.figures.versus import versus
from codealign.analysis.figures.workflow import figure4
from codealign.analysis.scores import published
from codealign.errors import CodealignError

PAPER = ["figure1", "figure2", "figure3", "figure4", "figure5", "figure6"]
CHARTS = ["heatmap_dpo", "heatmap_bonbon", "stability_plasticity",
          "scores_functional", "scores_codal", "scores_evoeval", "dimension_profiles"]  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> Iterator[dict[str, Drawn]]:
    with styled():
        yield {d.stem: d for d in draw_figures(measured(), CONTEXT)}


def texts(figure: Drawn) -> list[Text]:
    found = figure.figure.findobj(Text)
    return [t for t in found if t.get_text().strip() and t.get_visible()]


def words(figure: Drawn) -> set[str]:
    return {t.get_text() for t in texts(figure)}


def test_a_run_has_all_figures_and_is_set_against_the_paper(drawn: dict[str, Drawn]) -> None:
    assert list(drawn) == [*PAPER, *CHARTS, "published_and_nano"]


def test_every_caption_of_a_chart_names_the_source(drawn: dict[str, Drawn]) -> None:
    for stem in CHARTS:
        assert "measured in run mine" in drawn[stem].caption


def test_figures_are_no_wider_than_the_text_column(drawn: dict[str, Drawn]) -> None:
    assert all(d.figure.get_figwidth() <= WIDTH for d in drawn.values())


@pytest.mark.parametrize("stem", [*PAPER, *CHARTS, "published_and_nano"])
def test_no_text_runs_over_the_edge(drawn: dict[str, Drawn], stem: str) -> None:
    figure = drawn[stem].figure
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # of everything visible, in inches
    width, height = figure.get_size_inches()
    slack = 0.02
    assert box.x0 >= -slack and box.y0 >= -slack
    assert box.x1 <= width + slack and box.y1 <= height + slack


@pytest.mark.parametrize("make", [figure2, figure3, lambda: figure4(CONTEXT)])
def test_no_two_texts_of_a_diagram_overlap(make) -> None:
    with styled():
        figure = make()
        figure.figure.draw_without_rendering()
        for a, b in itertools.combinations(texts(figure), 2):
            first, second = a.get_window_extent(), b.get_window_extent()
            assert not first.overlaps(second), (a.get_text(), b.get_text())


def test_figure_4_shows_the_runs_counts(drawn: dict[str, Drawn]) -> None:
    assert {"1,300", "2,600", "204"} <= words(drawn["figure4"])
    assert "nano functional" in drawn["figure4"].caption


def test_figure_4_without_a_run_shows_no_number() -> None:
    from codealign.analysis.context import Context

    with styled():
        figure = figure4(Context())
    assert not any(word.replace(",", "").isdigit() for word in words(figure))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_highlighted_code_can_be_read() -> None:
    # WCAG 2.2 asks 4.5:1 of small text
    assert all(contrast(colour, "#fbfbfa") >= 4.5 for _, colour, _ in COLOURS)


def test_text_in_boxes_can_be_read() -> None:
    assert all(contrast("#1b1f24", fill) >= 4.5 for fill, _ in FILLS.values())


def test_a_listing_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CodealignError, match="a line of 90 characters"):
        Panel("Wide", "x" * 90, "#000000").lines(2.0, 7)


def test_the_listings_hold_the_examples() -> None:
    with styled():
        for figure, word in ((figure1(), "scrypt"), (figure5(), "TypeError"), (figure6(), "rl")):
            assert any(word in found for found in words(figure))


def test_the_heat_map_shows_the_relative_change() -> None:
    # Llama3-8B, F1, DPO: 0.372 -> 0.530 is +42 %; CodeLlama, EvoEval Difficult has a base of 0
    with styled():
        found = words(heatmap(changes(published()), "dpo"))
    assert {"+42", "n/a", "−40"} <= found


def test_the_heat_map_says_what_was_not_run() -> None:
    frame = measured()
    frame = frame[~((frame["benchmark"] == "mbpp") & (frame["variant"] == "finetuned"))]
    with styled():
        assert "not run" in words(heatmap(changes(frame), "dpo"))


def test_the_planes_means_are_of_points_in_percent() -> None:
    # every stage is 5 points better than the one before: DPO +10, BoNBoN +15, mean +12.5 at 40
    with styled():
        axes = plane(changes(measured())).figure.axes[0]
    means = [c.get_offsets().tolist() for c in axes.collections if len(c.get_offsets()) == 1]
    assert [40.0, 12.5] in [[round(x, 6), round(y, 6)] for ((x, y),) in means]


def test_charts_without_their_scores_are_left_out() -> None:
    functional = measured()[lambda f: f["requirement"] == "functional"]
    with styled():
        assert profiles(functional) is None
        assert dots(functional, 4) is None


def test_a_stage_that_was_not_trained_has_no_map() -> None:
    only = measured()[lambda f: f["stage"].isin(["base", "sft"])]
    with styled():
        assert heatmap(changes(only), "dpo") is None
        assert plane(changes(only)) is None


def test_versus_needs_a_run() -> None:
    with styled():
        assert versus(changes(published()), "nano") is None


@pytest.mark.long
def test_files_and_captions_are_written(tmp_path: Path) -> None:
    base = measured()[lambda f: f["stage"] == "base"]
    paths = write_figures(tmp_path, base)
    captions = json.loads((tmp_path / "captions.json").read_text())
    assert list(captions) == [*PAPER, *CHARTS[3:]]
    assert len(paths) == 3 * len(captions) + 1
    assert all(p.exists() and p.stat().st_size > 1000 for p in paths[:-1])


def test_captions_keep_the_order_of_showing(tmp_path: Path) -> None:
    with styled():
        path = write_captions([figure2(), figure3()], tmp_path)
    assert list(json.loads(path.read_text())) == ["figure2", "figure3"]


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        with styled():
            found.append([p.read_bytes() for p in save(figure2(), tmp_path / name)])
    assert found[0] == found[1]


def test_drawing_leaves_the_users_style_alone() -> None:
    before = dict(matplotlib.rcParams)
    with styled():
        figure5()
    assert dict(matplotlib.rcParams) == before


def test_training_curves_have_a_panel_a_logged_metric() -> None:
    log = [{"step": i, "loss": 1 / (i + 1), "gap": i} for i in range(20)]
    found = training_curves(log)
    assert {"loss", "gap, nats"} <= words(found)
    assert found._repr_png_().startswith(b"\x89PNG")


def test_a_log_without_loss_is_refused() -> None:
    with pytest.raises(CodealignError, match="no step with a loss"):
        training_curves(pd.DataFrame({"step": [1], "epoch": [0.1]}))


def test_the_committed_figures_are_all_there() -> None:
    folder = Path(__file__).resolve().parents[2] / "figures" / "paper"
    captions = json.loads((folder / "captions.json").read_text())
    assert list(captions) == [*PAPER, *CHARTS, "claims"]
    files = {p.name for p in folder.iterdir()} - {"captions.json"}
    assert files == {f"{stem}.{suffix}" for stem in captions for suffix in ("pdf", "svg", "png")}
    assert sum(p.stat().st_size for p in folder.iterdir()) < 6e6
