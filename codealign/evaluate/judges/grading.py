"""What language-model judges share: the prompt of a grading and the rating in a reply.

An answer is graded by itself against a reference, so there is no second answer to swap it with. The
one position that can be examined is that of the reference: `answer_first` shows the answer before
it, and a judge that grades by the words alone gives the same ratings.
"""

from __future__ import annotations

from codealign.evaluate.judges import ANSWER_FIRST
from codealign.evaluate.judges.verdict import read_verdict as parse_rating
from codealign.prompts import template
from codealign.records import Answer, Rating, stable_id

READING = "last verdict line"
"""Changes with the rules by which a reply is read (`verdict`), which every judge's key holds."""


def judge_name(model: str, answer_first: bool) -> str:
    """Return the name that stands in ratings."""
    return f"{ANSWER_FIRST}{model}" if answer_first else model


def prompt(answer: Answer, answer_first: bool = False) -> str:
    """Return the grading prompt: rubric, task with its principle, reference and answer."""
    texts = {
        "Reference answer": answer.reference.strip(),
        "Answer to grade": answer.text.strip() or "(the answer is empty)",
    }
    order = reversed(texts) if answer_first else texts
    return template("judge").fill(
        criterion=template(f"rubrics/{answer.dimension}").text.strip(),
        instruction=f"{answer.instruction}\n\n{answer.principle}".strip(),
        answers="\n\n".join(f"## {title}\n{texts[title]}" for title in order),
    )


def rubric_hash(dimension: str, answer_first: bool = False) -> str:
    """Return a hash of all fixed words in the grading prompt of a dimension, and their order."""
    words = (template("judge").hash, template(f"rubrics/{dimension}").hash)
    return stable_id(*words, ANSWER_FIRST) if answer_first else stable_id(*words)


def rating(
    answer: Answer,
    judge: str,
    reply: str,
    *,
    fault: str = "",
    cut: int = 0,
    answer_first: bool = False,
) -> Rating:
    """Return the rating read from a judge's reply; the reply itself is the reason if it is rated.

    Of an unrated answer the reason says what was wrong.

    Parameters
    ----------
    fault : why there is no reply; "" if there is one.
    cut : tokens at which the reply was cut, as its longest: what it says then is no rating yet. 0
        for a reply that ended by itself.
    """
    value, wrong = (None, fault) if fault else parse_rating(reply)
    if cut and not fault:
        reason = "no rating in the reply (it was cut at its longest)"
        empty = f"the reply was cut at its longest ({cut} tokens) before an answer"
        value, wrong = None, reason if reply.strip() else empty
    rubric = rubric_hash(answer.dimension, answer_first)
    return Rating(answer.id, answer.dimension, judge, value, wrong or reply.strip(), rubric)
