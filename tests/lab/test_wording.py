"""Tasks in words."""

from __future__ import annotations

import random

from nano.lab.ops import FILTERS, MAPS, SOURCES
from nano.lab.sequence_ops import REDUCTIONS
from nano.lab.tasks import Step, Task, sample_task
from nano.lab.wording import (
    concepts,
    description,
    explanation,
    noun_phrase,
    request,
    sequence,
    singular,
    step_phrases,
    story,
)

ABOVE_SUM = Task(
    SOURCES["list"], (Step(FILTERS["at_least"], "3"), Step(REDUCTIONS["product"])), "nums"
)
ANY_ODD = Task(SOURCES["list"], (Step(REDUCTIONS["any"], condition=Step(FILTERS["odd"])),), "nums")


def test_singular_turns_are_into_is() -> None:
    assert singular("are even") == "is even"
    assert singular("exceed 3") == "exceeds 3"


def test_plain_phrases_use_the_first_wording() -> None:
    assert step_phrases(ABOVE_SUM, None) == ["keep only the numbers of at least 3",
                                             "return their product"]  # fmt: skip


def test_noun_phrase_names_argument_and_constant() -> None:
    phrase = noun_phrase(ABOVE_SUM, random.Random(0))
    assert phrase.startswith("the product of the ")
    assert "nums" in phrase and "3" in phrase


def test_sequence_starts_with_what_is_given_and_ends_with_the_result() -> None:
    text = sequence(ABOVE_SUM, random.Random(0))
    assert text.startswith("Given a list of integers nums, ")
    assert "product" in text.rsplit(" and ", 1)[1] or "product" in text.rsplit(". ", 1)[1]


def test_conditions_are_worded() -> None:
    assert "odd" in sequence(ANY_ODD, random.Random(0))


def test_request_tells_the_name_where_asked() -> None:
    assert "`f`" in request(ABOVE_SUM, random.Random(0), "f")
    assert "`" not in request(ABOVE_SUM, random.Random(0))


def test_story_contains_the_task() -> None:
    assert "the product of" in story(ABOVE_SUM, random.Random(0))


def test_concepts_name_source_operations_and_conditions() -> None:
    assert concepts(ANY_ODD) == ["lists", "existential check", "odd numbers"]


def test_explanation_has_one_numbered_line_a_step() -> None:
    task = Task(SOURCES["list"], (Step(FILTERS["even"]), Step(MAPS["double"])), "nums")
    lines = explanation(task, random.Random(0)).splitlines()
    assert lines[1:] == ["1. Keep only the even numbers.", "2. Double each of them."]


def test_no_template_is_left_unfilled() -> None:
    rng = random.Random(4)
    for _ in range(500):
        task = sample_task(rng, held_out=False)
        text = description(task, rng) + request(task, rng) + story(task, rng)
        assert "{" not in text and "  " not in text
