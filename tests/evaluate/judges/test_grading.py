"""The grading prompt, and the rating in a reply: read or refused, never guessed."""

from __future__ import annotations

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.judges import grading, open_judge
from codealign.records import DIMENSIONS, Answer


def answer(dimension: str = "style", text: str = "x = 1") -> Answer:
    return Answer("a", dimension, "Add two.", "Be brief.", "x = 2", text)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("Good names.\nRating: [[7]]", 7),
        ("Rating: [[10]]", 10),
        ("Rating: 7", 7),
        ("**Rating:** 8/10", 8),
        ("rating = 3", 3),
        ("Rating: [[ 4 ]].", 4),
        ("Rating: [[6]] ... to repeat, Rating: [[6]]", 6),
        ("On a scale of 1 to 10 it is fine.\nRating: [[9]]", 9),
        ("Rating: 2, or rather [[5]]", 5),
        ("Rating: [[3]]\nNo, the names are clear.\nRating: [[8]]", 8),
        ("Bewertung: [[7]]", 7),
        ("التقييم: [[٧]]", 7),
        ("Rating: [[7.0]]", 7),
    ],
)
def test_a_clear_rating_is_read(reply: str, value: int) -> None:
    assert grading.parse_rating(reply) == (value, "")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "empty reply"),
        ("I cannot judge this.", "no rating in the reply"),
        ("It scores well on a scale of 1 to 10.", "no rating in the reply"),
        ("Rating: 11", "rating 11 is outside 1 to 10"),
        ("Rating: [[0]]", "rating 0 is outside 1 to 10"),
        ("Rating: [[-3]]", "rating -3 is outside 1 to 10"),
        ("Rating: [[7.5]]", "rating 7.5 is not a whole number"),
        ("Rating: [[3]] Rating: [[8]]", "different ratings: 3, 8"),
        ("Rating: [[seven]]", "no rating in the reply"),
    ],
)
def test_anything_else_is_unrated_with_the_reason(reply: str, reason: str) -> None:
    assert grading.parse_rating(reply) == (None, reason)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_prompt_holds_rubric_task_reference_and_answer(dimension: str) -> None:
    text = grading.prompt(answer(dimension))
    for part in ("Add two.\n\nBe brief.", "x = 2", "x = 1", "Scale: 1-2"):
        assert part in text
    assert text.rstrip().endswith("Rating: [[number]]")


def test_the_form_in_the_prompt_is_no_rating_itself() -> None:
    assert grading.parse_rating(grading.prompt(answer()))[0] is None


def test_an_empty_answer_is_said_to_be_empty() -> None:
    assert "(the answer is empty)" in grading.prompt(answer(text=" \n"))


def test_dimensions_have_different_rubric_hashes() -> None:
    assert len({grading.rubric_hash(d) for d in DIMENSIONS}) == 5


def test_a_rating_keeps_the_reply_and_the_rubric() -> None:
    found = grading.rating(answer(), "judge", "Fine.\nRating: [[8]]\n")
    assert (found.rating, found.reason) == (8, "Fine.\nRating: [[8]]")
    assert found.rubric == grading.rubric_hash("style")


def test_a_reply_that_was_cut_is_no_rating_whatever_it_says() -> None:
    found = grading.rating(answer(), "judge", "Rating: [[8]]\nBecause", cut=1024)
    assert (found.rating, found.reason) == (
        None,
        "no rating in the reply (it was cut at its longest)",
    )


def test_the_answer_can_stand_before_the_reference() -> None:
    text = grading.prompt(answer(), answer_first=True)
    assert text.index("## Answer to grade\nx = 1") < text.index("## Reference answer\nx = 2")
    usual = grading.prompt(answer())
    assert usual.index("## Reference answer") < usual.index("## Answer to grade")
    assert sorted(usual.splitlines()) == sorted(text.splitlines())


def test_the_order_is_part_of_the_rubrics_hash_and_the_judges_name() -> None:
    assert grading.rubric_hash("style") != grading.rubric_hash("style", answer_first=True)
    assert grading.judge_name("m", True) == "answer_first:m"


def test_a_judge_that_reads_no_prompt_has_no_order() -> None:
    with pytest.raises(CodealignError, match="static reads no prompt of ours"):
        open_judge("answer_first:static")
