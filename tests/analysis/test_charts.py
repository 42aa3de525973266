"""What each chart draws, read back from its axes."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from made_up_run import measured, unscored
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from codealign.analysis.changes import changes
from codealign.analysis.figures.common import (
    gains_and_losses,
    numbers,
    points,
    present,
    source_phrase,
)
from codealign.analysis.figures.dots import dots, profiles, versus
from codealign.analysis.figures.heatmap import heatmap, plane
from codealign.analysis.figures.style import HEAT, STAGE_COLOURS, STAGE_MARKERS, Drawn, styled
from codealign.analysis.scores import percent_of_scale, published
from codealign.analysis.summary import summarise


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


@pytest.mark.parametrize(
    ("value", "text"), [(15.8, "+16"), (-9.96, "−10"), (0.04, "0"), (-0.04, "0"), (-1.25, "−1.2")]
)
def test_points_have_one_decimal_below_ten(value: float, text: str) -> None:
    assert points(value) == text


def test_different_numbers_of_problems_are_told() -> None:
    assert (numbers([28, 28]), numbers([28, 20])) == ("n = 28", "n = 20 to 28")


def test_changes_are_told_with_the_largest_and_what_is_sure() -> None:
    frame = changes(measured())[lambda f: (f["benchmark"] == "humaneval") & (f["stage"] == "dpo")]
    frame = frame.assign(absolute=[3.0, -2.0], low=[1.0, -4.0], high=[5.0, 1.0])
    told = gains_and_losses(frame)
    assert "Gains among 2 changes: 1, losses: 1." in told
    assert "leaves out zero for gains: 1, for losses: 0." in told
    assert "Largest gain: nano pretrained DPO on HumanEval +3.0 points" in told


def titles(drawn: Drawn) -> list[str]:
    return [axes.get_title("left") for axes in drawn.figure.axes]


def test_dots_have_a_panel_a_benchmark_of_the_table_under_its_name() -> None:
    found = titles(dots(published(), 5))
    assert found == [
        "Difficult",
        "Creative",
        "Subtle",
        "Combine",
        "ToolUse",
        "Verbose+",
        "Concise+",
    ]


def test_dots_stand_at_the_scores_in_percent() -> None:
    # base at 0.4 of the scale for both variants, BoNBoN 15 points higher; EvalPerf is the last
    for axes in (only(dots(measured(), 3)), dots(measured(), 3).figure.axes[-1]):
        assert [x for x, _ in marks(axes, "base")] == [40, 40]
        assert [x for x, _ in marks(axes, "bonbon")] == [55, 55]


def test_dots_of_one_group_do_not_hide_each_other() -> None:
    axes = only(dots(measured(), 3))
    heights = [marks(axes, stage)[0][1] for stage in STAGE_MARKERS]
    assert len(set(heights)) == 4 and heights == sorted(heights)


@pytest.mark.parametrize("table", [3, 4, 5])
def test_dots_share_one_scale_around_the_data(table: int) -> None:
    drawn = dots(measured(), table)
    assert len({axes.get_xlim() for axes in drawn.figure.axes}) == 1
    # intervals from 10 points below the base at 40 to 10 above BoNBoN at 55, and 4 % of the 35
    unit = 0.1 if table == 4 else 1
    assert drawn.figure.axes[0].get_xlim() == pytest.approx((28.6 * unit, 66.4 * unit))


def test_dots_say_how_many_problems_each_benchmark_has() -> None:
    assert [words(axes) for axes in dots(published(), 3).figure.axes] == [
        ["n = 164"], ["n = 164"], ["n = 378"], ["n = 378"], ["n = 118"],
    ]  # fmt: skip


def test_dots_draw_each_interval() -> None:
    axes = only(dots(measured(), 3))
    spans = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 0.8]
    # 2 variants x 4 stages; each from 10 points below to 10 above
    assert len(spans) == 8
    assert all(high - low == pytest.approx(20) for low, high in spans)


def test_dots_name_their_interval() -> None:
    assert "(Wilson, Wilson, variance bound)" in dots(published(), 3).caption


def test_dots_of_nothing_scored_are_left_empty() -> None:
    drawn = dots(unscored(measured(), "mbpp"), 3)
    panel = next(a for a in drawn.figure.axes if a.get_title("left") == "MBPP")
    assert all(math.isnan(x) for x, _ in marks(panel, "base"))


def test_profiles_have_a_panel_a_model_and_variant_on_one_scale(
    paper_changes: pd.DataFrame,
) -> None:
    axes = profiles(paper_changes).figure.axes
    assert len(axes) == 10 and len({a.get_xlim() for a in axes}) == 1


def test_a_profile_shows_each_dimensions_change_and_the_bases_rating(
    paper_changes: pd.DataFrame,
) -> None:
    # Table 4, Llama, fine-tuned, base: 3.72 6.04 5.22 5.93 6.20; BoNBoN: 5.43 on the first
    axes = profiles(paper_changes).figure.axes[5]
    assert words(axes) == ["3.7", "6.0", "5.2", "5.9", "6.2"]
    assert marks(axes, "bonbon")[0][0] == pytest.approx(1.71)


def cells(axes: Axes) -> list[str]:
    return [to_hex(colour) for colour in axes.collections[0].get_facecolors()]


def test_the_heat_map_has_a_cell_for_every_benchmark_and_pathway(
    paper_changes: pd.DataFrame,
) -> None:
    axes = only(heatmap(paper_changes, "bonbon"))
    axes.figure.draw_without_rendering()
    assert len(cells(axes)) == 18 * 10


def test_the_heat_map_has_no_column_for_a_pathway_that_nobody_ran() -> None:
    one = changes(measured()).query("variant == 'finetuned'")
    axes = only(heatmap(one, "dpo"))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["FTA"]
    assert "not run" not in words(axes)


def test_the_heat_map_is_coloured_by_evidence_not_by_size() -> None:
    moved = changes(measured())[lambda f: (f["benchmark"] == "mbpp") & (f["stage"] == "dpo")]
    sure = moved.assign(absolute=[0.01, -0.01], p_value=[0.01, 0.001], p_holm=[0.2, 0.01])
    chance = moved.assign(absolute=[0.5, 0.0], p_value=[0.3, 1.0], p_holm=[1.0, 1.0])
    found = []
    for frame in (sure, chance):
        axes = only(heatmap(frame, "dpo"))
        axes.figure.draw_without_rendering()
        bold = [t.get_weight() == "bold" for t in axes.texts if t.get_size() == 5.8]
        found.append((cells(axes), bold))
    assert found == [([HEAT[5], HEAT[0]], [True, True]), ([HEAT[4], HEAT[3]], [False, False])]


def test_the_heat_map_shows_no_signed_zero(paper_changes: pd.DataFrame) -> None:
    assert not {"+0", "-0", "−0"} & set(words(only(heatmap(paper_changes, "dpo"))))


def test_the_plane_draws_every_aligned_cell_of_the_requirements_scores() -> None:
    run = measured()
    axes = plane(changes(run)).figure.axes
    small = sum(len(c.get_offsets()) for a in axes for c in a.collections
                if len(c.get_offsets()) > 1)  # fmt: skip
    # 9 functional benchmarks and 5 dimensions x 2 variants x DPO and BoNBoN
    assert small == 14 * 2 * 2


def test_the_planes_means_are_the_scores_of_the_summary() -> None:
    run = measured()
    # HumanEval without the added tests is no part of the score, wherever it lies
    run.loc[run["benchmark"] == "humaneval", "value"] = 0.0
    base = summarise(run).query("stage == 'base' and requirement == 'functional'")["score"]
    assert list(base) == pytest.approx([40, 40])
    alt = plane(changes(run)).alt
    assert "functional PTA: mean base score 40.0, mean change +12 points" in alt  # 12.5


def test_the_plane_has_a_panel_a_requirement_that_was_run() -> None:
    run = measured()[lambda f: f["requirement"] == "non_functional"]
    assert titles(plane(changes(run))) == ["CODAL's dimensions"]


def test_versus_sets_the_run_over_the_five_published_models(paper_changes: pd.DataFrame) -> None:
    run = measured()[lambda f: f["benchmark"] == "humaneval"]
    axes = only(versus(both(paper_changes, run), "nano"))
    ticks = [sorted(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"]
    # HumanEval, pretrained, DPO: Qwen +1.8, Llama +15.8, CodeLlama -1.2, 1.3B +0.6, 7B -2.4 points
    assert ticks[0] == pytest.approx([-2.4, -1.2, 0.6, 1.8, 15.8])
    assert marks(axes, "dpo")[0][0] == pytest.approx(10)


def test_versus_says_how_many_changes_lie_within_the_published_range(
    paper_changes: pd.DataFrame,
) -> None:
    # +10 and +15 points: of -2.4 to 15.8 (DPO) and -4.8 to 14.6 (BoNBoN) pretrained, the first
    # lies within; of the fine-tuned none gains more than 2.4
    run = measured()[lambda f: f["benchmark"] == "humaneval"]
    assert versus(both(paper_changes, run), "nano").alt.startswith("1 of 4 changes of the run lie")


def test_versus_gives_the_runs_problems(paper_changes: pd.DataFrame) -> None:
    axes = only(versus(both(paper_changes, measured()), "nano"))
    assert axes.get_yticklabels()[0].get_text() == "HumanEval, n = 20"


def test_versus_names_the_pathways(paper_changes: pd.DataFrame) -> None:
    drawn = versus(both(paper_changes, measured()), "nano")
    assert titles(drawn) == ["PTA: from pretrained", "FTA: from fine-tuned"]


def test_versus_warns_that_problems_may_differ(paper_changes: pd.DataFrame) -> None:
    caption = versus(both(paper_changes, measured()), "nano").caption
    assert "published numbers and measured in run mine" in caption
    assert "differ in their problems" in caption


def test_stages_differ_in_shape_as_well_as_in_colour() -> None:
    assert len(set(STAGE_MARKERS.values())) == len(set(STAGE_COLOURS.values())) == 4
