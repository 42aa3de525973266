"""A judge that is a language model in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codealign.evaluate.judges import grading
from codealign.generate import Engine, Request, generate
from codealign.params import Generation
from codealign.prompts import principles
from codealign.records import Answer, Rating, stable_id

LONGEST = 512
"""Tokens of a reply, thinking aloud included."""


class LocalJudge:
    """Rates answers with a model behind a generation engine, greedily.

    Parameters
    ----------
    name : stands in every rating, e.g. `local:qwen2.5-coder-7b`.
    engine : from `generate.open_engine`; the model must have a chat format.
    batch_size : answers judged together.
    answer_first : show the answer before the reference, to examine what the order does.
    """

    def __init__(
        self, name: str, engine: Engine, *, batch_size: int = 8, answer_first: bool = False
    ) -> None:
        self.name, self.engine = grading.judge_name(name, answer_first), engine
        self.answer_first = answer_first
        self.settings = Generation(temperature=0.0, max_new_tokens=LONGEST, batch_size=batch_size)
        rubrics = [grading.rubric_hash(dimension, answer_first) for dimension in principles()]
        self.key = stable_id(name, LONGEST, *rubrics, grading.READING)

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating per answer, in any order.

        A reply cut at its longest before it gave a rating is unrated, and so is an answer whose
        grading prompt does not fit into the model's context.
        """
        by_id = {a.id: a for a in answers}
        prompts = {a.id: grading.prompt(a, self.answer_first) for a in by_id.values()}
        asked = [Request(key, self.engine.chat(text)) for key, text in prompts.items()]
        for completion in generate(asked, self.engine, self.settings):
            long = completion.finish == "overflow"
            yield grading.rating(
                by_id[completion.id],
                self.name,
                completion.text,
                fault="the grading prompt does not fit into the context" if long else "",
                cut=LONGEST if completion.finish == "length" else 0,
                answer_first=self.answer_first,
            )

    def estimate(self, answers: Iterable[Answer]) -> str:
        """Return a line on what rating answers will take."""
        return f"{len(list(answers))} replies of a model on this machine: no money"
