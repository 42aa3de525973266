"""Our generation against `model.generate` with one prompt at a time, in one run.

    OMP_NUM_THREADS=1 python benchmarks/generation_speed.py [MODEL] [--items 24] [--rounds 2]

MODEL is nano, or a folder such as the one that `make real` makes. Prints one JSON line. Sampling at
the pipeline's temperature, 8 samples per prompt for us; the other side samples a few of the same
prompts as often. Speed is in tokens a CPU second; the sides alternate and the best round counts.
`same_in_other_batches` is the share of samples that are equal in another order, batch size and
window; `largest_shift` by how much batch and padding move a logit and a cumulative probability;
`draws_alone` the share of tokens chosen from the row alone. `share` says what the time inside torch
went into, `peak_mb` the process' peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import torch

from codealign.generate import Completion, Request, generate, open_engine
from codealign.generate.local import LocalEngine
from codealign.params import Generation
from codealign.prefs.pool import known_tasks
from codealign.prompts import response_prompt
from codealign.text import encode

SAMPLES = 8
SETTINGS = Generation(temperature=0.8, max_new_tokens=256, batch_size=128)
STOP = ("### Instruction", "### Snippet", "### Concepts")
KERNELS = {
    "attention": "aten::scaled_dot_product_attention",
    "linear": "aten::linear",
    "softmax": "aten::softmax",
    "copies": "aten::copy_",
}


def ours(engine: LocalEngine, items: list[Request], **changed: Any) -> list[Completion]:
    """Sample every item."""
    settings = SETTINGS.model_copy(update=changed)
    return list(generate(items, engine, settings, SAMPLES, stop=STOP))


def one_at_a_time(engine: LocalEngine, items: list[Request], n: int) -> int:
    """Do the same with the library's own loop; return the number of tokens written."""
    written = 0
    for item in items:
        ids = torch.tensor([encode(engine.tokenizer, item.prompt)])
        for _ in range(n):
            out = engine.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                temperature=SETTINGS.temperature,
                top_k=0,
                max_new_tokens=SETTINGS.max_new_tokens,
                stop_strings=list(STOP),
                tokenizer=engine.tokenizer,
            )
            written += out.shape[1] - ids.shape[1]
    return written


def speed(work: Callable[[], int]) -> float:
    """Return tokens a CPU second."""
    started = time.process_time()
    return work() / (time.process_time() - started)


def left_padded(rows: list[list[int]]) -> torch.Tensor:
    """Return token ids and mask, [2, rows, longest row]."""
    width = max(map(len, rows))
    ids, mask = padded = torch.zeros(2, len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, width - len(row) :], mask[i, width - len(row) :] = torch.tensor(row), 1
    return padded


def same_share(engine: LocalEngine, items: list[Request], made: list[Completion]) -> float:
    """Return the share of samples that come out alike in another batch, order and selection."""
    wanted = {(c.id, c.index): c for c in made}
    other = ours(engine, items[::-2], batch_size=37)
    return sum(wanted[c.id, c.index] == c for c in other) / len(other)


@torch.inference_mode()
def largest_shift(engine: LocalEngine, texts: list[str]) -> dict[str, float]:
    """Return how far padding and a batch move logits and cumulative probabilities."""
    rows = [encode(engine.tokenizer, text) for text in texts]
    ids, mask = left_padded(rows)
    width = ids.shape[1]
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    batched = engine.model(input_ids=ids, attention_mask=mask, position_ids=positions).logits
    found = {"logit": 0.0, "cumulative": 0.0}
    for i, row in enumerate(rows):
        both = batched[i, width - len(row) :], engine.model(torch.tensor([row])).logits[0]
        levels = [(x.double() / SETTINGS.temperature).softmax(-1).cumsum(-1) for x in both]
        for name, (a, b) in (("logit", both), ("cumulative", levels)):
            found[name] = max(found[name], (a - b).abs().max().item())
    return {name: float(f"{value:.1e}") for name, value in found.items()}


def draws_alone(engine: LocalEngine, items: list[Request]) -> float:
    """Return the share of tokens that were chosen from the row computed alone."""
    rows: list[int] = []
    hook = engine.model.register_forward_pre_hook(
        lambda module, args, options: rows.append(options.get("use_cache") is False),
        with_kwargs=True,
    )
    made = ours(engine, items)
    hook.remove()
    return sum(rows) / sum(c.tokens for c in made)


def shares(engine: LocalEngine, items: list[Request]) -> dict[str, float]:
    """Return the share of the time inside torch that each kind of kernel takes."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        ours(engine, items)
    found = profile.key_averages()
    spent = sum(e.self_cpu_time_total for e in found)
    total = {e.key: e.cpu_time_total for e in found}
    return {name: round(total.get(key, 0.0) / spent, 2) for name, key in KERNELS.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="nano")
    parser.add_argument("--items", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    engine = open_engine("transformers", args.model, "pretrained")
    tasks = islice(known_tasks(2, 2 * args.items), args.items)  # three in four are known
    items = [Request(task.name, response_prompt(task.text)) for task in tasks]
    speeds: dict[str, list[float]] = {"ours": [], "one_at_a_time": []}
    for _ in range(args.rounds):
        speeds["ours"].append(speed(lambda: sum(c.tokens for c in ours(engine, items))))
        speeds["one_at_a_time"].append(speed(lambda: one_at_a_time(engine, items[:6], 1)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    made = ours(engine, items)
    best = {name: max(found) for name, found in speeds.items()}
    row: dict[str, Any] = {f"{name}_tokens_per_s": round(v) for name, v in best.items()}
    row["ratio"] = round(best["ours"] / best["one_at_a_time"], 1)
    row["same_in_other_batches"] = same_share(engine, items, made)
    row["largest_shift"] = largest_shift(engine, [i.prompt + made[0].text for i in items])
    row["draws_alone"] = round(draws_alone(engine, items[:8]), 5)
    row |= {
        "share": shares(engine, items[:16]),
        "peak_mb": peak,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(row | {"samples": len(made), "rounds": args.rounds}))


if __name__ == "__main__":
    main()
