"""Concepts to instructions, for functional requirements or one dimension a seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from codealign.errors import CodealignError
from codealign.generate import Completion, Request
from codealign.params import Generation
from codealign.prefs.steps import Recipe, made_id
from codealign.prompts import principle_for
from codealign.records import DIMENSIONS, REQUIREMENTS, Concepts, Instruction

MIN_CHARACTERS = 15
STOP = ("\n",)


def dimensions_of(seed_ids: Iterable[str], requirement: str) -> dict[str, str]:
    """Return the dimension of each seed: "" for functional, else each of the five in turn.

    The turn goes by the order of the ids, so the shares differ by one at most and the order of
    arrival does not matter.
    """
    if requirement not in REQUIREMENTS:
        raise CodealignError(f"requirement {requirement!r}; valid: {', '.join(REQUIREMENTS)}")
    if requirement == "functional":
        return dict.fromkeys(seed_ids, "")
    turns = enumerate(sorted(set(seed_ids)))
    return {seed_id: DIMENSIONS[turn % len(DIMENSIONS)] for turn, seed_id in turns}


def requests(
    concepts: Iterable[Concepts], dimensions: dict[str, str], recipe: Recipe, settings: Generation
) -> list[tuple[Request, Instruction]]:
    """Return a request for each record with concepts, beside the instruction to complete."""
    found = []
    for one in concepts:
        if not one.concepts:
            continue
        dimension = dimensions[one.seed_id]
        fields = {"concepts": ", ".join(one.concepts)}
        if dimension:
            fields["principle"] = principle_for(dimension, one.seed_id)
        name = "instruction_principle" if dimension else "instruction"
        prompt = recipe.prompt(name, "instruction", **fields)
        request_id = recipe.request_id("instruction", one.id, prompt, settings)
        empty = Instruction("", one.seed_id, "", dimension, fields.get("principle", ""))
        found.append((Request(request_id, prompt), empty))
    return found


def parse(completion: Completion, empty: Instruction) -> Instruction:
    """Return the instruction whose text is the completion's first line, stripped."""
    text = completion.text.strip().split("\n")[0].strip()
    return replace(empty, id=made_id(completion.id, completion.index), text=text)


def usable(instructions: Iterable[Instruction]) -> tuple[list[Instruction], dict[str, int]]:
    """Return the instructions to answer, and how many were too short or said before.

    Two instructions are the same if their words and principle are; the first in the given order
    stays. Too short is under 15 characters.
    """
    kept: dict[tuple[str, str], Instruction] = {}
    counts = {"too short": 0, "duplicate": 0}
    for one in instructions:
        key = (" ".join(one.text.lower().split()), one.principle)
        if len(one.text) < MIN_CHARACTERS:
            counts["too short"] += 1
        elif key in kept:
            counts["duplicate"] += 1
        else:
            kept[key] = one
    return list(kept.values()), counts
