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
    """Yield one request per seed, beside the seed."""
    for seed in seeds:
        prompt = recipe.prompt("concepts", snippet=seed.code)
        request_id = recipe.request_id("concepts", seed.id, prompt, settings)
        yield Request(request_id, prompt), seed


def parse(completion: Completion, seed: Seed) -> Concepts:
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
