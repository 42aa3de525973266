"""Listings and diagrams: layout worked by hand; labels."""

from __future__ import annotations

import pytest
from pygments.token import Comment, Keyword, Name, Text

from codealign.analysis import labels
from codealign.analysis.context import PARTS
from codealign.analysis.figures import diagrams, listings, style
from codealign.analysis.figures.diagrams import Box, ends
from codealign.analysis.figures.listings import Panel, example

DIAGRAMS = {
    "RLHF": (diagrams.RLHF, diagrams.RLHF_ARROWS), "DPO": (diagrams.DPO, diagrams.DPO_ARROWS),
    "best-of-n": (diagrams.BEST_OF_N, diagrams.BEST_OF_N_ARROWS),
    "BoNBoN": (diagrams.BONBON, diagrams.BONBON_ARROWS),
    "workflow": (diagrams.WORKFLOW, diagrams.WORKFLOW_ARROWS),
}  # fmt: skip


TALL = Box(1, 2, "", "data", w=2, h=4)  # from (0, 0) to (2, 4)
SMALL = Box(3.5, 0.5, "", "data", w=1, h=1)  # from (3, 0) to (4, 1)
LOW = Box(1.5, 6, "", "data", w=1, h=1)


def test_arrows_are_level_where_boxes_lie_beside_each_other() -> None:
    assert ends(TALL, SMALL, "rl") == [(2, 0.5), (3, 0.5)]
    assert ends(SMALL, TALL, "lr") == [(3, 0.5), (2, 0.5)]


def test_arrows_are_upright_where_boxes_lie_below_each_other() -> None:
    assert ends(TALL, LOW, "bt") == [(1.5, 4), (1.5, 5.5)]


def test_an_arrow_moved_aside_stays_on_both_boxes() -> None:
    assert ends(TALL, SMALL, "rl", 0.2) == [(2, 0.7), (3, 0.7)]
    assert ends(TALL, SMALL, "rl", 9)[1] == pytest.approx((3, 1 - diagrams.MARGIN))


@pytest.mark.parametrize("name", DIAGRAMS)
def test_arrow_heads_keep_apart_and_meet_a_side_squarely(name: str) -> None:
    boxes, arrows = DIAGRAMS[name]
    found = [ends(boxes[a.start], boxes[a.end], a.sides, a.aside) for a in arrows]
    heads = [end for _, end in found]
    near = [(a, b) for i, a in enumerate(heads) for b in heads[:i]
            if abs(a[0] - b[0]) < 0.1 and abs(a[1] - b[1]) < 0.1]  # fmt: skip
    assert near == []
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in found)


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
    assert set(PARTS) - {"proven"} <= set(diagrams.WORKFLOW)


def test_a_panel_is_as_high_as_its_lines() -> None:
    # two lines of 1.42 x 7.2 pt, a title of 2 x 7.2 pt, and two pads of 0.09 in
    panel = Panel("t", "a\nb", "#000000")
    assert panel.height(3, 7.2) == pytest.approx((2 * 1.42 * 7.2 + 2 * 7.2) / 72 + 0.18)


def test_running_text_is_wrapped_to_the_panel() -> None:
    # (2 - 0.18) in x 72 / (7 x 0.53) = 35.3: at most 35 characters per line
    lines = Panel("t", "word " * 40, "#000000", code=False).lines(2, 7)
    assert max(map(len, lines)) <= 35 and " ".join(lines) == ("word " * 40).strip()


def test_code_is_never_wrapped() -> None:
    code = example("figure6_readable")
    assert Panel("t", code, "#000000").lines(5.4, 7) == code.splitlines()


def test_listings_close_up_double_blank_lines() -> None:
    assert "\n\n\n" not in example("figure1_aligned")


def test_tokens_have_their_look() -> None:
    assert listings._look(Keyword.Reserved) == (style.KEYWORD, True)
    assert listings._look(Comment.Single)[0] == style.MUTED
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
