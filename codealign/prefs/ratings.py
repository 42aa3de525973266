"""Ratings of responses for the pair rules that want them; resumable down to the record.

The judges live in the evaluation stage, which this stage does not know: whoever calls the pipeline
hands one in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from codealign.errors import CodealignError
from codealign.generate import windows
from codealign.params import Pairing
from codealign.prefs.outcomes import Labelled
from codealign.records import Answer, Rating, stable_id
from codealign.resumable import resumable

TOGETHER = 1024  # answers handed to the judge at once


class Rater(Protocol):
    """What is asked of a judge of `evaluate.judges`; `key` changes with what decides ratings."""

    name: str
    key: str

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating per answer, in any order."""


def needs_judge(settings: Pairing, requirement: str) -> bool:
    """Tell whether the pair rule wants ratings.

    Raises
    ------
    CodealignError
        Rule `judge` for functional data, which have no dimension to rate, or without a judge.
    """
    if settings.rule == "judge" and requirement == "functional":
        raise CodealignError(
            "pairs: rule judge rates a dimension and functional data have none; use random, all or "
            "best_worst"
        )
    if settings.rule == "judge" and not settings.judge:
        raise CodealignError("pairs: rule judge needs a judge; set e.g. pairs: {judge: static}")
    rates = settings.rule in ("judge", "best_worst") and bool(settings.judge)
    return rates and requirement == "non_functional"


def rate(
    outcomes: Callable[[], Iterable[Labelled]], settings: Pairing, judge: Rater, path: Path
) -> None:
    """Write the rating of each response that may stand in a pair, in the order of the responses.

    An answer is graded without a reference, as there is none. Ratings by another judge, by other
    rubrics or of another text are dropped. A judge that keeps its replies is asked again about
    answers that stayed unrated: what kept them so may have passed.

    Parameters
    ----------
    outcomes : gives those of non-functional instructions anew at every call.
    path : file of the ratings.

    Raises
    ------
    CodealignError
        The judge left an answer out.
    """
    key = stable_id(judge.key, settings.tests)
    with closing(resumable(path, Rating, key)) as file:
        if getattr(judge, "asks_again", False):
            for unrated in [r.id for r in file if r.rating is None]:
                file.forget(unrated)
        for answers in windows(_answers(outcomes(), settings), TOGETHER):
            pending = [a for a in answers if a.id not in file]
            for rating in judge.rate(pending) if pending else ():
                file.append(rating)
        file.finish(a.id for a in _answers(outcomes(), settings))


def _answers(outcomes: Iterable[Labelled], settings: Pairing) -> Iterator[Answer]:
    for outcome in outcomes:
        ids = {r.id for r in outcome.passing}
        if settings.rule == "best_worst":
            ids |= {r.id for r in outcome.failing}
        asked = outcome.instruction
        for response in outcome.responses:
            if response.id in ids:
                yield Answer(
                    id=response.id,
                    dimension=asked.dimension,
                    instruction=asked.text,
                    principle=asked.principle,
                    reference="",
                    text=outcome.shown(response),
                )
