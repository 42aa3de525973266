"""Seeds to programming concepts: the prompts, and what is read from the completions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codealign.generate import Completion, Request
from codealign.params import Generation
from codealign.prefs.steps import Recipe, made_id
from codealign.records import Concepts, Seed

MAX_CONCEPTS = 12
STOP = ("\n",)


def requests(
    seeds: Iterable[Seed], recipe: Recipe, settings: Generation
) -> Iterator[tuple[Request, Seed]]:
    """Yield one request a seed, beside the seed."""
    for seed in seeds:
        prompt = recipe.prompt("concepts", snippet=seed.code)
        request_id = recipe.request_id("concepts", seed.id, prompt, settings)
        yield Request(request_id, prompt), seed


def parse(completion: Completion, seed: Seed) -> Concepts:
    """Return the concepts on the completion's first line; an empty list if there are none.

    They are separated by commas; repeated ones and all beyond the twelfth are dropped.
    """
    line = completion.text.strip().split("\n")[0]
    names = dict.fromkeys(part.strip(" .") for part in line.split(","))
    return Concepts(
        made_id(completion.id, completion.index), seed.id, [n for n in names if n][:MAX_CONCEPTS]
    )
