"""The head of training, ours against logits and torch's cross-entropy: CPU seconds, peak memory.

    OMP_NUM_THREADS=1 python benchmarks/head_memory.py [--positions 2048] [--vocabulary 49152]
        [--size 576] [--rounds 3]

Loss and gradient of hidden states, as training an adapter needs them, at SmolLM2-135M's sizes. Each
side is a process of its own; memory is what its peak has above the inputs. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import torch
from torch.nn.functional import cross_entropy

from codealign.markdown import pipe_table
from codealign.train.head import log_probs

SIDES = ("torch", "ours")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(side: str, positions: int, vocabulary: int, size: int) -> dict[str, float]:
    """Return CPU seconds and MiB of a pass forward and back, and the loss."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(vocabulary, size, generator=generator).div_(20)
    hidden = torch.randn(positions, size, generator=generator).requires_grad_()
    labels = torch.randint(vocabulary, (positions,), generator=generator)
    before, started = peak_mb(), time.process_time()
    if side == "ours":
        loss = -log_probs(hidden, weight, None, labels)[0].mean()
    else:
        loss = cross_entropy(hidden @ weight.T, labels)
    loss.backward()
    seconds = time.process_time() - started
    return {"seconds": seconds, "mb": peak_mb() - before, "loss": loss.item()}


def main() -> None:
    """Measure each side in turn and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--positions", type=int, default=2048)
    parser.add_argument("--vocabulary", type=int, default=49_152)
    parser.add_argument("--size", type=int, default=576)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=SIDES)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.only, args.positions, args.vocabulary, args.size)))
        return
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(args.rounds):
        for side in SIDES:
            command = [sys.executable, *sys.argv, "--only", side]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[side].append(json.loads(done.stdout))
    forms = {"seconds": "{:.2f}", "mb": "{:.0f}", "loss": "{:.6f}"}
    rows = [
        [
            side,
            *(form.format(statistics.median(r[key] for r in each)) for key, form in forms.items()),
        ]
        for side, each in found.items()
    ]
    print(pipe_table(["side", "CPU s", "MiB above the inputs", "loss"], rows))


if __name__ == "__main__":
    main()
