"""The answer's picture, and what would make the answer surer."""

from __future__ import annotations

import pandas as pd
import pytest
from made_up_run import measured

from codealign.analysis.answer import COLUMNS, WHAT_LACKS, pathways, surer
from codealign.analysis.figures.answer import NEAREST, _winner, answer_figure
from codealign.analysis.figures.style import Drawn, styled
from codealign.analysis.summary import summarise

OPEN = {
    "source": "mine", "model": "m", "requirement": "functional", "stage": "aligned", "n": 50,
    "seeds": 3, "ends": 1.0, "ends_low": -1.0, "ends_high": 3.0, "higher": "not distinguishable",
    "gains": 5.0, "gains_low": 1.0, "gains_high": 9.0, "more": "PTA",
}  # fmt: skip


def drawn() -> Drawn:
    scores = measured()
    with styled():
        return answer_figure(summarise(scores), pathways(scores))


def test_every_requirement_has_a_panel_with_both_pathways_and_their_final_scores() -> None:
    summary = summarise(measured())
    for axes, name in zip(drawn().figure.axes, ("functional", "non_functional"), strict=True):
        last = summary[(summary["requirement"] == name) & (summary["stage"] == "bonbon")]
        wanted = {f"{row['pathway']} {row['score']:.1f}" for row in last.to_dict("records")}
        assert {text.get_text() for text in axes.texts} == wanted


def test_all_panels_span_as_many_points_and_names_do_not_touch() -> None:
    spans = []
    for axes in drawn().figure.axes:
        low, high = axes.get_ylim()
        spans.append(high - low)
        first, second = (text.get_position()[1] for text in axes.texts)
        assert abs(first - second) >= 0.999 * NEAREST * (high - low)
    assert spans[0] == pytest.approx(spans[1])


def test_the_picture_has_the_difference_that_its_title_rests_on() -> None:
    row = pathways(measured()).query("stage == 'aligned'").iloc[0]
    label = drawn().figure.axes[0].get_xlabel()
    assert f"ends {row['ends']:+.1f} [" in label and "gains" in label


def test_a_title_names_the_winner_of_one_training_run_as_such() -> None:
    row = OPEN | {"higher": "PTA"}
    told = [_winner(pd.DataFrame([row | {"seeds": n}], columns=COLUMNS)) for n in (1, 3)]
    assert told == ["PTA ends higher in this one training run", "PTA ends higher"]


def test_without_an_answer_there_is_no_picture() -> None:
    assert answer_figure(summarise(measured()), pd.DataFrame(columns=COLUMNS)) is None


def test_an_open_question_says_how_many_more_problems_would_close_it() -> None:
    # half width 2, difference 1: four times as many halve the half width
    (line,) = surer(pd.DataFrame([OPEN], columns=COLUMNS))
    assert "measured +1.0, about 4.0 times as many problems and seeds" in line


def test_a_difference_near_zero_is_not_worth_the_effort() -> None:
    (line,) = surer(pd.DataFrame([OPEN | {"ends": 0.01}], columns=COLUMNS))
    assert "lies between -1.0 and +3.0 points" in line and "more than 100 times" in line


def test_of_one_training_run_other_seeds_come_first() -> None:
    lines = surer(pd.DataFrame([OPEN | {"seeds": 1}], columns=COLUMNS))
    assert lines[0] == WHAT_LACKS
    assert lines[1].endswith("times as many problems would tell it from 0.")
