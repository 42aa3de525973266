"""A judge that is a model in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codealign.evaluate.judges.local import LocalJudge
from codealign.generate import Completion
from codealign.records import Answer


class HandMadeEngine:
    """Says what `replies` holds for the answer in the prompt."""

    def __init__(self, **replies: tuple[str, str]) -> None:
        self.replies = replies
        self.settings: Any = None

    def chat(self, content: str) -> str:
        return f"<user>{content}</user>"

    def complete(self, jobs: Any, settings: Any, stop: Any) -> Iterator[Completion]:
        self.settings = settings
        for job in jobs:
            assert job.prompt.startswith("<user>You grade one answer")
            text, finish = self.replies[job.id]
            yield Completion(job.id, 0, text, finish)


def rate(**replies: tuple[str, str]) -> dict[str, Any]:
    answers = [Answer(id, "style", "Add.", "", "x = 1", "x = 2") for id in replies]
    return {r.id: r for r in LocalJudge("local:tiny", HandMadeEngine(**replies)).rate(answers)}


def test_a_reply_is_read_like_any_other_judges() -> None:
    ratings = rate(a=("Fine.\nRating: [[7]]", "stop"), b=("No idea.", "stop"))
    assert (ratings["a"].rating, ratings["a"].judge) == (7, "local:tiny")
    assert (ratings["b"].rating, ratings["b"].reason) == (None, "no rating in the reply")


def test_a_prompt_beyond_the_context_is_unrated() -> None:
    ratings = rate(a=("", "overflow"))
    assert (ratings["a"].rating, ratings["a"].reason) == (
        None,
        "the grading prompt does not fit into the context",
    )


def test_it_judges_greedily() -> None:
    engine = HandMadeEngine(a=("Rating: [[7]]", "stop"))
    list(LocalJudge("local:tiny", engine).rate([Answer("a", "style", "", "", "", "x")]))
    assert engine.settings.temperature == 0
