"""What language-model judges share: the prompt of a grading and the rating in a reply."""

from __future__ import annotations

import re

from codealign.prompts import template
from codealign.records import Answer, Rating, stable_id

LOWEST, HIGHEST = 1, 10
BRACKETED = re.compile(r"\[\[\s*(-?\d+(?:[.,]\d+)?)\s*\]\]")
LABELLED = re.compile(r"\brating\b[\s*_]*[:=][\s*_]*(-?\d+(?:[.,]\d+)?)", re.IGNORECASE)


def prompt(answer: Answer) -> str:
    """Return the grading prompt: rubric, task with its principle, reference and answer."""
    return template("judge").fill(
        criterion=template(f"rubrics/{answer.dimension}").text.strip(),
        instruction=f"{answer.instruction}\n\n{answer.principle}".strip(),
        reference=answer.reference.strip(),
        answer=answer.text.strip() or "(the answer is empty)",
    )


def rubric_hash(dimension: str) -> str:
    """Return a hash of all fixed words in the grading prompt of a dimension."""
    return stable_id(template("judge").hash, template(f"rubrics/{dimension}").hash)


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


def rating(answer: Answer, judge: str, reply: str) -> Rating:
    """Return the rating read from a judge's reply; the reply itself is the reason if it is rated.

    Of an unrated answer the reason says what was wrong with the reply.
    """
    value, fault = parse_rating(reply)
    reason = fault or reply.strip()
    return Rating(answer.id, answer.dimension, judge, value, reason, rubric_hash(answer.dimension))
