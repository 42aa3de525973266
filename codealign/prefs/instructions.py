"""Seeds to concepts to instructions, for functional requirements or one dimension per seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from codealign.additions import own_dimension
from codealign.errors import CodealignError
from codealign.generate import Completion, Request
from codealign.params import Generation, Prefs
from codealign.prefs.steps import Recipe, made_id
from codealign.prompts import principle_for
from codealign.records import (
    DIMENSIONS,
    REQUIREMENTS,
    Concepts,
    Instruction,
    Known,
    Seed,
    read_jsonl,
    stable_id,
)
from codealign.resumable import Index

MAX_CONCEPTS, MIN_CHARACTERS = 12, 15
STOP = ("\n",)


def concept_requests(
    seeds: Iterable[Seed], recipe: Recipe, settings: Generation
) -> Iterator[tuple[Request, Seed]]:
    """Yield one request per seed, beside the seed."""
    for seed in seeds:
        prompt = recipe.prompt("concepts", snippet=seed.code)
        request_id = recipe.request_id("concepts", seed.id, prompt, settings)
        yield Request(request_id, prompt), seed


def parse_concepts(completion: Completion, seed: Seed) -> Concepts:
    """Return the concepts on the completion's first line; an empty list if there are none.

    They are separated by commas; repeated ones and all beyond the twelfth are dropped, and the last
    one of a list that the length limit has cut.
    """
    text = completion.text.strip()
    parts = text.split("\n")[0].split(",")
    cut = completion.finish == "length" and "\n" not in text
    names = dict.fromkeys(part.strip(" .") for part in (parts[:-1] if cut else parts))
    kept = [n for n in names if n][:MAX_CONCEPTS]
    return Concepts(made_id(completion.id, completion.index), seed.id, kept, cut)


def dimensions_of(requirement: str, own: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the dimensions of a requirement's data; functional data have one, "".

    Parameters
    ----------
    own : dimensions of the project beside CODAL's five.

    Raises
    ------
    CodealignError
        Another requirement, or a dimension that the project does not have.
    """
    if requirement not in REQUIREMENTS:
        raise CodealignError(f"requirement {requirement!r}; valid: {', '.join(REQUIREMENTS)}")
    if requirement == "functional":
        return ("",)
    for name in own:
        own_dimension(name)
    return (*DIMENSIONS, *own)


class Dimensions:
    """The dimension of each seed: those of the requirement in turn.

    The turn goes by the order of the ids, so the shares differ by one at most and the order of
    arrival does not matter.

    Parameters
    ----------
    seed_ids : those that an instruction is asked for.
    requirement, own : as in `dimensions_of`.
    """

    def __init__(self, seed_ids: Iterable[str], requirement: str, own: Sequence[str] = ()) -> None:
        self.names = dimensions_of(requirement, own)
        self.turns, ordered = Index(), Index()
        for seed_id in seed_ids:
            ordered.add(seed_id)
        for turn, (seed_id, _) in enumerate(ordered.items()):
            self.turns.put(seed_id, turn % len(self.names))

    def of(self, seed_id: str) -> str:
        """Return a seed's dimension, "" if the data are functional."""
        return self.names[self.turns.get(seed_id)]


def requests(
    concepts: Iterable[Concepts], dimensions: Dimensions, recipe: Recipe, settings: Generation
) -> Iterator[tuple[Request, Instruction]]:
    """Yield a request for each record with concepts, beside the instruction to complete."""
    for one in concepts:
        if not one.concepts:
            continue
        dimension = dimensions.of(one.seed_id)
        fields = {"concepts": ", ".join(one.concepts)}
        if dimension:
            fields["principle"] = principle_for(dimension, one.seed_id)
        prompt = recipe.prompt("instruction", dimension, **fields)
        request_id = recipe.request_id("instruction", one.id, prompt, settings)
        empty = Instruction("", one.seed_id, "", dimension, fields.get("principle", ""))
        yield Request(request_id, prompt), empty


def parse(completion: Completion, empty: Instruction) -> Instruction:
    """Return the instruction whose text is the completion's first line, stripped."""
    text = completion.text.strip()
    cut = completion.finish == "length" and "\n" not in text
    name = made_id(completion.id, completion.index)
    return replace(empty, id=name, text=text.split("\n")[0].strip(), cut=cut)


def usable(
    instructions: Iterable[Instruction], counts: Counter[str] | None = None
) -> Iterator[Instruction]:
    """Yield the instructions to answer; `counts` gets those cut, too short or repeated.

    Two instructions are the same if their words and principle are; the first in the given order
    stays. Too short is under 15 characters.
    """
    counts = Counter() if counts is None else counts
    known = Index()
    for one in instructions:
        if one.cut:
            counts["cut at the longest"] += 1
        elif len(one.text) < MIN_CHARACTERS:
            counts["too short"] += 1
        elif not known.add(stable_id(" ".join(one.text.lower().split()), one.principle)):
            counts["duplicate"] += 1
        else:
            yield one


# Tasks whose right answers are known: instructions that are given, each with hidden tests, which no
# model sees. They label pairs (rule `hidden`), and say how many chosen responses of any other rule
# are wrong.


def read_known(path: Path | str | None, settings: Prefs, requirement: str) -> dict[str, Known]:
    """Return the known tasks of a file by the name of their seed function; None: there are none.

    Raises
    ------
    CodealignError
        Known tasks without a file of them, or for another requirement.
    """
    if settings.tasks == "grammar" and path is None:
        raise CodealignError("prefs.tasks: grammar: no file of the known tasks was given")
    if path is not None and requirement != "functional":
        raise CodealignError(
            "prefs.tasks: grammar has functional tasks only; leave non_functional out of "
            "`requirements`"
        )
    return {one.name: one for one in read_jsonl(path, Known)} if path else {}


def known_instructions(seeds: Iterable[Seed], known: dict[str, Known]) -> Iterator[Instruction]:
    """Yield the known instruction of each seed that has one.

    Raises
    ------
    CodealignError
        No seed has one: the tasks are not those of this corpus.
    """
    asked = [(seed, known[seed.name]) for seed in seeds if seed.name in known]
    if not asked:
        raise CodealignError("instructions: no seed function is among the known tasks")
    for seed, task in asked:
        yield Instruction(stable_id("known", seed.id, task.text), seed.id, task.text)
