"""Executed responses to preference pairs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator

from codealign.params import Pairing
from codealign.prefs.outcomes import Outcome
from codealign.prefs.rules import RULES, Sides
from codealign.prompts import task_text
from codealign.records import Instruction, Pair, seed_of, stable_id


def make_pairs(
    found: Iterable[Outcome], settings: Pairing, seed: int, counts: Counter[str]
) -> Iterator[Pair]:
    """Yield the pairs of each instruction by the rule of the settings.

    Everything that is drawn at random is drawn with a seed made from the instruction's id, so that
    an instruction gives the same pairs whatever its place and its neighbours.

    Parameters
    ----------
    found : see `outcomes.outcomes`.
    settings : rule and options (see `rules`).
    seed : the run's seed.
    counts : gets the instructions that gave no pair, by reason.
    """
    rule = RULES[settings.rule]
    for outcome in found:
        rng = random.Random(seed_of("pair", seed, outcome.instruction.id))
        drawn = rule(outcome, settings, rng)
        if isinstance(drawn, str):
            counts[drawn] += 1
        else:
            yield from (_pair(outcome.instruction, sides) for sides in drawn)


def _pair(instruction: Instruction, sides: Sides) -> Pair:
    chosen, rejected = sides
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
