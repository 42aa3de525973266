"""Executed responses to preference pairs: one that passed, one that failed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from codealign.prompts import task_text
from codealign.records import Execution, Instruction, Pair, Response, seed_of, stable_id

FAILED = ("fail", "timeout", "crash", "no_proof", "suspect")


@dataclass(frozen=True)
class Pairs:
    """The pairs, and the number of instructions that gave none, by reason."""

    pairs: list[Pair]
    counts: dict[str, int] = field(default_factory=dict)


def make_pairs(
    instructions: Iterable[Instruction],
    responses: Iterable[Response],
    executions: Mapping[str, Execution],
    seed: int,
) -> Pairs:
    """Return one pair for each instruction with a passing and a failing response.

    Both are drawn at random, with a seed made from the instruction's id (paper, section 3.2). A
    rejected response was executed and did not pass: it has code and tests, so it is never empty. A
    response that the sandbox could not run has no part in it.

    Parameters
    ----------
    executions : by response id; responses that were not executed are missing.
    seed : the run's seed.
    """
    answers: defaultdict[str, list[Response]] = defaultdict(list)
    for response in responses:
        answers[response.instruction_id].append(response)
    pairs: list[Pair] = []
    counts = {"without a passing response": 0, "without a failing response": 0}
    for instruction in instructions:
        passing, failing = _sides(answers[instruction.id], executions)
        if not passing:
            counts["without a passing response"] += 1
        elif not failing:
            counts["without a failing response"] += 1
        else:
            pairs.append(_draw(instruction, passing, failing, seed))
    return Pairs(pairs, counts)


def _sides(
    responses: Iterable[Response], executions: Mapping[str, Execution]
) -> tuple[list[Response], list[Response]]:
    ordered = sorted(responses, key=lambda r: r.index)
    verdicts = {r.id: executions[r.id].verdict for r in ordered if r.id in executions}
    passing = [r for r in ordered if verdicts.get(r.id) == "pass"]
    good = {r.text for r in passing}
    failing = [r for r in ordered if verdicts.get(r.id) in FAILED and r.text not in good]
    return passing, failing


def _draw(
    instruction: Instruction, passing: list[Response], failing: list[Response], seed: int
) -> Pair:
    rng = random.Random(seed_of("pair", seed, instruction.id))
    chosen, rejected = rng.choice(passing), rng.choice(failing)
    return Pair(
        id=stable_id("pair", chosen.id, rejected.id),
        instruction_id=instruction.id,
        prompt=task_text(instruction.text, instruction.principle),
        chosen=chosen.text,
        rejected=rejected.text,
        dimension=instruction.dimension,
        chosen_id=chosen.id,
        rejected_id=rejected.id,
    )
