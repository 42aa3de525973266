"""What language-model judges share: the prompt of a grading and the rating in a reply.

An answer is graded by itself against a reference, so there is no second answer to swap it with. The
one position that can be examined is that of the reference: `answer_first` shows the answer before
it, and a judge that grades by the words alone gives the same ratings.
"""

from __future__ import annotations

import re

from codealign.evaluate.judges import ANSWER_FIRST
from codealign.prompts import template
from codealign.records import Answer, Rating, stable_id

LOWEST, HIGHEST = 1, 10
BRACKETED = re.compile(r"\[\[\s*(-?\d+(?:[.,]\d+)?)\s*\]\]")
LABELLED = re.compile(r"\brating\b[\s*_]*[:=][\s*_]*(-?\d+(?:[.,]\d+)?)", re.IGNORECASE)


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


def parse_rating(reply: str) -> tuple[float | None, str]:
    """Return the rating in a judge's reply and "", or None and the reason why there is none.

    `Rating: [[7]]` is what the prompt asks for; `Rating: 7` and `Rating: 7/10` are understood too,
    if no number stands in double brackets. Digits of any script count. Nothing is guessed: two
    different ratings, a number outside 1 to 10 or a fraction leave the answer unrated.
    """
    found = BRACKETED.findall(reply) or LABELLED.findall(reply)
    values = list(dict.fromkeys(float(text.replace(",", ".")) for text in found))
    if not reply.strip():
        return None, "empty reply"
    if not values:
        return None, "no rating in the reply"
    if len(values) > 1:
        return None, "different ratings: " + ", ".join(f"{v:g}" for v in values)
    if not LOWEST <= values[0] <= HIGHEST:
        return None, f"rating {values[0]:g} is outside {LOWEST} to {HIGHEST}"
    if values[0] != int(values[0]):
        return None, f"rating {values[0]:g} is not a whole number"
    return values[0], ""


def rating(
    answer: Answer,
    judge: str,
    reply: str,
    *,
    fault: str = "",
    cut: bool = False,
    answer_first: bool = False,
) -> Rating:
    """Return the rating read from a judge's reply; the reply itself is the reason if it is rated.

    Of an unrated answer the reason says what was wrong.

    Parameters
    ----------
    fault : why there is no reply; "" if there is one.
    cut : the reply ended at its longest.
    """
    value, wrong = (None, fault) if fault else parse_rating(reply)
    if cut and value is None and not fault:
        wrong += " (it was cut at its longest)"
    rubric = rubric_hash(answer.dimension, answer_first)
    return Rating(answer.id, answer.dimension, judge, value, wrong or reply.strip(), rubric)
