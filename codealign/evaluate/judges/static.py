"""Embedded judges without a language model: a documented formula for each dimension.

    rating = round(1 + 9 * (weighted mean of the dimension's measures)), a half rounds up

The measures are functions of `measures`, from 0 to 1; the weights are in `RUBRICS`. A measure that
is not defined for an answer leaves its weight to the others. `static_b` has other measures and
weights, so that agreement between two judges can be shown without a network. Agreement with the
reference has a share in most formulas, because CODAL grades against a reference: neat code for
another task is no good answer.

Rules for answers that cannot be analysed: an answer that is empty, has no code, or whose code does
not parse is rated 1 with that reason, in every dimension, as no reader could use it. A measure that
fails on an answer is not defined for it, and the reason names it. An answer for which no measure of
the dimension is defined is unrated and says so.

What these judges cannot see: whether the code is right (nothing is run), whether a name or an
explanation is true, any language but Python, and any constraint that is not among
`measures.CHECKS`. They are deterministic and cheap, made for the embedded model's narrow tasks,
and no substitute for a reader.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Iterator

from codealign.errors import CodealignError, nearest
from codealign.evaluate.judges import evidence, measures
from codealign.evaluate.judges.evidence import Evidence
from codealign.records import Answer, Rating, stable_id

Measure = Callable[[Evidence, Evidence], float | None]
BATCH = 256  # answers linted in one process

RUBRICS: dict[str, dict[str, dict[Measure, float]]] = {
    "static": {
        "instruction_following": {
            measures.followed: 0.5,
            measures.agrees: 0.3,
            measures.asked_signature: 0.2,
        },
        "readability": {
            measures.one_idea_a_line: 0.25,
            measures.named: 0.25,
            measures.documented: 0.2,
            measures.agrees: 0.2,
            measures.simple: 0.1,
        },
        "complexity": {
            measures.efficient: 0.45,
            measures.agrees: 0.25,
            measures.effort: 0.15,
            measures.speedy_idioms: 0.15,
        },
        "style": {
            measures.clean: 0.25,
            measures.hinted: 0.2,
            measures.documented: 0.15,
            measures.named: 0.15,
            measures.agrees: 0.15,
            measures.narrow: 0.1,
        },
        "explanation": {
            measures.covers_steps: 0.3,
            measures.about_the_task: 0.25,
            measures.agrees: 0.25,
            measures.present: 0.2,
        },
    },
    "static_b": {
        "instruction_following": {measures.followed: 0.7, measures.asked_signature: 0.3},
        "readability": {
            measures.maintainable: 0.4,
            measures.named: 0.2,
            measures.commented: 0.2,
            measures.asked_signature: 0.2,
        },
        "complexity": {
            measures.effort: 0.4,
            measures.efficient: 0.4,
            measures.asked_signature: 0.2,
        },
        "style": {
            measures.clean: 0.4,
            measures.narrow: 0.2,
            measures.hinted: 0.2,
            measures.commented: 0.2,
        },
        "explanation": {measures.covers_steps: 0.6, measures.plain_sentences: 0.4},
    },
}


def rubric_hash(name: str, dimension: str) -> str:
    """Return a hash of a dimension's weights and of the source of everything they weigh."""
    weights = RUBRICS[name][dimension]
    sources = [inspect.getsource(module) for module in (evidence, measures)]
    return stable_id(*((m.__name__, w) for m, w in weights.items()), *sources)


class StaticJudge:
    """Rates answers by `RUBRICS[name]`; the same answer always gets the same rating."""

    def __init__(self, name: str = "static") -> None:
        if name not in RUBRICS:
            raise CodealignError(f"no static judge {name!r}" + nearest(name, list(RUBRICS)))
        self.name = name
        self.hashes = {dimension: rubric_hash(name, dimension) for dimension in RUBRICS[name]}
        self.key = stable_id(name, *self.hashes.values())

    def estimate(self, answers: Iterable[Answer]) -> str:
        """Return a line on what rating answers will take."""
        return f"{len(list(answers))} answers by formula on this machine: no money"

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating per answer, in order; ruff runs once for every 256 answers."""
        remaining = iter(answers)
        while batch := list(itertools.islice(remaining, BATCH)):
            read = [evidence.read(a.text, a.instruction, a.principle) for a in batch]
            whole = [e for e in read if not e.fault]
            for e, violations in zip(whole, evidence.lint([e.code for e in whole]), strict=True):
                e.lint = dict(violations)
            for answer, e in zip(batch, read, strict=True):
                yield self._rating(answer, e)

    def _rating(self, answer: Answer, own: Evidence) -> Rating:
        parts, failed = ({}, []) if own.fault else self._parts(answer, own)
        value, reason = self._value(answer.dimension, parts), own.fault
        if own.fault:
            value = 1.0
        elif value is None:
            reason = "no measure of the rubric is defined for this answer"
        if failed:
            reason = "; ".join([*filter(None, [reason]), "not defined: " + ", ".join(failed)])
        return Rating(
            id=answer.id,
            dimension=answer.dimension,
            judge=self.name,
            rating=value,
            reason=reason,
            rubric=self.hashes.get(answer.dimension, ""),
            parts=parts,
        )

    def _parts(self, answer: Answer, own: Evidence) -> tuple[dict[str, float], list[str]]:
        """Return the measures that are defined, and those that failed, each with its error."""
        reference = evidence.read(answer.reference)
        parts, failed = {}, []
        for measure in self._rubric(answer.dimension):
            try:
                value = measure(own, reference)
            except Exception as error:  # whatever a library makes of a stranger's code
                failed.append(f"{measure.__name__} ({type(error).__name__})")
                continue
            if value is not None:
                parts[measure.__name__] = round(value, 4)
        return parts, failed

    def _rubric(self, dimension: str) -> dict[Measure, float]:
        """Return the measures of a dimension; none for one of the project's own."""
        return RUBRICS[self.name].get(dimension, {})

    def _value(self, dimension: str, parts: dict[str, float]) -> float | None:
        weights = {m.__name__: w for m, w in self._rubric(dimension).items()}
        total = sum(weights[name] for name in parts)
        if not total:
            return None
        mean = sum(weights[name] * value for name, value in parts.items()) / total
        return float(math.floor(1 + 9 * mean + 0.5))
