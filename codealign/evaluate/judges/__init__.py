"""Judges that rate CODAL answers from 1 to 10 behind one interface."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from codealign.errors import CodealignError
from codealign.records import Answer, Rating

STATIC = ("static", "static_b")


class Judge(Protocol):
    """What rates answers.

    `name` stands in every rating; `key` changes with everything that decides a rating besides the
    answer (the rubric's words, the model, its settings).
    """

    name: str
    key: str

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating an answer, in any order.

        An answer that cannot be rated gets the rating None and the reason.
        """


def open_judge(
    name: str,
    *,
    base_url: str = "",
    in_flight: int = 8,
    cache: Path | str | None = None,
    batch_size: int = 8,
) -> Judge:
    """Return a judge by its name.

    Parameters
    ----------
    name : `static` or `static_b` (embedded, deterministic), `local:<model>` (a model of the
        registry, finetuned variant) or a model's name at an OpenAI-compatible server.
    base_url : the server; "" is OpenAI's own.
    in_flight : requests under way at once.
    cache : folder of paid replies, so that none is asked for twice; None keeps none.
    batch_size : answers a local model judges together.

    Raises
    ------
    CodealignError
        The key that the server needs is not in the environment; an unknown local model.
    """
    if name in STATIC:
        from codealign.evaluate.judges.static import StaticJudge

        return StaticJudge(name)
    if not name:
        raise CodealignError("judge: no name; give `static`, `local:<model>` or a model's name")
    if name.startswith("local:"):
        from codealign.evaluate.judges.local import LocalJudge
        from codealign.generate import open_engine

        model = name.removeprefix("local:")
        engine = open_engine("transformers", model, "finetuned")
        return LocalJudge(name, engine, batch_size=batch_size)
    from codealign.evaluate.judges.openai_judge import OpenAIJudge

    return OpenAIJudge(name, base_url=base_url, in_flight=in_flight, cache=cache)
