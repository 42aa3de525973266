"""Greedy answers of different length: our batches, which are refilled, against transformers' own.

    OMP_NUM_THREADS=1 python benchmarks/generation_batch.py MODEL [--prompts 24] [--batch 8]
        [--tokens 128] [--rounds 1] [--ctranslate2 FOLDER]

MODEL is a folder with a chat model, such as .cache/SmolLM2-135M-Instruct/finetuned of `make real`.
It answers nano's HumanEval+ tasks in its chat format, on a CPU in float32. Sides: `ours`;
`unfilled`, ours where a batch is written to its end before the next one begins; `batch`,
`model.generate` with as many prompts at once, in the tasks' order; `single`, with one prompt at a
time; with FOLDER, the model as CTranslate2's `ct2-transformers-converter` writes it, that engine
too. Prints one JSON line: CPU seconds of each side (the best round), how many times as fast ours
is, and of how many prompts each side's tokens are `single`'s.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from generation_speed import left_padded

from codealign.evaluate.functional.registry import prompts_of
from codealign.generate import Request, generate, open_engine
from codealign.generate.local import LocalEngine
from codealign.params import Generation
from codealign.text import encode


def ours(engine: LocalEngine, prompts: list[str], settings: Generation, refill: bool) -> list[str]:
    """Return our answers, in the prompts' order."""
    weight_bytes = engine.weight_bytes
    engine.weight_bytes = weight_bytes if refill else 0  # then no padding is worth its price
    items = [Request(str(i), prompt) for i, prompt in enumerate(prompts)]
    made = {completion.id: completion.text for completion in generate(items, engine, settings)}
    engine.weight_bytes = weight_bytes
    return [made[item.id] for item in items]


def theirs(engine: LocalEngine, prompts: list[str], settings: Generation, size: int) -> list[str]:
    """Let transformers answer `size` prompts at a time."""
    made = []
    for start in range(0, len(prompts), size):
        rows = [encode(engine.tokenizer, prompt) for prompt in prompts[start : start + size]]
        ids, mask = left_padded(rows)
        out = engine.model.generate(
            ids, attention_mask=mask, do_sample=False, max_new_tokens=settings.max_new_tokens,
            eos_token_id=sorted(engine.ends), pad_token_id=min(engine.ends),
        )  # fmt: skip
        made += engine.tokenizer.batch_decode(out[:, ids.shape[1] :], skip_special_tokens=True)
    return made


def converted(
    engine: LocalEngine, prompts: list[str], settings: Generation, path: str
) -> list[str]:
    """Let CTranslate2 answer, in float32 on one thread; it fills its batches by itself."""
    import ctranslate2

    words = engine.tokenizer.convert_ids_to_tokens
    generator = ctranslate2.Generator(path, compute_type="float32", intra_threads=1)
    made = generator.generate_batch(
        [words(encode(engine.tokenizer, prompt)) for prompt in prompts],
        max_length=settings.max_new_tokens, max_batch_size=settings.batch_size, sampling_topk=1,
        include_prompt_in_result=False, end_token=words(sorted(engine.ends)),
    )  # fmt: skip
    ids = [answer.sequences_ids[0] for answer in made]
    return engine.tokenizer.batch_decode(ids, skip_special_tokens=True)


def main() -> None:
    """Measure the sides in turn and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ctranslate2", metavar="FOLDER")
    args = parser.parse_args()
    engine = open_engine("transformers", args.model, "finetuned")
    own = engine.model.config._attn_implementation
    prompts = [
        engine.chat(text) for text in islice(prompts_of("nano", ["humaneval"]), args.prompts)
    ]
    settings = Generation(temperature=0, max_new_tokens=args.tokens, batch_size=args.batch)
    work: dict[str, Callable[[], list[str]]] = {
        "ours": lambda: ours(engine, prompts, settings, refill=True),
        "unfilled": lambda: ours(engine, prompts, settings, refill=False),
        "batch": lambda: theirs(engine, prompts, settings, args.batch),
        "single": lambda: theirs(engine, prompts, settings, 1),
    }
    if args.ctranslate2:
        work["ctranslate2"] = lambda: converted(engine, prompts, settings, args.ctranslate2)
    spent: dict[str, float] = {}
    made: dict[str, list[str]] = {}
    for _ in range(args.rounds):
        for side in work:
            engine.model.set_attn_implementation("sdpa" if side in ("batch", "single") else own)
            started = time.process_time()
            made[side] = work[side]()
            took = time.process_time() - started
            spent[side] = min(took, spent.get(side, took))
    tokens = [len(encode(engine.tokenizer, text)) for text in made["single"]]
    row: dict[str, Any] = {side: round(took, 1) for side, took in spent.items()}
    row |= {
        f"{side}_ratio": round(spent[side] / spent["ours"], 2) for side in work if side != "ours"
    }
    row["same"] = {
        side: sum(a == b for a, b in zip(made[side], made["single"], strict=True))
        for side in work
        if side != "single"
    }
    row |= {"tokens": sum(tokens), "longest": max(tokens), "prompts": len(prompts)}
    print(json.dumps(row | {"rounds": args.rounds}))


if __name__ == "__main__":
    main()
