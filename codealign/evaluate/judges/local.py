"""A judge that is a language model in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codealign.evaluate.judges import grading
from codealign.generate import Engine, Request, generate
from codealign.params import Generation
from codealign.records import DIMENSIONS, Answer, Rating, stable_id


class LocalJudge:
    """Rates answers with a model behind a generation engine, greedily.

    Parameters
    ----------
    name : stands in every rating, e.g. `local:qwen2.5-coder-7b`.
    engine : from `generate.open_engine`; the model must have a chat format.
    max_new_tokens : longest reply, thinking aloud included.
    batch_size : answers judged together.
    """

    def __init__(
        self, name: str, engine: Engine, *, max_new_tokens: int = 512, batch_size: int = 8
    ) -> None:
        self.name, self.engine = name, engine
        self.settings = Generation(
            temperature=0.0, max_new_tokens=max_new_tokens, batch_size=batch_size
        )
        rubrics = [grading.rubric_hash(dimension) for dimension in DIMENSIONS]
        self.key = stable_id(name, max_new_tokens, *rubrics)

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating an answer, in any order.

        A reply cut at its longest before it gave a rating is unrated, and so is an answer whose
        grading prompt does not fit into the model's context.
        """
        by_id = {a.id: a for a in answers}
        asked = [Request(a.id, self.engine.chat(grading.prompt(a))) for a in by_id.values()]
        for completion in generate(asked, self.engine, self.settings):
            answer = by_id[completion.id]
            if completion.finish == "overflow":
                yield self._unrated(answer, "the grading prompt does not fit into the context")
            else:
                yield grading.rating(answer, self.name, completion.text)

    def _unrated(self, answer: Answer, reason: str) -> Rating:
        rubric = grading.rubric_hash(answer.dimension)
        return Rating(answer.id, answer.dimension, self.name, None, reason, rubric)
