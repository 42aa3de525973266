"""What each chart draws, read back from its axes."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from made_up_run import measured, unscored
from matplotlib.axes import Axes

from codealign.analysis.changes import changes
from codealign.analysis.figures.common import present, source_phrase
from codealign.analysis.figures.dots import dots
from codealign.analysis.figures.heatmap import heatmap
from codealign.analysis.figures.plane import plane
from codealign.analysis.figures.profiles import profiles
from codealign.analysis.figures.style import STAGE_COLOURS, STAGE_MARKERS, Drawn, styled
from codealign.analysis.figures.versus import versus
from codealign.analysis.scores import percent_of_scale, published


@pytest.fixture(autouse=True)
def _style():
    with styled():
        yield


@pytest.fixture(scope="module")
def paper_changes() -> pd.DataFrame:
    return changes(published())


def both(paper: pd.DataFrame, run: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([paper, changes(run)], ignore_index=True)


def marks(axes: Axes, stage: str) -> list[tuple[float, float]]:
    """Return the positions of one stage's single marks."""
    lines = [line for line in axes.lines if line.get_marker() == STAGE_MARKERS[stage]]
    data = [line.get_xydata() for line in lines if line.get_color() == STAGE_COLOURS[stage]]
    return [tuple(points[0].round(6)) for points in data if len(points) == 1]


def words(axes: Axes) -> list[str]:
    return [t.get_text() for t in axes.texts]


def only(drawn: Drawn | None) -> Axes:
    assert drawn is not None
    return drawn.figure.axes[0]


def test_percent_of_scale_knows_each_metrics_unit() -> None:
    frame = pd.DataFrame(
        {"benchmark": ["humaneval", "evalperf", "codal_style"], "value": [0.5, 50.0, 5.0]}
    )
    assert list(percent_of_scale(frame, "value")) == [50, 50, 50]


def test_percent_of_an_empty_table_is_empty() -> None:
    assert percent_of_scale(measured().head(0), "value").empty


def test_stages_are_in_the_order_of_training() -> None:
    frame = pd.DataFrame({"stage": ["bonbon", "base", "dpo", "base"]})
    assert present(frame, "stage") == ["base", "dpo", "bonbon"]


def test_models_that_the_paper_lacks_come_last() -> None:
    frame = pd.DataFrame({"model": ["nano", "deepseek-coder-7b", "Meta-Llama-3-8B"]})
    assert present(frame, "model") == ["Meta-Llama-3-8B", "deepseek-coder-7b", "nano"]


@pytest.mark.parametrize(
    ("sources", "phrase"),
    [(["paper"], "published numbers"), (["mine"], "measured in run mine"),
     (["mine", "paper"], "published numbers and measured in run mine"), ([], "no numbers")],
)  # fmt: skip
def test_captions_say_where_numbers_come_from(sources: list[str], phrase: str) -> None:
    assert source_phrase(pd.DataFrame({"source": sources})) == phrase


def test_dots_have_a_panel_a_benchmark_of_the_table() -> None:
    titles = [axes.get_title("left") for axes in dots(published(), 5).figure.axes]
    assert titles == ["Diff", "Crea", "Sub", "Comb", "Tool", "Verb+", "Conc+"]


def test_dots_stand_at_the_scores() -> None:
    # base at 0.4 of the scale for both variants, BoNBoN 15 points higher
    axes = only(dots(measured(), 3))
    assert [x for x, _ in marks(axes, "base")] == [0.4, 0.4]
    assert [x for x, _ in marks(axes, "bonbon")] == [0.55, 0.55]


def test_dots_of_one_group_do_not_hide_each_other() -> None:
    axes = only(dots(measured(), 3))
    heights = [marks(axes, stage)[0][1] for stage in STAGE_MARKERS]
    assert len(set(heights)) == 4 and heights == sorted(heights)


def test_dots_span_the_whole_scale() -> None:
    for axes in dots(published(), 4).figure.axes:
        low, high = axes.get_xlim()
        assert low <= 0 and high >= 10


def test_dots_draw_each_interval() -> None:
    axes = only(dots(measured(), 3))
    spans = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
    # 2 variants x 4 stages; each from 10 points below to 10 above
    assert len(spans) == 8
    assert all(high - low == pytest.approx(0.2) for low, high in spans)


def test_dots_name_their_interval() -> None:
    assert "(Wilson, Wilson, variance bound)" in dots(published(), 3).caption


def test_dots_of_nothing_scored_are_left_empty() -> None:
    drawn = dots(unscored(measured(), "mbpp"), 3)
    panel = next(a for a in drawn.figure.axes if a.get_title("left") == "MBPP")
    assert all(math.isnan(x) for x, _ in marks(panel, "base"))


def test_profiles_have_a_panel_a_model_and_variant() -> None:
    assert len(profiles(published()).figure.axes) == 10


def test_a_profile_runs_over_the_five_dimensions() -> None:
    # Table 4, Llama, pretrained, base: 0.01 0.04 0.02 0.01 0.09
    line = only(profiles(published())).lines[0]
    assert list(line.get_ydata()) == [0.01, 0.04, 0.02, 0.01, 0.09]


def test_profiles_of_a_row_share_a_scale_that_holds_all() -> None:
    # the highest fine-tuned rating of Table 4 is 8.48
    axes = profiles(published()).figure.axes[5:]
    assert len({a.get_ylim() for a in axes}) == 1
    assert axes[0].get_ylim()[1] > 8.48


def test_the_heat_map_has_a_cell_for_every_benchmark_and_pathway(
    paper_changes: pd.DataFrame,
) -> None:
    axes = only(heatmap(paper_changes, "bonbon"))
    assert len(axes.patches) == 18 * 10


def test_the_heat_map_is_bold_where_a_change_can_be_told(paper_changes: pd.DataFrame) -> None:
    part = paper_changes[paper_changes["stage"] == "dpo"]
    axes = only(heatmap(paper_changes, "dpo"))
    cells = [t for t in axes.texts if t.get_size() == 5.8]
    told = (part["p_value"] < 0.05) & part["relative"].notna()
    assert sum(t.get_weight() == "bold" for t in cells) == told.sum()


def test_the_heat_map_shows_no_signed_zero(paper_changes: pd.DataFrame) -> None:
    assert not {"+0", "-0", "−0"} & set(words(only(heatmap(paper_changes, "dpo"))))


def test_the_plane_draws_every_aligned_cell_but_the_codal_average() -> None:
    run = measured()
    axes = plane(changes(run)).figure.axes
    small = sum(len(c.get_offsets()) for a in axes for c in a.collections
                if len(c.get_offsets()) > 1)  # fmt: skip
    # 17 columns without the average x 2 variants x DPO and BoNBoN
    assert small == 17 * 2 * 2


def test_the_plane_has_a_panel_a_requirement_that_was_run() -> None:
    run = measured()[lambda f: f["requirement"] == "non_functional"]
    titles = [a.get_title("left") for a in plane(changes(run)).figure.axes]
    assert titles == ["Non-functional (CODAL)"]


def test_versus_sets_the_run_over_the_published_range(paper_changes: pd.DataFrame) -> None:
    run = measured()[lambda f: f["benchmark"] == "humaneval"]
    axes = only(versus(both(paper_changes, run), "nano"))
    bars = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 3.2]
    # HumanEval, pretrained, DPO: Qwen +1.8, Llama +15.8, CodeLlama -1.2, 1.3B +0.6, 7B -2.4 points
    assert list(bars[1]) == pytest.approx([-2.4, 15.8])
    assert marks(axes, "dpo")[0][0] == pytest.approx(10)


def test_versus_marks_the_published_median(paper_changes: pd.DataFrame) -> None:
    run = measured()[lambda f: f["benchmark"] == "humaneval"]
    axes = only(versus(both(paper_changes, run), "nano"))
    ticks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"]
    # of -2.4 -1.2 0.6 1.8 15.8 the middle one
    assert ticks[1] == pytest.approx(0.6)


def test_versus_names_the_pathways(paper_changes: pd.DataFrame) -> None:
    drawn = versus(both(paper_changes, measured()), "nano")
    titles = [a.get_title("left") for a in drawn.figure.axes]
    assert titles == ["PTA: from pretrained", "FTA: from fine-tuned"]


def test_versus_warns_that_problems_may_differ(paper_changes: pd.DataFrame) -> None:
    caption = versus(both(paper_changes, measured()), "nano").caption
    assert "published numbers and measured in run mine" in caption
    assert "differ in their problems" in caption


def test_stages_differ_in_shape_as_well_as_in_colour() -> None:
    assert len(set(STAGE_MARKERS.values())) == len(set(STAGE_COLOURS.values())) == 4
