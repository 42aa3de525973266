"""The confusion heat map holds every pair of ratings, and says what it shows."""

from __future__ import annotations

from pathlib import Path

from codealign.analysis.agreement import Paired
from codealign.analysis.figures.stages import confusion, write_confusion

PAIRED = Paired([1, 1, 10], [1, 2, 10], unrated=2, unmatched=0)


def test_each_pair_that_occurred_has_its_count() -> None:
    axes = confusion(PAIRED, "a", "b").figure.axes[0]
    found = {(t.get_position(), t.get_text()) for t in axes.texts}
    # in the middle of its cell: rating 1 and 1, 1 and 2, 10 and 10
    assert found == {((0.5, 0.52), "1"), ((1.5, 0.52), "1"), ((9.5, 9.52), "1")}


def test_the_figure_says_how_often_the_judges_agree() -> None:
    # 2 of 3 are equal, all within a point; b is higher once
    alt = confusion(PAIRED, "a", "b").alt
    assert "3 answers. Equal (outlined): 67%; at most 1 point apart: 100%." in alt
    assert "b rates lower than a in 0% and higher in 33%" in alt


def test_the_data_are_every_pair_of_ratings() -> None:
    data = confusion(PAIRED, "a", "b").data
    assert len(data) == 100 and data["answers"].sum() == 3


def test_the_caption_gives_n_and_what_is_missing() -> None:
    drawn = confusion(PAIRED, "static", "local:x", "A demonstration.")
    assert "3 answers rated by both, 2 left out as unrated" in drawn.caption
    assert drawn.caption.endswith("A demonstration.")
    assert drawn.stem == "confusion_static_local_x"


def test_no_answers_give_an_empty_map() -> None:
    assert len(confusion(Paired([], [], 0, 0), "a", "b").figure.axes[0].texts) == 0


def test_it_is_written_in_every_format(tmp_path: Path) -> None:
    write_confusion(PAIRED, "a", "b", tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "confusion_a_b.pdf", "confusion_a_b.png", "confusion_a_b.svg", "confusion_a_b.csv",
    }  # fmt: skip
