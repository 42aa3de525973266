"""Greedy answers of different length: our batches, which are refilled, against transformers' own.

    OMP_NUM_THREADS=1 python benchmarks/generation_batch.py MODEL [--prompts 24] [--batch 8]
        [--tokens 128] [--rounds 1] [--ctranslate2 FOLDER] [--onnx FOLDER] [--compile]
        [--sides unfilled,batch,single]

MODEL is a folder with a chat model, such as .cache/SmolLM2-135M-Instruct/finetuned of `make real`.
It answers nano's HumanEval+ tasks in its chat format, on a CPU in float32. Sides: `ours`;
`unfilled`, ours where a batch is written to its end before the next one begins; `batch`,
`model.generate` with as many prompts at once, in the tasks' order; `single`, with one prompt at a
time. Other engines where their FOLDER is given: the model as CTranslate2's
`ct2-transformers-converter` writes it, or as `python -m onnxruntime_genai.models.builder -m MODEL
-i MODEL -o FOLDER -p fp32 -e cpu` does; `--compile` adds `batch` through torch.compile (of two
rounds the first one compiles). Prints one JSON line: CPU seconds of each side (the best round), how
many times as fast ours is, and of how many prompts each side's tokens are `single`'s (`ours`
without it).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from generation_speed import left_padded
from transformers import CompileConfig

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


def theirs(
    engine: LocalEngine, prompts: list[str], settings: Generation, size: int, compiled: bool = False
) -> list[str]:
    """Let transformers answer `size` prompts at a time; compiled, with a cache of one length."""
    made, options = [], {}
    if compiled:
        how = CompileConfig(mode=None, fullgraph=False)
        how._compile_all_devices = True  # by itself transformers compiles on accelerators only
        options = {"cache_implementation": "static", "compile_config": how}
    for start in range(0, len(prompts), size):
        rows = [encode(engine.tokenizer, prompt) for prompt in prompts[start : start + size]]
        ids, mask = left_padded(rows)
        out = engine.model.generate(
            ids, attention_mask=mask, do_sample=False, max_new_tokens=settings.max_new_tokens,
            eos_token_id=sorted(engine.ends), pad_token_id=min(engine.ends), **options,
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


def onnx(engine: LocalEngine, prompts: list[str], settings: Generation, path: str) -> list[str]:
    """Let ONNX Runtime answer, in float32 on one thread, `settings.batch_size` at a time."""
    import onnxruntime_genai as genai

    config = genai.Config(path)
    config.overlay('{"model": {"decoder": {"session_options": {"intra_op_num_threads": 1}}}}')
    model, made = genai.Model(config), []
    for start in range(0, len(prompts), settings.batch_size):
        batch = [encode(engine.tokenizer, p) for p in prompts[start : start + settings.batch_size]]
        width = max(map(len, batch))
        pad = engine.model.config.pad_token_id
        options = genai.GeneratorParams(model)
        options.set_search_options(
            do_sample=False, batch_size=len(batch), max_length=width + settings.max_new_tokens
        )
        generator = genai.Generator(model, options)
        generator.append_tokens(
            np.array([row + [pad] * (width - len(row)) for row in batch], dtype=np.int32)
        )
        while not generator.is_done():
            generator.generate_next_token()
        rows = [generator.get_sequence(i)[width:].tolist() for i in range(len(batch))]
        made += engine.tokenizer.batch_decode(rows, skip_special_tokens=True)
    return made


def main() -> None:
    """Measure the sides in turn and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ctranslate2", metavar="FOLDER")
    parser.add_argument("--onnx", metavar="FOLDER")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--sides", help="ours, these alone, and what options add")
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
    sides = ["ours", *args.sides.split(",")] if args.sides else work  # all are compared with ours
    work = {side: work[side] for side in sides}
    if args.ctranslate2:
        work["ctranslate2"] = lambda: converted(engine, prompts, settings, args.ctranslate2)
    if args.onnx:
        work["onnx"] = lambda: onnx(engine, prompts, settings, args.onnx)
    if args.compile:
        work["compiled"] = lambda: theirs(engine, prompts, settings, args.batch, compiled=True)
    spent: dict[str, float] = {}
    made: dict[str, list[str]] = {}
    for _ in range(args.rounds):
        for side in work:
            engine.model.set_attn_implementation(own if side in ("ours", "unfilled") else "sdpa")
            started = time.process_time()
            made[side] = work[side]()
            took = time.process_time() - started
            spent[side] = min(took, spent.get(side, took))
    against = "single" if "single" in work else "ours"
    tokens = [len(encode(engine.tokenizer, text)) for text in made[against]]
    row: dict[str, Any] = {side: round(took, 1) for side, took in spent.items()}
    row |= {
        f"{side}_ratio": round(spent[side] / spent["ours"], 2) for side in work if side != "ours"
    }
    row["same"] = {
        side: sum(a == b for a, b in zip(made[side], made[against], strict=True))
        for side in work
        if side != against
    }
    row |= {"tokens": sum(tokens), "longest": max(tokens), "prompts": len(prompts)}
    print(json.dumps(row | {"rounds": args.rounds}))


if __name__ == "__main__":
    main()
