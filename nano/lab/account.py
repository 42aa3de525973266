"""The account of nano's tasks and benchmarks: what is held out, what leaks, what the tests notice.

Printed from what was counted, never typed: `python -m nano.lab build account`.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codealign.markdown import pipe_table
from codealign.records import seed_of, write_text
from nano.lab import leakage
from nano.lab.chats import chat_pair
from nano.lab.corpus import batches
from nano.lab.mutation import Noticed, total
from nano.lab.problems import read_problems
from nano.lab.recipe import Recipe
from nano.lab.tasks import DEPTHS, HOLD_OUT_ONE_IN, compositions, is_held_out

if TYPE_CHECKING:
    from tokenizers import Tokenizer

STANDS_FOR = {
    "humaneval_plus": "HumanEval+ (F1)",
    "mbpp_plus": "MBPP+ (F2)",
    "evalperf": "EvalPerf (F3)",
    "codal": "CODAL (NF1-NF5)",
}
LEAKS = ("also in the corpus", "of", "found")
MUTANTS = (
    "file", "stands for", "problems", "wrong slips", "equivalent", "base tests",
    "base and added tests",
)  # fmt: skip
_TEXT = """\
# nano's tasks and benchmarks

Written by `python -m nano.lab build account`; every number is counted, none typed.

## The grammar

A task takes an argument (a list of integers or words, a string, an integer, a dictionary) through
one to {depth} operations: filters, maps, sorts, slices, reductions. There are {compositions:,}
compositions that differ in more than constants, names and wording; their code has {skeletons:,}
skeletons (names and constants aside). Each can be asked for as a phrase, as steps or as a story,
each operation in several wordings, and solved in good style (named steps, one expression, a loop;
with or without docstring, type hints and error handling) or poor (terse names and spacing, loops
over indexes that no one needs, slower algorithms).

## What is held out

One skeleton in {one_in}, by a hash, of two or more operations: {held_out:,} compositions
({held_share:.1%}). The corpus, the chats of the fine-tuning and the seed functions hold none of
them; every benchmark is made of them alone, or of tasks longer than any in the corpus. What a
benchmark asks for is therefore a composition never seen, of operations that were all seen.

Checked after normalising (`nano/lab/leakage.py`): {documents:,} documents of the corpus and
{chats:,} chats, all that the weights were trained on, planted mistakes left out, against
{problems:,} problems.

{leaks}

A planted mistake can by chance turn one task's code into another's: with them, {mistaken} of the
normalised solutions stand in the corpus, under descriptions of other tasks.

## Problems, and how many mistakes their tests notice

Mutation score: of all single slips in the canonical solutions (the kinds that the corpus plants)
that are wrong on any of the tests or of {further} further random inputs, the share that the tests
notice. Slips that no input shows are taken to be equivalent and left out.

{mutants}
"""


def corpus_texts(recipe: Recipe, tokenizer: Tokenizer, mistakes: bool) -> Iterator[str]:
    """Yield every document that the pretraining reads, with or without its mistakes."""
    from nano.lab.documents import document

    number = 0
    for texts, _ in batches(recipe, tokenizer):
        for text in texts:
            rng = random.Random(seed_of("corpus", recipe.seed, number))
            yield text if mistakes else document(rng, 0.0)
            number += 1


def chat_texts(recipe: Recipe, mistakes: bool) -> Iterator[str]:
    """Yield every chat of the fine-tuning."""
    share = recipe.chat_mistakes if mistakes else 0.0
    for number in range(recipe.chats):
        asked, reply = chat_pair(random.Random(seed_of("chat", recipe.seed, number)), share)
        yield f"### Instruction\n{asked}\n{reply}"


def _all_texts(recipe: Recipe, tokenizer: Tokenizer, mistakes: bool) -> Iterator[str]:
    yield from corpus_texts(recipe, tokenizer, mistakes)
    yield from chat_texts(recipe, mistakes)


def count_leaks(
    benchmarks: dict[str, list[dict[str, Any]]], recipe: Recipe, tokenizer: Tokenizer
) -> dict[str, int]:
    """Count what of the benchmarks stands in the corpus; some minutes."""
    problems = list(chain.from_iterable(benchmarks.values()))
    parts = [leakage.fingerprints(problem) for problem in problems]
    documents = sum(len(texts) for texts, _ in batches(recipe, tokenizer))
    code_leaks, text_leaks = leakage.leaks(problems, _all_texts(recipe, tokenizer, mistakes=False))
    mistaken, _ = leakage.leaks(problems, _all_texts(recipe, tokenizer, mistakes=True))
    return {
        "documents": documents,
        "chats": recipe.chats,
        "problems": len(problems),
        "solutions": len(set().union(*(code for code, _ in parts))),
        "descriptions": len(set().union(*(words for _, words in parts))),
        "code_leaks": len(code_leaks),
        "text_leaks": len(text_leaks),
        "mistaken": len(mistaken),
    }


def count_tasks() -> dict[str, int]:
    """Count compositions, skeletons and what of them is held out; half a minute."""
    tasks = list(compositions())
    return {
        "compositions": len(tasks),
        "skeletons": len({task.skeleton for task in tasks}),
        "held_out": sum(map(is_held_out, tasks)),
    }


def counted(data: Path, weights: Path, recipe: Recipe) -> dict[str, Any]:
    """Return every count of the account: tasks, leaks, and mutants by benchmark."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights / "pretrained" / "tokenizer.json"))
    names = sorted(path.name.removesuffix(".jsonl.gz") for path in data.glob("*.jsonl.gz"))
    problems_of = {name: read_problems(data / f"{name}.jsonl.gz") for name in names}
    return {
        **count_tasks(),
        **count_leaks(problems_of, recipe, tokenizer),
        "sizes": {name: len(problems) for name, problems in problems_of.items()},
        "mutants": {n: asdict(total(problems_of[n])) for n in names if n != "codal"},
    }


def _row(name: str, size: int, mutants: dict[str, int] | None) -> list[Any]:
    stands_for = STANDS_FOR.get(name) or f"EvoEval {name.removeprefix('evoeval_')} (F4)"
    if mutants is None:
        return [f"`{name}`", stands_for, size, "no tests", "", "", ""]
    noticed = Noticed(**mutants)
    scores = ["" if math.isnan(s) else f"{s:.3f}" for s in (noticed.base_score, noticed.score)]
    return [f"`{name}`", stands_for, size, noticed.wrong, noticed.same, *scores]


def account_text(counts: dict[str, Any]) -> str:
    """Return the account as Markdown."""
    from nano.lab.mutation import FURTHER

    leaks = [
        ("normalised solutions", f"{counts['solutions']:,}", counts["code_leaks"]),
        ("normalised descriptions", f"{counts['descriptions']:,}", counts["text_leaks"]),
    ]
    rows = [_row(n, size, counts["mutants"].get(n)) for n, size in counts["sizes"].items()]
    return _TEXT.format(
        **counts | {"leaks": pipe_table(LEAKS, leaks), "mutants": pipe_table(MUTANTS, rows)},
        depth=len(DEPTHS),
        one_in=HOLD_OUT_ONE_IN,
        held_share=counts["held_out"] / counts["compositions"],
        further=len(FURTHER),
    )


def write_account(data: Path, weights: Path, recipe: Recipe) -> Path:
    """Count, write `account.json` and `README.md` into the folder of the benchmarks, return it."""
    counts = counted(data, weights, recipe)
    write_text(data / "account.json", json.dumps(counts, indent=1) + "\n")
    write_text(data / "README.md", account_text(counts))
    return data
