"""The pictures of the stages' notebooks: what is drawn is what was measured."""

from __future__ import annotations

import math
import re

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from codealign.analysis.figures import stages, style
from codealign.analysis.figures.style import Drawn

COUNTS = {
    "seeds": {"kept": 10}, "concepts": {"kept": 9}, "instructions": {"kept": 8},
    "responses": {"kept": 32}, "executions": {"kept": 20, "pass": 5}, "pairs": {"kept": 3},
}  # fmt: skip


SCORES = pd.DataFrame([
    {"benchmark": "humaneval", "metric": "pass@1", "value": 0.5, "low": 0.4, "high": 0.6, "n": 164},
    {"benchmark": "evalperf", "metric": "dps", "value": 60.0, "low": 50.0, "high": 70.0, "n": 9},
])  # fmt: skip
READINGS = pd.DataFrame.from_dict({
    name: {"rated_mean": 8.0, "rated_mean_low": 7.0, "rated_mean_high": 9.0, "zero_mean": 7.2,
           "zero_mean_low": 6.0, "zero_mean_high": 8.4} for name in ("codal_style", "codal")
}, orient="index")  # fmt: skip
CHANGED = pd.DataFrame([
    {"pathway": "nano/finetuned", "before": "sft", "after": "dpo", "difference": 0.4, "low": low,
     "high": 0.7} for low in (0.1, -0.1)
], pd.MultiIndex.from_tuples([("nano", "finetuned")] * 2))  # fmt: skip
ANSWERED = pd.DataFrame([
    {"question": "Q1", "option": option, "percent": percent, "low": percent - 9.0,
     "high": percent + 9.0} for option, percent in (("often", 70.0), ("never", 30.0))
])  # fmt: skip
FATES = {"mbpp": {"pass": 4, "wrong": 3, "missing": 1}, "evalperf": {"pass": 2}}
DRAWN = {
    "funnel": lambda: stages.funnel(COUNTS, "nano, functional"),
    "scores": lambda: stages.score_dots(SCORES, "nano"),
    "failures": lambda: stages.failure_bars(FATES, "nano"),
    "dimensions": lambda: stages.dimension_dots(READINGS, "nano"),
    "stage_changes": lambda: stages.change_dots(CHANGED, "Mean rating"),
    "survey": lambda: stages.survey_dots(ANSWERED, "The paper's survey"),
}
RESULTS = {
    "funnel": "responses executed 20; pass their own tests 5",
    "scores": "HumanEval 50.0; EvalPerf 60.0",
    "failures": "Of 10 samples 6 pass; the others: wrong 3, missing 1.",
    "dimensions": "Style 8.00; CODAL average 8.00. The two readings differ by at most 0.80.",
    "stage_changes": "1 of 2 changes can be told from none. In points: nano fine-tuned: SFT to DPO",
    "survey": "Chosen most often: Q1: often 70 %.",
}
"""What the alternative text of each picture says of it, counted by hand."""


def test_a_question_that_nobody_answered_is_no_favourite() -> None:
    silent = ANSWERED.assign(question="Q2", percent=math.nan, low=math.nan, high=math.nan)
    drawn = stages.survey_dots(pd.concat([ANSWERED, silent]), "The paper's survey")
    assert drawn.alt == RESULTS["survey"]


def axes_of(drawn: Drawn) -> Axes:
    return drawn.figure.axes[0]


def bars_of(drawn: Drawn) -> list[Rectangle]:
    return [bar for bars in axes_of(drawn).containers for bar in bars]


def ticks(drawn: Drawn) -> list[str]:
    return [label.get_text() for label in axes_of(drawn).get_yticklabels()]


def test_the_funnel_has_a_bar_per_step_with_what_passed_between() -> None:
    drawn = stages.funnel(COUNTS, "nano, functional")
    assert [bar.get_width() for bar in bars_of(drawn)] == [10, 9, 8, 32, 20, 5, 3]
    assert ticks(drawn)[-2:] == ["pass their own tests", "preference pairs"]
    assert drawn.alt.endswith("pass their own tests 5; preference pairs 3.")


def test_pairs_are_counted_of_the_instructions_whatever_passed_its_own_tests() -> None:
    shown = [text.get_text() for text in axes_of(stages.funnel(COUNTS, "x")).texts]
    assert shown[-2:] == ["5 (25% of these)", "3 (38% of the instructions)"]


def test_steps_that_were_not_run_have_no_bar() -> None:
    known = {k: v for k, v in COUNTS.items() if k != "concepts"}
    assert len(bars_of(stages.funnel(known, "x"))) == 6


def test_scores_of_all_scales_stand_in_percent() -> None:
    """pass@1 0.5 is 50 %; a DPS of 60 of 100 is 60 %."""
    drawn = DRAWN["scores"]()
    dots = [line.get_xdata()[0] for line in axes_of(drawn).lines if line.get_marker() == "o"]
    spans = [tuple(line.get_xdata()) for line in axes_of(drawn).lines if len(line.get_xdata()) == 2]
    assert (dots, spans) == ([50.0, 60.0], [(40.0, 60.0), (50.0, 70.0)])
    assert ticks(drawn) == ["HumanEval (n = 164)", "EvalPerf (n = 9)"]


def test_a_score_without_an_interval_is_a_dot_alone() -> None:
    row = {"benchmark": "mbpp", "metric": "pass@1", "value": 1.0, "low": None, "high": None, "n": 1}
    drawn = stages.score_dots(pd.DataFrame([row]).astype({"low": float, "high": float}), "nano")
    assert len(axes_of(drawn).lines) == 1


def test_failures_are_shares_that_add_up_to_all_samples() -> None:
    """Of 8 samples 4 pass and 3 are wrong, one problem has none: 50, 37.5 and 12.5 %."""
    bars = bars_of(DRAWN["failures"]())
    of_mbpp = [bar.get_width() for bar in bars if round(bar.get_y() + bar.get_height() / 2) == 0]
    assert of_mbpp == pytest.approx([50.0, 37.5, 12.5])


def test_every_kind_of_failure_has_a_colour() -> None:
    from codealign.evaluate.functional.verdicts import KINDS

    assert {kind for kind in KINDS if kind} <= set(stages.KINDS)


def test_each_dimension_has_both_readings() -> None:
    """Of ten answers, nine rated 8 on average: with the unrated one as 0 it is 7.2."""
    drawn = DRAWN["dimensions"]()
    marks = [line for line in axes_of(drawn).lines if line.get_marker() in "os"]
    assert [line.get_xdata()[0] for line in marks] == [8.0, 8.0, 7.2, 7.2]
    assert ticks(drawn) == ["Style", "CODAL average"]


def test_changes_are_drawn_beside_none_and_counted_where_they_can_be_told_from_it() -> None:
    drawn = DRAWN["stage_changes"]()
    assert "1 of 2 changes can be told from none" in drawn.caption
    assert ticks(drawn)[0] == "nano fine-tuned: SFT to DPO"
    assert stages.change_dots(CHANGED[:0], "x") is None


@pytest.mark.parametrize("stem", DRAWN)
def test_a_picture_has_a_title_inside_a_result_in_words_and_its_numbers(stem: str) -> None:
    drawn = DRAWN[stem]()
    assert drawn.stem == stem
    assert drawn.title and drawn.title in [text.get_text() for text in drawn.figure.texts]
    assert RESULTS[stem] in drawn.alt and drawn.alt != drawn.caption
    assert drawn.data is not None and len(drawn.data)


@pytest.mark.parametrize("stem", DRAWN)
def test_a_picture_has_the_palettes_colours_alone(stem: str) -> None:
    known = {*style.THEME, style.SKY, style.ORANGE, style.RED, style.DARK}
    drawn = DRAWN[stem]()
    with style.styled():
        svg = style.rendered(drawn.figure, "svg").decode()
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg)) <= known


def test_every_fates_colour_and_print_are_of_the_palette() -> None:
    known = {*style.THEME, style.SKY, style.ORANGE, style.RED, style.DARK}
    assert {*stages.KINDS.values(), *stages.ON, *stages.ON.values()} <= known


@pytest.mark.parametrize("stem", DRAWN)
def test_no_text_of_a_picture_runs_over_the_edge(stem: str) -> None:
    with style.styled():
        figure = DRAWN[stem]().figure
        figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= -0.02 and box.y0 >= -0.02
    assert box.x1 <= width + 0.02 and box.y1 <= height + 0.02
