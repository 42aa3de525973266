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
    assert grading.read_verdict(reply) == (value, "")


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
    assert grading.read_verdict(reply) == (None, reason)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_prompt_holds_rubric_task_reference_and_answer(dimension: str) -> None:
    text = grading.prompt(answer(dimension))
    for part in ("Add two.\n\nBe brief.", "x = 2", "x = 1", "Scale: 1-2"):
        assert part in text
    assert text.rstrip().endswith("Rating: [[number]]")


def test_the_form_in_the_prompt_is_no_rating_itself() -> None:
    assert grading.read_verdict(grading.prompt(answer()))[0] is None


def test_an_empty_answer_is_said_to_be_empty() -> None:
    assert "(the answer is empty)" in grading.prompt(answer(text=" \n"))


def test_dimensions_have_different_rubric_hashes() -> None:
    assert len({grading.rubric_hash(d) for d in DIMENSIONS}) == 5


def test_a_rating_keeps_the_reply_and_the_rubric() -> None:
    graded = grading.rating(answer(), "judge", "Fine.\nRating: [[8]]\n")
    assert (graded.rating, graded.reason) == (8, "Fine.\nRating: [[8]]")
    assert graded.rubric == grading.rubric_hash("style")


def test_a_reply_that_was_cut_is_no_rating_whatever_it_says() -> None:
    graded = grading.rating(answer(), "judge", "Rating: [[8]]\nBecause", cut=1024)
    assert (graded.rating, graded.reason) == (
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


READ = {
    "Rating: [[7]]": 7,
    "Rating:[[7]]": 7,
    "rating: 7": 7,
    "**Rating:** 8/10": 8,
    "**Rating: 8/10**": 8,
    "Rating: **8**/10": 8,
    "Rating: [8]/10": 8,
    "Rating: [[8]]/10": 8,
    "Rating: [[8/10]]": 8,
    "Rating: (8/10)": 8,
    "Rating: $\\boxed{8}$": 8,
    "Rating: \\boxed{8}": 8,
    "The final rating is $\\boxed{8}$.": 8,
    "\\[ \\boxed{8} \\]": 8,
    "\\boxed{8}": 8,
    "Rating: \\(\\boxed{8}\\)": 8,
    "Rating： ８": 8,
    "Rating：［［８］］": 8,
    "Rating: ８／１０": 8,
    "### Rating\n8": 8,
    "## Rating:\n\n**8/10**": 8,
    "**Rating:**\n[[8]]": 8,
    "<rating>8</rating>": 8,
    "Good.\n<score>8/10</score>": 8,
    '```json\n{"rating": 8}\n```': 8,
    'Here:\n```json\n{\n "reason": "x {y}",\n "rating": "8/10"\n}\n```': 8,
    '{"rating": 8.0}': 8,
    'Fine.\n{"Rating": "[[8]]"}': 8,
    "Good. Rating: 8": 8,
    "The code is clear and well named. Rating: [[8]]": 8,
    "I would rate this answer [[8]].": 8,
    "My final rating is 8.": 8,
    "Overall rating: 8 out of 10.": 8,
    "Score: 8 - very good names": 8,
    "Rating: 8 (very good)": 8,
    "Rating: 8, because names are good.": 8,
    "Rating: 8 because it has 3 loops": 8,
    "Rating: 8. It has 3 functions.": 8,
    "Rating (1-10): 8": 8,
    "Rating (out of 10): 8": 8,
    "- **Rating**: 8": 8,
    "3. Rating: 8": 8,
    "> good\nRating: 8": 8,
    "Rating: `8`": 8,
    "Rating: `[[8]]`": 8,
    "[[8]]": 8,
    "Bewertung: [[7]]": 7,
    "التقييم: [[٧]]": 7,
    "评分：[[7]]": 7,
    "Rating: 3\nRating: 8": 8,
    "Rating: [[3]]\nSecond look.\nRating: [[8]]": 8,
    "<think>Rating: [[3]]</think>Rating: [[8]]": 8,
    "Rating: [[3]]\n</think>\nRating: [[8]]": 8,
    "[THINK]Rating: [[3]][/THINK]\nRating: 8": 8,
    "<thinking>\n<think>a</think> Rating: 2</thinking>\nRating: 8": 8,
    "<THINK>\n</THINK>\nRating: 8": 8,
    "◁think▷Rating: 2◁/think▷Rating: 8": 8,
    "Rating: 8/10 - good": 8,
    "Rating: 10": 10,
    "Rating: 10/10": 10,
    "Rating: [[10]]": 10,
    "Rating: 1": 1,
    "Readability Rating: 8": 8,
    "Rating for style: 8": 8,
    "Rating: 8 points": 8,
    "rating = 3": 3,
    "Rating: 2, or rather [[5]]": 5,
    "The code uses `<think>` as a tag.\nRating: 8": 8,
    "Rating: [[6]] ... to repeat, Rating: [[6]]": 6,
    "Rating: 8 / 10": 8,
    "Rating: 8 out of ten": 8,
    "Rating: [[ 4 ]].": 4,
    "Rating: [[7.0]]": 7,
    "Rating: 7,0": 7,
    'The answer prints "Rating: [[10]]".\nRating: [[2]]': 2,
    "```python\nprint('Rating: [[10]]')\n```\nRating: 2": 2,
    "Rating: [[2]]\n```\nRating: [[10]]\n```": 2,
    "**Rating: [[8]]**\n\nNote: it has 2 loops.": 8,
    "Rating: <b>8</b>": 8,
    "Rating: [[8]] – clear": 8,
    "Rating: 8—clear": 8,
    "So, my rating: 8": 8,
    "Rating: 8\r\n": 8,
    "Good.\r\nRating: 8\r\n": 8,
}
NONE = [
    "Rating: [[8]]\nRating: n/a",
    "Rating: [[8]]\nRating: I cannot rate this",
    "Rating: 4/5",
    "Rating: 4 / 5",
    "Rating: 80/100",
    "Rating: [[4]]/5",
    "Rating: [[4]] out of 5",
    "Rating: [4]/5",
    "Rating: 4 out of five",
    "Rating: 80%",
    "Rating: 8%",
    "Rating (1-5): 4",
    "Rating (0-100): 9",
    "On a scale of 1 to 5:\nRating: 4",
    "Rating: 4 on a 5-point scale",
    "Rating: 4 (on a scale of 1 to 5)",
    "Rating: **4**/5",
    "Rating: \\boxed{4}/5",
    "Rating: \\boxed{4/5}",
    "Rating: 7-8",
    "Rating: 7–8",
    "Rating: 7 – 8",
    "Rating: 7 to 8",
    "Rating: 7 or 8",
    "Rating: [[7]]-[[8]]",
    "Rating: [[7]] or [[8]]",
    "Rating: [[7-8]]",
    "Rating: [[7]] [[8]]",
    "Rating: between 7 and 8",
    "Rating: 7, maybe 8",
    "Rating: 7/8",
    "Rating: 7 ... 8",
    "Rating: 7~8",
    "Rating: seven or eight",
    "Rating: 7 or eight",
    "Rating: 7. 5",
    "Rating: ~8",
    "Rating: about 8",
    "Rating: 8+",
    "Rating: 8-",
    "Rating: 7½",
    "Rating: 7 1/2",
    "Rating: 7.5",
    "Rating: [[7.5]]",
    "Rating: 7,5",
    "Rating: 1,000",
    "Rating: 1.000",
    "Rating: 8e0",
    "Rating: 0x8",
    "Rating: -8",
    "Rating: 0",
    "Rating: 11",
    "Rating: 100",
    "Rating: VIII",
    "Rating: 8/10/2024",
    "Rating: 8:1",
    "Rating: 8 stars",
    "Rating: 3 if the list is empty",
    "Rating:\n1. Good\n2. Bad",
    "Rating:\n1.",
    "Rating:\n1) Good",
    "Rating:\n- 1 bug",
    "The score is 3 when the list is empty.",
    "rating = 3\nreturn rating",
    "    rating: 3",
    "`Rating: 3`",
    "> Rating: 3",
    "```\nRating: [[3]]\n```",
    "```python\nrating = 3",
    "~~~\nRating: 3\n~~~",
    "def f(rating=3):\n    return rating",
    "<think>Rating: [[5]]",
    "<think>Rating: [[5]]</think>",
    "<think>a</think><think>Rating: 5",
    "Rating: [[5]]\n</think>",
    "Rating: [[number]]",
    "Rating: 4/5\nRating: excellent",
    "Rating: [[8]]\nRating: 4/5",
    "Rating: [[3]] Rating: [[8]]",
    "The output is [[3]]",
    "it should be [[3]].",
    '{"rating": 4, "scale": 5}',
    '{"rating": 7.5}',
    '{"rating": "7-8"}',
    '{"rating": true}',
    '{"rating": null}',
    '{"rating": 3, "rating": 8}',
    '{"ratings": [7, 8]}',
    '```python\n{"rating": 3}\n```',
    "Rating: 8 10",
    "Rating: 5/10 to 6/10",
    "Rating: 6/10 or 7/10",
    "Score: 8.33",
    "Rating: #8",
    "Rating: two",
    "rating scale: 1 to 10",
    "Rating of the reference: 9",
    "The rating is between 6 and 7.",
    "Rating: n/a (would be 8)",
    "Rating: not 8",
    "Rating: 3 of 4 requirements",
    "Rating: 8th",
    "Rating: [7, 8]",
    "Rating: [[7, 8]]",
    "Rating: [[]] 8",
    "x = [[3]]",
    "1. Rating\n2. Style",
]


@pytest.mark.parametrize("reply", READ)
def test_a_rating_that_can_be_read_without_guessing_is_read(reply: str) -> None:
    assert grading.read_verdict(reply) == (READ[reply], "")


@pytest.mark.parametrize("reply", NONE)
def test_a_number_that_is_no_rating_is_not_taken_for_one(reply: str) -> None:
    value, reason = grading.read_verdict(reply)
    assert value is None and reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Rating: 4/5", "on another scale: 4/5"),
        ("Rating: 7-8", "several numbers: 7-8"),
        ("Rating: [[3]] Rating: [[8]]", "different ratings: 3, 8"),
        ("<think>Rating: 5, but", "no rating in the reply: its thinking is not finished"),
        ("Rating: 12", "rating 12 is outside 1 to 10"),
        ("Rating: 7.5", "rating 7.5 is not a whole number"),
    ],
)
def test_the_reason_says_what_was_found(reply: str, reason: str) -> None:
    assert grading.read_verdict(reply)[1] == reason


@pytest.mark.parametrize(
    "reply",
    [
        "On a scale of 0 to 100: Rating: [[8]]",
        "I use the scale 1-5.\nRating: [[3]]",
        "Rating: [[8]] but really [[3]]",
        "Rating: [[8]] for readability, [[3]] for style",
        "Confidence: [[5]]",
        "The expected output: [[1]]",
        "<think budget=3>\nRating: [[3]]",
    ],
)
def test_double_brackets_alone_make_no_rating(reply: str) -> None:
    assert grading.read_verdict(reply)[0] is None


def test_the_scale_asked_for_may_be_named() -> None:
    assert grading.read_verdict("I use the scale 1-10.\nRating: [[3]]") == (3, "")


def test_thinking_blocks_may_stand_in_each_other_and_lack_their_opening() -> None:
    reply = "a </think> b <think>c <think>Rating: 2</think> d</think>\nRating: [[8]]"
    assert grading.read_verdict(reply) == (8, "")


def test_a_long_reply_full_of_brackets_is_read_at_once() -> None:
    junk = "[[" * 5000 + "(" * 5000 + "{" * 5000 + "`" * 5000 + "<think" * 1000 + " " * 5000
    assert grading.read_verdict(f"{junk}\nRating: [[8]]") == (8, "")
