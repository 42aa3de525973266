"""Executed responses to preference pairs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from codealign.params import Pairing
from codealign.prefs.outcomes import Labelled
from codealign.prefs.responses import shown
from codealign.prefs.rules import RULES, Sides
from codealign.prompts import task_text
from codealign.records import Pair, seed_of, stable_id


@dataclass
class Lengths:
    """Characters of the sides of all pairs: `whole` with the own tests, `answer` without."""

    pairs: int = 0
    whole: Counter[str] = field(default_factory=Counter)
    answer: Counter[str] = field(default_factory=Counter)

    def add(self, sides: Sides) -> None:
        """Count a pair."""
        self.pairs += 1
        for name, response in zip(("chosen", "rejected"), sides, strict=True):
            self.whole[name] += len(response.text)
            self.answer[name] += len(shown(response, keep_tests=False))

    def means(self) -> dict[str, dict[str, float]]:
        """Return the mean characters of each side, with and without the tests."""
        n = max(1, self.pairs)
        return {
            name: {
                "with tests": round(self.whole[name] / n, 1),
                "without": round(self.answer[name] / n, 1),
            }
            for name in ("chosen", "rejected")
        }


def make_pairs(
    outcomes: Iterable[Labelled],
    settings: Pairing,
    seed: int,
    counts: Counter[str],
    lengths: Lengths | None = None,
) -> Iterator[Pair]:
    """Yield the pairs of each instruction by the rule of the settings.

    Everything that is drawn at random is drawn with a seed made from the instruction's id, so that
    an instruction gives the same pairs whatever its place and its neighbours.

    Parameters
    ----------
    outcomes : see `outcomes.outcomes`.
    settings : rule and options (see `rules`).
    seed : the run's seed.
    counts : gets the instructions that gave no pair, by reason.
    lengths : gets the sides of the pairs.
    """
    lengths = Lengths() if lengths is None else lengths
    rule = RULES[settings.rule]
    for outcome in outcomes:
        rng = random.Random(seed_of("pair", seed, outcome.instruction.id))
        drawn = rule(outcome, settings, rng)
        if isinstance(drawn, str):
            counts[drawn] += 1
            continue
        for sides in drawn:
            lengths.add(sides)
            yield _pair(outcome, sides)


def _pair(outcome: Labelled, sides: Sides) -> Pair:
    instruction, (chosen, rejected) = outcome.instruction, sides
    return Pair(
        id=stable_id("pair", chosen.id, rejected.id),
        instruction_id=instruction.id,
        prompt=task_text(instruction.text, instruction.principle),
        chosen=outcome.shown(chosen),
        rejected=outcome.shown(rejected),
        dimension=instruction.dimension,
        chosen_id=chosen.id,
        rejected_id=rejected.id,
        chosen_hidden=outcome.hidden.get(chosen.id, ""),
        rejected_hidden=outcome.hidden.get(rejected.id, ""),
    )
