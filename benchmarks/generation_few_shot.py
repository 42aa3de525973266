"""Our generation against transformers' own, on few-shot prompts of different length, on a CPU.

    OMP_NUM_THREADS=1 python benchmarks/generation_few_shot.py MODEL [--prompts 6] [--samples 4]
        [--tokens 32] [--rounds 1]

MODEL is a folder such as the one that `make real` makes. Prompts are the pipeline's for responses
of a model that only completes; four samples of each are in one batch for both sides. The third
side, `no_sharing`, is ours with each prompt read from its first token and its keys and values
copied for the query heads that share them. Prints one JSON line: CPU seconds per side (the best
round), ratios, and whether ours and `no_sharing` wrote the same.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from generation_speed import left_padded
from transformers import set_seed

from codealign.generate import Completion, Request, generate, local, open_engine
from codealign.params import Generation
from codealign.prompts import template_set
from codealign.text import encode

TASKS = (
    "Write a Python function that returns the sum of the even numbers of a list.",
    "Write a function `longest(words)` that returns the longest word, the first of equals.",
    "Given a string, count its vowels.",
    "Write a function that merges two sorted lists into one sorted list, without sorting again.",
    "Check whether a number is prime.",
    "Write a function `invert(mapping)` that swaps keys and values; values that occur twice raise.",
)


def ours(engine: Any, items: list[Request], settings: Generation, n: int) -> list[Completion]:
    """Return our completions, in a fixed order."""
    return sorted(generate(items, engine, settings, n), key=lambda c: (c.id, c.index))


def theirs(engine: Any, items: list[Request], settings: Generation, n: int) -> None:
    """Let transformers generate the same number of samples, all rows in one batch."""
    rows = [encode(engine.tokenizer, item.prompt) for item in items for _ in range(n)]
    ids, mask = left_padded(rows)
    set_seed(0)
    engine.model.generate(
        ids, attention_mask=mask, do_sample=True, temperature=settings.temperature, top_k=0,
        max_new_tokens=settings.max_new_tokens, pad_token_id=0,
    )  # fmt: skip


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return CPU seconds of a call, and what it returned."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def main() -> None:
    """Measure the sides in turn and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    engine = open_engine("transformers", args.model, "pretrained")
    shot = template_set("few_shot").pick("response")
    items = [Request(str(i), shot.fill(instruction=t)) for i, t in enumerate(TASKS[: args.prompts])]
    settings = Generation(
        temperature=0.8, max_new_tokens=args.tokens, batch_size=args.prompts * args.samples
    )
    own, spent = engine.model.config._attn_implementation, dict[str, float]()
    for _ in range(args.rounds):
        for side in ("ours", "no_sharing", "transformers"):
            engine.model.set_attn_implementation(own if side == "ours" else "sdpa")
            local.SHARED = 16 if side == "ours" else 10**9
            work = theirs if side == "transformers" else ours
            took, made = seconds(lambda: work(engine, items, settings, args.samples))  # noqa: B023
            spent[side] = min(took, spent.get(side, took))
            if side == "ours":
                first = made
            elif side == "no_sharing":
                same = made == first
    lengths = [len(encode(engine.tokenizer, item.prompt)) for item in items]
    row: dict[str, Any] = {side: round(took, 1) for side, took in spent.items()}
    row |= {f"{s}_ratio": round(spent[s] / spent["ours"], 1) for s in spent if s != "ours"}
    print(json.dumps(row | {"same": same, "prompt_tokens": lengths, "rounds": args.rounds}))


if __name__ == "__main__":
    main()
