"""Listings and diagrams: layout worked by hand; labels."""

from __future__ import annotations

import pytest
from pygments.token import Comment, Keyword, Name, Text

from codealign.analysis import labels
from codealign.analysis.figures import diagrams, listings, style, workflow
from codealign.analysis.figures.diagrams import Box, anchor
from codealign.analysis.figures.listings import Panel, example

DIAGRAMS = {
    "RLHF": (diagrams.RLHF, diagrams.RLHF_ARROWS), "DPO": (diagrams.DPO, diagrams.DPO_ARROWS),
    "best-of-n": (diagrams.BEST_OF_N, diagrams.BEST_OF_N_ARROWS),
    "BoNBoN": (diagrams.BONBON, diagrams.BONBON_ARROWS),
    "workflow": (workflow.BOXES, workflow.ARROWS),
}  # fmt: skip


@pytest.mark.parametrize(
    ("side", "point"), [("l", (1, 2)), ("r", (3, 2)), ("t", (2, 1.5)), ("b", (2, 2.5))]
)
def test_arrows_meet_the_middle_of_a_side(side: str, point: tuple[float, float]) -> None:
    assert anchor(Box(2, 2, "", "data", w=2, h=1), side) == point


@pytest.mark.parametrize("name", DIAGRAMS)
def test_every_arrow_joins_boxes_that_exist(name: str) -> None:
    boxes, arrows = DIAGRAMS[name]
    assert all({arrow.start, arrow.end} <= set(boxes) for arrow in arrows)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_every_box_is_joined(name: str) -> None:
    boxes, arrows = DIAGRAMS[name]
    assert {end for arrow in arrows for end in (arrow.start, arrow.end)} == set(boxes)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_boxes_lie_within_the_text_column(name: str) -> None:
    for box in DIAGRAMS[name][0].values():
        assert box.x - box.w / 2 >= 0 and box.x + box.w / 2 <= style.WIDTH


@pytest.mark.parametrize("name", DIAGRAMS)
def test_boxes_do_not_overlap(name: str) -> None:
    boxes = list(DIAGRAMS[name][0].values())
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart_x = abs(a.x - b.x) >= (a.w + b.w) / 2
            apart_y = abs(a.y - b.y) >= (a.h + b.h) / 2
            assert apart_x or apart_y, (a.text, b.text)


def test_each_counted_step_has_its_box() -> None:
    assert set(workflow.STEPS) <= set(workflow.BOXES)


def test_a_panel_is_as_high_as_its_lines() -> None:
    # two lines of 1.42 x 7.2 pt, a title of 2 x 7.2 pt, and two pads of 0.09 in
    panel = Panel("t", "a\nb", "#000000")
    assert panel.height(3, 7.2) == pytest.approx((2 * 1.42 * 7.2 + 2 * 7.2) / 72 + 0.18)


def test_running_text_is_wrapped_to_the_panel() -> None:
    # (2 - 0.18) in x 72 / (7 x 0.53) = 35.3: at most 35 characters a line
    lines = Panel("t", "word " * 40, "#000000", code=False).lines(2, 7)
    assert max(map(len, lines)) <= 35 and " ".join(lines) == ("word " * 40).strip()


def test_code_is_never_wrapped() -> None:
    code = example("figure6_readable")
    assert Panel("t", code, "#000000").lines(5.4, 7) == code.splitlines()


def test_listings_close_up_double_blank_lines() -> None:
    assert "\n\n\n" not in example("figure1_aligned")


def test_tokens_have_their_look() -> None:
    assert listings._look(Keyword.Reserved) == ("#004f7c", True)
    assert listings._look(Comment.Single)[0] == "#5a626b"
    assert listings._look(Name.Function)[1]
    assert listings._look(Text) == (style.INK, False)


def test_models_are_called_as_each_table_prints_them() -> None:
    assert labels.model_label("Qwen2.5-Coder-7B", 3) == "Qwen2.5-7B"
    assert labels.model_label("Qwen2.5-Coder-7B", 4) == "Qwen/Qwen2.5-Coder-7B"


def test_a_model_that_the_paper_lacks_keeps_its_name() -> None:
    assert labels.model_label("nano", 5) == "nano"


def test_every_model_has_a_label_in_every_table() -> None:
    assert len(labels.model_labels()) == 5
    assert all(set(found) == {2, 3, 4, 5} for found in labels.model_labels().values())
