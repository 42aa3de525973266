"""Training on Unsloth, in a process of its own because Unsloth replaces parts of TRL for good."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_architectures import FORMATS

from codealign.models import load
from codealign.train.align import train_align
from codealign.train.data import tokenize
from codealign.train.losses import bonbon_loss, dpo_loss
from codealign.train.sft import train_sft

SCRIPT = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from codealign.weights import require_unsloth
require_unsloth()
import torch
from tiny import make_tiny
from tiny_architectures import FORMATS, make_architecture
from train.conftest import FAST, make_pairs
from train.test_unsloth import LOSSES
from codealign.models import load
from codealign.params import Bonbon, Dpo, Sft
from codealign.train.data import tokenize
from codealign.train.run import TrainJob
from codealign.train.trainers import align_trainer, sft_trainer
from codealign.train.align import train_align
from codealign.train.sft import train_sft

root, fast = sys.argv[1], FAST | {"backend": "unsloth", "max_steps": 6}
pairs, model = make_pairs(), str(make_tiny(root + "/tiny"))
for out in ("sft", "again"):
    train_sft(pairs, model, "finetuned", Sft(**fast), f"{root}/{out}", 0)
for stage, settings in (("dpo", Dpo(**fast)), ("bonbon", Bonbon(**fast))):
    train_align(pairs, f"{root}/sft", stage, settings, f"{root}/{stage}", 0)

# Each loss and its gradient on a real batch, at an adapter that has moved from its reference.
found = {}
policy, tokenizer = load(model, "finetuned", f"{root}/sft", training=True, attention="eager")
rows = tokenize(pairs[:4], tokenizer, 512, chat=True)
job = TrainJob("dpo", model, "finetuned", Dpo(batch_size=4, bf16=False), Path(root), 0, [])
trainer = align_trainer(policy, tokenizer, rows, job.arguments(rows), None, beta=0.1)
parameters = {n: p for n, p in trainer.model.named_parameters() if p.requires_grad}
torch.manual_seed(0)
for parameter in parameters.values():
    parameter.data += 0.05 * torch.randn_like(parameter)
trainer.checked = True
trainer.model.save_pretrained(f"{root}/moved", selected_adapters=["default"])

def note(name, loss):
    gradient = torch.autograd.grad(loss, list(parameters.values()))
    found[name] = (loss.item(), dict(zip(parameters, gradient)))

for count in (1, 4):
    for name, trainer.pair_loss in LOSSES.items():
        batch = trainer.data_collator([trainer.train_dataset[i] for i in range(count)])
        note(f"{name} {count}", trainer._compute_loss(trainer.model, batch))

policy, tokenizer = load(model, "finetuned", f"{root}/moved", training=True, attention="eager")
trainer = sft_trainer(policy, tokenizer, rows, job.arguments(rows), "unsloth")
parameters = {n: p for n, p in trainer.model.named_parameters() if p.requires_grad}
for count in (1, 4):
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(count)])
    tokens = int((batch["labels"] != -100).sum())
    note(f"sft {count}", trainer.compute_loss(trainer.model, batch, num_items_in_batch=tokens))
torch.save(found, f"{root}/losses.pt")

# The architectures of the study, one step each.
fast["max_steps"] = 1
for kind in sorted(FORMATS):
    name = str(make_architecture(kind, f"{root}/{kind}"))
    train_sft(pairs[:4], name, "finetuned", Sft(**fast), f"{root}/{kind}/sft", 0)
    for stage, settings in (("dpo", Dpo(**fast)), ("bonbon", Bonbon(**fast))):
        train_align(pairs[:4], f"{root}/{kind}/sft", stage, settings, f"{root}/{kind}/{stage}", 0)
"""
# alpha is large, so that a wrong SFT term shows
LOSSES = {
    "dpo": partial(dpo_loss, beta=0.1),
    "bonbon": partial(bonbon_loss, alpha=0.5, target=18.15),
}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("unsloth") is None, reason="Unsloth is not installed"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, tests = tmp_path_factory.mktemp("unsloth"), Path(__file__).parents[1]
    command = [sys.executable, "-c", SCRIPT, str(root), str(tests)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return root


def log(folder: Path) -> list[dict]:
    lines = (folder / "trainer_log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("stage", ["sft", "dpo", "bonbon"])
def test_every_stage_trains(trained: Path, stage: str) -> None:
    assert json.loads((trained / stage / "training.json").read_text())["steps"] == 6


def test_alignment_starts_with_margin_0(trained: Path) -> None:
    assert log(trained / "dpo")[0]["gap"] == log(trained / "bonbon")[0]["gap"] == 0


def test_the_same_seed_gives_the_same_bits(trained: Path) -> None:
    one, two = ((trained / f / "adapter_model.safetensors").read_bytes() for f in ("sft", "again"))
    assert one == two


@pytest.fixture(scope="module")
def plain(tiny: str, pairs: list, settings: dict, tmp_path_factory) -> Path:
    """The same training on plain PEFT."""
    root = tmp_path_factory.mktemp("plain")
    few = {stage: s.model_copy(update={"max_steps": 6}) for stage, s in settings.items()}
    train_sft(pairs, tiny, "finetuned", few["sft"], root / "sft", 0)
    for stage in ("dpo", "bonbon"):
        train_align(pairs, root / "sft", stage, few[stage], root / stage, 0)
    return root


@pytest.mark.parametrize("stage", ["sft", "dpo", "bonbon"])
def test_the_losses_are_those_of_plain_peft(trained: Path, plain: Path, stage: str) -> None:
    theirs, ours = log(trained / stage), log(plain / stage)
    for step in (0, 5):
        assert theirs[step]["loss"] == pytest.approx(ours[step]["loss"], rel=2e-3)


@pytest.fixture(scope="module")
def expected(trained: Path, pairs: list) -> dict[str, Any]:
    """The same losses and gradients in float64, sequence by sequence, without Unsloth."""
    name = str(trained / "tiny")
    reference, tokenizer = load(name, "finetuned", trained / "sft", backend="peft", training=True)
    policy, _ = load(name, "finetuned", trained / "moved", backend="peft", training=True)
    rows, found = tokenize(pairs[:4], tokenizer, 512, chat=True), {}
    parameters = {n: p for n, p in policy.double().named_parameters() if p.requires_grad}
    for count in (1, 4):
        sums = {}
        for who, model in (("ref", reference.double()), ("policy", policy)):
            for side in ("chosen", "rejected"):
                each = [log_prob(model, r.prompt, getattr(r, side)) for r in rows[:count]]
                sums[f"{who}_{side}"] = torch.stack(each)
        losses = {name: loss(**sums).mean() for name, loss in LOSSES.items()}
        tokens = sum(len(r.chosen) for r in rows[:count])
        losses["sft"] = -sums["policy_chosen"].sum() / tokens
        for name, loss in losses.items():
            gradient = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
            found[f"{name} {count}"] = (loss.item(), dict(zip(parameters, gradient, strict=True)))
    return found


def log_prob(model: Any, prompt: list[int], response: list[int]) -> torch.Tensor:
    logits = model(torch.tensor([prompt + response])).logits[0]
    steps = logits[len(prompt) - 1 : -1].log_softmax(-1)
    return steps[range(len(response)), response].sum()


@pytest.mark.parametrize("count", [1, 4], ids=["one pair", "padded batch"])
@pytest.mark.parametrize("name", ["sft", "dpo", "bonbon"])
def test_loss_and_gradient_are_the_formulas_in_float64(
    trained: Path, expected: dict, name: str, count: int
) -> None:
    loss, gradient = torch.load(trained / "losses.pt")[f"{name} {count}"]
    right, slopes = expected[f"{name} {count}"]
    assert loss == pytest.approx(right, rel=1e-5)
    assert gradient.keys() == slopes.keys()
    for key, slope in slopes.items():
        size = slope.abs().max().item()
        torch.testing.assert_close(gradient[key].double(), slope, rtol=1e-3, atol=1e-3 * size)


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_every_architecture_of_the_study_trains(trained: Path, kind: str) -> None:
    for stage in ("sft", "dpo", "bonbon"):
        assert json.loads((trained / kind / stage / "training.json").read_text())["steps"] == 1
    assert log(trained / kind / "dpo")[0]["gap"] == 0
