"""Executed responses to preference pairs, by the paper's rule or another.

random : one that passed and one that failed, drawn at random (paper, section 3.2).
all : each that passed with each that failed; a text counts once.
judge : of those that passed, the best and the worst rated for the instruction's dimension, so that
    the pair differs in that quality and not in whether the code works.
best_worst : the best and the worst of all n, as BoNBoN wants them. Best is, first, that it passed,
    then its rating; without ratings (functional data) the reward is the verdict alone, ties are
    drawn, and the rule is the paper's. Needs a rating of every candidate if there is a judge.

agreement : one of the largest set of responses that pass the same tests, and one that fails some of
    these (CodeT, CodeDPO; see `trials`). A set is as large as its responses times the tests that
    they pass; it needs two responses. Whether the own tests can fail plays no part: nothing is
    chosen for passing its own.
hidden : one that passes the hidden tests of a known task and one that fails them, whatever its own
    tests say.

What the rules random, agreement and hidden draw is, with `draw: closest`, the chosen and the
rejected whose code is most alike: the pair then differs in little but in what makes it right.

Passing are the responses that passed their own tests, if these can fail (`checks`); failing are
those that failed their own. A rule returns the pairs, or the reason why there is none, which is
counted.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import product

from codealign.mistakes import plainly
from codealign.params import Pairing
from codealign.prefs.checks import BROKEN
from codealign.prefs.outcomes import Labelled
from codealign.prefs.responses import shown
from codealign.prompts import task_text
from codealign.records import Pair, Response, seed_of, stable_id

Sides = tuple[Response, Response]  # chosen, rejected
Drawn = list[Sides] | str

NONE_PASSED = "without a passing response"
NONE_FAILED = "without a failing response"
NONE_REAL = "with passing responses whose tests prove nothing"
NO_AGREEMENT = "without a largest set that agrees"
NONE_OUTSIDE = "without a response outside the largest set"
FEW_RATED = "with fewer than two rated responses"
NO_GAP = "with ratings too close"


def one_of_each(outcome: Labelled, settings: Pairing, rng: random.Random) -> Drawn:
    """Draw one that passed and one that failed."""
    passing, failing = outcome.passing, outcome.failing
    if not passing or not failing:
        return _one_sided(outcome)
    return [_sides(passing, failing, settings, rng)]


def every_pair(outcome: Labelled, settings: Pairing, rng: random.Random) -> Drawn:
    """Return each that passed with each that failed, at most `max_pairs` of them, drawn."""
    passing, failing = _distinct(outcome, outcome.passing), _distinct(outcome, outcome.failing)
    if not passing or not failing:
        return _one_sided(outcome)
    pairs = list(product(passing, failing))
    if settings.max_pairs and len(pairs) > settings.max_pairs:
        return rng.sample(pairs, settings.max_pairs)
    return pairs


def best_rated(outcome: Labelled, settings: Pairing, rng: random.Random) -> Drawn:
    """Return the best and the worst rated of those that passed; equal ones are drawn."""
    marks = outcome.ratings
    rated = [r for r in _distinct(outcome, outcome.passing) if r.id in marks]
    if len(rated) < 2:
        return FEW_RATED if outcome.passing else _one_sided(outcome)
    best, worst = max(marks[r.id] for r in rated), min(marks[r.id] for r in rated)
    if best - worst < settings.min_gap:
        return NO_GAP
    return [_draw(rated, lambda r: marks[r.id], best, worst, rng)]


def best_and_worst(outcome: Labelled, settings: Pairing, rng: random.Random) -> Drawn:
    """Return the best and the worst of all that were executed; equal ones are drawn."""
    passed = {r.id for r in outcome.passing}
    candidates = _distinct(outcome, [*outcome.passing, *outcome.failing])
    if settings.judge and outcome.instruction.dimension:
        candidates = [r for r in candidates if r.id in outcome.ratings]
        if len(candidates) < 2:
            return FEW_RATED
    rewards = {r.id: (r.id in passed, outcome.ratings.get(r.id, 0.0)) for r in candidates}
    best, worst = max(rewards.values(), default=None), min(rewards.values(), default=None)
    if best == worst or (best[0] == worst[0] and best[1] - worst[1] < settings.min_gap):
        if outcome.ratings:
            return NO_GAP
        return _one_sided(outcome)
    return [_draw(candidates, lambda r: rewards[r.id], best, worst, rng)]


def largest_agreement(outcome: Labelled, settings: Pairing, rng: random.Random) -> Drawn:
    """Draw one of the largest set that agrees and one that fails a test which the set passes."""
    trials = outcome.trials
    sets: defaultdict[frozenset[str], list[Response]] = defaultdict(list)
    for response in outcome.responses:
        met = trials.get(response.id, {})
        sets[frozenset(name for name, verdict in met.items() if verdict == "pass")].append(response)
    sizes = {tests: len(agreeing) * len(tests) for tests, agreeing in sets.items()}
    best = [tests for tests, size in sizes.items() if size == max(sizes.values())]
    if len(best) != 1 or not best[0] or len(sets[best[0]]) < 2:
        return NO_AGREEMENT
    tests, inside = best[0], sets[best[0]]
    good = {plainly(r.code) for r in inside}
    outside = [
        r
        for r in outcome.responses
        if any(trials.get(r.id, {}).get(name) in BROKEN for name in tests)
        and plainly(r.code) not in good
    ]
    return [_sides(inside, outside, settings, rng)] if outside else NONE_OUTSIDE


def by_hidden_tests(outcome: Labelled, settings: Pairing, rng: random.Random) -> Drawn:
    """Draw one that passes the hidden tests and one that fails them."""
    whole = [r for r in outcome.responses if not (outcome.keep_tests and r.finish == "length")]
    right = [r for r in whole if outcome.hidden.get(r.id) == "pass"]
    good = {plainly(r.code) for r in right}
    failed = [r for r in whole if outcome.hidden.get(r.id) in BROKEN]
    wrong = [r for r in failed if plainly(r.code) not in good]
    if not right or not wrong:
        return NONE_FAILED if right else NONE_PASSED
    return [_sides(right, wrong, settings, rng)]


def _sides(
    good: list[Response], bad: list[Response], settings: Pairing, rng: random.Random
) -> Sides:
    """Draw one of each, at random or so that their code is as alike as any two's."""
    if settings.draw == "random":
        return rng.choice(good), rng.choice(bad)
    codes = {r.id: plainly(r.code) for r in (*good, *bad)}
    pairs = list(product(good, bad))
    rng.shuffle(pairs)  # of equally close ones any

    def likeness(pair: Sides) -> float:
        one, other = (codes[r.id] for r in pair)
        return SequenceMatcher(None, one, other, autojunk=False).ratio()

    return max(pairs, key=likeness)


def _one_sided(outcome: Labelled) -> str:
    """Return why there is none to choose, or none to reject."""
    if outcome.passing:
        return NONE_FAILED
    return NONE_REAL if outcome.passed else NONE_PASSED


def _distinct(outcome: Labelled, responses: list[Response]) -> list[Response]:
    return list({outcome.shown(r): r for r in reversed(responses)}.values())[::-1]


def _draw(
    responses: list[Response],
    value: Callable[[Response], object],
    best: object,
    worst: object,
    rng: random.Random,
) -> Sides:
    chosen = rng.choice([r for r in responses if value(r) == best])
    return chosen, rng.choice([r for r in responses if value(r) == worst])


RULES: dict[str, Callable[[Labelled, Pairing, random.Random], Drawn]] = {
    "random": one_of_each,
    "all": every_pair,
    "judge": best_rated,
    "best_worst": best_and_worst,
    "agreement": largest_agreement,
    "hidden": by_hidden_tests,
}


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

    What is drawn is drawn with a seed made from the instruction's id, so that an instruction gives
    the same pairs whatever its place and its neighbours.

    Parameters
    ----------
    outcomes : see `outcomes.outcomes`.
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
