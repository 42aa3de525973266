"""Judges that rate CODAL answers from 1 to 10 behind one interface."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol

from codealign.errors import CodealignError
from codealign.generate.wire import REASONING
from codealign.records import Answer, Rating

STATIC = ("static", "static_b")
ANSWER_FIRST = "answer_first:"
KEY = "OPENAI_API_KEY"
PYTHON = "python:"


class Judge(Protocol):
    """What rates answers.

    `name` stands in every rating; `key` changes with everything that decides a rating besides the
    answer (the rubric's words, the model, its settings).
    """

    name: str
    key: str
    # A judge that keeps its replies may also say `asks_again = True`: answers that stayed unrated
    # are then handed to it again in the next run.

    def estimate(self, answers: Iterable[Answer]) -> str:
        """Return a line on what rating answers will take: requests, money, time."""

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating per answer, in any order.

        An answer that cannot be rated gets the rating None and the reason.
        """


def open_judge(
    name: str,
    *,
    base_url: str = "",
    in_flight: int = 8,
    cache: Path | str | None = None,
    batch_size: int = 8,
    batch: bool = False,
    spend_limit: float = 0.0,
    price: tuple[float, float] = (0.0, 0.0),
    max_tokens: int = 0,
    paying: bool = True,
) -> Judge:
    """Return a judge by its name.

    Parameters
    ----------
    name : `static` or `static_b` (embedded, deterministic), `local:<model>` (a model of the
        registry, finetuned variant), `python:<module>:<function>` (called without arguments, it
        returns a `Judge`) or a model's name at an OpenAI-compatible server. With `reasoning:`
        before that name it is asked with `max_completion_tokens` and without a temperature; with
        `answer_first:` before a model's name or `local:` the answer is shown before the reference.
    base_url : the server; "" is OpenAI's own.
    in_flight : requests under way at once.
    cache : folder of paid replies, so that none is asked for twice; None keeps none.
    batch_size : answers a local model judges together.
    batch, spend_limit, price, max_tokens : see `openai_judge.OpenAIJudge`.
    paying : False for a judge that only estimates, which needs no key.

    Raises
    ------
    CodealignError
        The key that the server needs is not in the environment; an unknown local model; a limit
        without a price; `answer_first:` before a judge that reads no prompt of ours; a judge of
        one's own that cannot be imported or is none.
    """
    model, answer_first = name.removeprefix(ANSWER_FIRST), name.startswith(ANSWER_FIRST)
    if answer_first and model.startswith((*STATIC, PYTHON)):
        raise CodealignError(f"judge {name!r}: {model} reads no prompt of ours, so it has no order")
    if model in STATIC:
        from codealign.evaluate.judges.static import StaticJudge

        return StaticJudge(model)
    if model.startswith(PYTHON):
        return _own(model)
    if not model.removeprefix(REASONING):
        raise CodealignError("judge: no name; give `static`, `local:<model>` or a model's name")
    if model.startswith("local:"):
        from codealign.evaluate.judges.local import LocalJudge
        from codealign.generate import open_engine

        engine = open_engine("transformers", model.removeprefix("local:"), "finetuned")
        return LocalJudge(model, engine, batch_size=batch_size, answer_first=answer_first)
    if paying:
        _check_key(model, base_url)
    from codealign.evaluate.judges.openai_judge import OpenAIJudge

    server = {"base_url": base_url, "in_flight": in_flight, "cache": cache, "batch": batch}
    money = {"spend_limit": spend_limit, "price": price}
    return OpenAIJudge(model, **server, **money, answer_first=answer_first, max_tokens=max_tokens)


def _check_key(model: str, base_url: str) -> None:
    if not (os.environ.get(KEY) or base_url or os.environ.get("OPENAI_BASE_URL")):
        raise CodealignError(
            f"judge {model!r} needs an API key: set {KEY} in the environment, give the "
            "base_url of a server of your own, or use the judge `static`"
        )


def _own(name: str) -> Judge:
    """Return the judge that a function outside the package makes."""
    module, _, function = name.removeprefix(PYTHON).partition(":")
    try:
        judge = getattr(import_module(module), function)()
    except (ImportError, AttributeError, ValueError) as error:
        raise CodealignError(
            f"judge {name!r}: {error}; give `python:<module>:<function>`, the module installed "
            "or a file in the project's folder"
        ) from error
    lacking = [part for part in ("name", "key", "estimate", "rate") if not hasattr(judge, part)]
    if lacking:
        raise CodealignError(f"judge {name!r}: what it returns lacks {', '.join(lacking)}")
    return judge
