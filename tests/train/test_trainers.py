"""The losses as the real trainers compute them, against plain torch on unpadded sequences."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from codealign.errors import CodealignError
from codealign.models import load
from codealign.params import Bonbon, Dpo, Sft
from codealign.records import Pair, read_jsonl, write_jsonl
from codealign.train import run
from codealign.train.align import pair_loss, told_target, train_align
from codealign.train.curves import curves, ends
from codealign.train.data import Tokens, tokenize
from codealign.train.losses import bonbon_loss, dpo_loss
from codealign.train.run import TrainJob
from codealign.train.sft import train_sft
from codealign.train.trainers import align_trainer, check_start, sft_trainer


def plain_log_prob(model: Any, prompt: list[int], response: list[int]) -> torch.Tensor:
    """Return log pi(response | prompt) of one unpadded sequence by the textbook, in float64."""
    logits = model(torch.tensor([prompt + response])).logits[0].double()
    steps = logits[len(prompt) - 1 : -1].log_softmax(-1)
    return steps[range(len(response)), response].sum()


def plain_losses(model: Any, rows: list[Tokens], loss: Any, reference: Any) -> torch.Tensor:
    """Return the losses in float64, each sequence by itself."""
    chosen = [plain_log_prob(model, row.prompt, row.chosen) for row in rows]
    rejected = [plain_log_prob(model, row.prompt, row.rejected) for row in rows]
    return loss(torch.stack(chosen), torch.stack(rejected), *reference)


def lora_parameters(model: Any) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


@pytest.fixture(scope="module")
def policy(tiny: str, sft: Path):
    return load(tiny, "finetuned", sft, backend="peft", training=True, attention="eager")


@pytest.fixture(scope="module")
def textbook(trainer: Any, tiny: str, sft: Path) -> Any:
    """The trainer's policy as plain transformers and PEFT have it, in float64 throughout."""
    options: dict[str, Any] = {"backend": "peft", "training": True, "attention": "sdpa"}
    model = load(tiny, "finetuned", sft, **options)[0].double()
    moved = {n: p.detach().double() for n, p in trainer.model.named_parameters() if "lora_" in n}
    model.load_state_dict(moved, strict=False)
    return model


@pytest.fixture(scope="module")
def rows(policy: Any, pairs: list[Pair]) -> list[Tokens]:
    return tokenize(pairs[:4], policy[1], 512, chat=True)


@pytest.fixture(scope="module")
def reference(policy: Any, rows: list[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
    """The SFT model's log-probabilities of both responses, taken before any trainer exists."""
    with torch.no_grad():
        chosen = [plain_log_prob(policy[0], r.prompt, r.chosen) for r in rows]
        rejected = [plain_log_prob(policy[0], r.prompt, r.rejected) for r in rows]
    return torch.stack(chosen), torch.stack(rejected)


@pytest.fixture(scope="module")
def trainer(policy: Any, rows: list[Tokens], reference: Any, tiny: str, tmp_path_factory: Any):
    """An alignment trainer whose policy has moved away from its reference."""
    out = tmp_path_factory.mktemp("align")
    job = TrainJob("dpo", tiny, "finetuned", Dpo(batch_size=4, bf16=False), out, 0, [])
    loss = partial(dpo_loss, beta=0.1)
    made = align_trainer(*policy, rows, job.arguments(rows), loss, beta=0.1)
    torch.manual_seed(0)
    for parameter in lora_parameters(made.model):
        parameter.data += 0.05 * torch.randn_like(parameter)
    made.checked = True
    return made


def batch_of(trainer: Any, count: int) -> Any:
    return trainer.data_collator([trainer.train_dataset[i] for i in range(count)])


def test_the_reference_is_the_sft_model(trainer: Any, reference: Any) -> None:
    found = torch.tensor(trainer.train_dataset["ref_chosen_logps"], dtype=torch.float64)
    torch.testing.assert_close(found, reference[0], rtol=1e-6, atol=1e-4)


def test_the_reference_is_not_the_bare_base(
    trainer: Any, rows: list[Tokens], reference: Any, tiny: str
) -> None:
    base, _ = load(tiny, "finetuned", training=False)
    with torch.no_grad():
        bare = plain_log_prob(base, rows[0].prompt, rows[0].chosen)
    assert abs(bare - reference[0][0]) > 1


def test_no_copy_of_the_starting_adapter_is_left_to_be_resumed_from(trainer: Any) -> None:
    assert list(trainer.model.peft_config) == ["default"]


@pytest.mark.parametrize("count", [1, 4], ids=["one pair", "padded batch"])
@pytest.mark.parametrize(
    "loss",
    [partial(dpo_loss, beta=0.1), partial(bonbon_loss, alpha=0.005, target=18.15)],
    ids=["dpo", "bonbon"],
)
def test_the_trainers_loss_and_gradient_are_the_formulas(
    trainer: Any, textbook: Any, rows: list[Tokens], reference: Any, loss: Any, count: int
) -> None:
    trainer.pair_loss = loss
    found = trainer._compute_loss(trainer.model, batch_of(trainer, count))
    ours = torch.autograd.grad(found, lora_parameters(trainer.model))
    some = [r[:count] for r in reference]
    expected = plain_losses(textbook, rows[:count], loss, some).mean()
    theirs = torch.autograd.grad(expected, lora_parameters(textbook))
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-3, atol=1e-3 * b.abs().max().item())


def test_the_same_loss_as_trls_own_sigmoid(trainer: Any) -> None:
    from trl import DPOTrainer
    from trl.trainer.utils import add_fused_lm_head

    trainer.pair_loss = partial(dpo_loss, beta=0.1)
    batch = batch_of(trainer, 4)
    ours = trainer._compute_loss(trainer.model, batch).item()
    every = ("log_probs", "entropy", "mean_logits", "is_top1")
    add_fused_lm_head(trainer.model.get_base_model(), outputs=every)
    theirs = DPOTrainer._compute_loss(trainer, trainer.model, batch, False).item()
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_sft_learns_response_tokens_alone(tiny: str, pairs: list[Pair], tmp_path: Path) -> None:
    # The learning rate of the first step is 0 (warm-up), so the first loss is the base model's:
    # the mean over the response tokens of all pairs, each computed alone.
    settings = Sft(backend="peft", batch_size=4, max_steps=1, bf16=False, warmup_steps=1)
    result = train_sft(pairs[:4], tiny, "finetuned", settings, tmp_path, seed=0)
    base, tokenizer = load(tiny, "finetuned", training=False)
    rows = tokenize(pairs[:4], tokenizer, 512, chat=True)
    with torch.no_grad():
        total = sum(plain_log_prob(base, r.prompt, r.chosen).item() for r in rows)
    expected = -total / sum(len(r.chosen) for r in rows)
    assert result.loss == pytest.approx(expected, rel=1e-5)


def test_sft_without_trls_metrics_has_trls_loss(tiny: str, pairs: Any, tmp_path: Path) -> None:
    model, tokenizer = load(tiny, "finetuned", backend="peft", training=True)
    rows = tokenize(pairs[:4], tokenizer, 512, chat=True)
    job = TrainJob("sft", tiny, "finetuned", Sft(batch_size=4, bf16=False), tmp_path, 0, [])
    trainer = sft_trainer(model, tokenizer, rows, job.arguments(rows), "unsloth")  # TRL's own head
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(4)])
    theirs = trainer.compute_loss(trainer.model, dict(batch), num_items_in_batch=7).item()
    trainer.plain_head = True
    ours = trainer.compute_loss(trainer.model, dict(batch), num_items_in_batch=7).item()
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_accumulated_steps_are_one_large_step(tiny: str, pairs: Any, tmp_path: Path) -> None:
    losses = []
    for size, accumulation in ((4, 1), (2, 2)):
        settings = Sft(
            backend="peft", batch_size=size, accumulation=accumulation, epochs=1.0,
            learning_rate=1e-3, warmup_steps=1, bf16=False,
        )  # fmt: skip
        out = tmp_path / str(size)
        train_sft(pairs[:12], tiny, "finetuned", settings, out, seed=0)
        losses.append(curves(out / "trainer_log.jsonl").loss.tolist())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_each_pair_of_the_last_step_weighs_the_same(tiny: str, pairs: Any, tmp_path: Path) -> None:
    # three pairs in one step: together, or two and one. With alpha 1 the loss is the mean of
    # -log pi(chosen) over the pairs; a mean of the two batches' means would count the last double
    losses = []
    for size, accumulation in ((3, 1), (2, 2)):
        settings = Bonbon(
            start="base", backend="peft", batch_size=size, accumulation=accumulation, epochs=1.0,
            alpha=1.0, warmup_steps=1, bf16=False,
        )  # fmt: skip
        out = tmp_path / str(size)
        train_align(pairs[:3], (tiny, "finetuned"), "bonbon", settings, out, 0)
        losses.append(curves(out / "trainer_log.jsonl").loss.tolist())
    assert len(losses[0]) == 1
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("stage", ["sft", "bonbon"])
def test_a_step_in_parts_is_the_whole_step(
    tiny: str, pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    # eleven examples: two whole steps and one of three; in parts of two, which leaves a single one
    losses, gaps, most, forward = [], [], [], torch.nn.Embedding.forward

    def count(self: Any, ids: torch.Tensor) -> torch.Tensor:
        most[-1] = max(most[-1], ids.numel())
        return forward(self, ids)

    monkeypatch.setattr(torch.nn.Embedding, "forward", count)
    for parts in (1, 2):
        monkeypatch.setattr(TrainJob, "parts", lambda job, rows, parts=parts: parts)
        most.append(0)
        options: Any = dict(
            backend="peft", batch_size=4, epochs=1.0, learning_rate=1e-3, warmup_steps=1, bf16=False
        )
        out = tmp_path / str(parts)
        if stage == "sft":
            result = train_sft(pairs[:11], tiny, "finetuned", Sft(**options), out, seed=0)
        else:
            settings = Bonbon(start="base", **options)
            result = train_align(pairs[:11], (tiny, "finetuned"), "bonbon", settings, out, 0)
        assert result.steps == 3
        losses.append(curves(out / "trainer_log.jsonl").loss.tolist())
        gaps.append(result.gap or 0)  # SFT has none
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert gaps[0] == pytest.approx(gaps[1], rel=1e-3)
    assert most[1] < 0.8 * most[0]  # tokens read at once


def test_a_step_is_divided_until_its_layers_keep_no_more_than_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def parts(stage: Any, allowed: int, **more: Any) -> int:
        settings = Dpo(batch_size=12, **more) if stage == "dpo" else Sft(batch_size=12, **more)
        monkeypatch.setattr(run, "ACTIVATIONS", allowed)
        job = TrainJob(stage, "nano", "pretrained", settings, tmp_path, 0, [])
        return job.parts([Tokens("a", [1] * 60, [1] * 40, [1] * 30), Tokens("b", [1], [1], [1])])

    # Of a token nano's four layers keep four vectors of 512, eight of 192, keys and values of 192,
    # seven of the adapters' rank 16, and in each of three heads the scores with half of 100.
    example = 100 * 4 * 4 * (4 * 512 + 8 * 192 + 2 * 192 + 7 * 16 + 3 * 50)
    assert parts("sft", 12 * example) == 1
    assert parts("sft", 12 * example - 1) == 2
    assert parts("sft", 4 * example) == 3
    assert parts("sft", 3 * example - 1) == 6
    assert parts("sft", 1) == 12
    assert parts("sft", 1, gradient_checkpointing=True) == 1
    assert parts("dpo", 12 * example) == 2


def test_fewer_steps_than_the_log_wants_are_refused_before_anything_is_written(
    tiny: str, pairs: Any, tmp_path: Path
) -> None:
    settings = Sft(backend="peft", batch_size=2, epochs=1.0, logging_steps=9, bf16=False)
    with pytest.raises(CodealignError, match="sft: logging_steps 9 is above the 3 steps in all"):
        train_sft(pairs[:6], tiny, "finetuned", settings, tmp_path / "out", seed=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("bf16", [False, True])
def test_every_alignment_starts_with_margin_0_and_loss_ln_2(
    sft: Path, pairs: list[Pair], tmp_path: Path, bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "bf16_is_fast", lambda: True)  # wherever this runs
    settings = Dpo(backend="peft", batch_size=4, max_steps=1, bf16=bf16)
    train_align(pairs, sft, "dpo", settings, tmp_path, seed=0)
    first = next(read_jsonl(tmp_path / "trainer_log.jsonl", dict))
    assert first["gap"] == 0
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-6)


def test_bonbon_starts_at_the_square_of_its_target(
    sft: Path, pairs: list[Pair], settings: Any, tmp_path: Path
) -> None:
    chosen = settings["bonbon"].model_copy(update={"max_steps": 1})
    result = train_align(pairs, sft, "bonbon", chosen, tmp_path, seed=0)
    first = next(read_jsonl(tmp_path / "trainer_log.jsonl", dict))
    expected = 0.005 * -first["log_prob_chosen"] + 0.995 * 18.15**2
    assert result.target == pytest.approx(18.15)
    assert first["loss"] == pytest.approx(expected, rel=1e-6)


def test_a_policy_that_is_not_its_reference_is_refused() -> None:
    with pytest.raises(CodealignError, match="at step 0 the policy is not the reference"):
        check_start(torch.tensor([0.0, 0.01]), beta=0.1)


def test_a_gap_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(CodealignError, match="nothing was trained"):
        check_start(torch.tensor([float("nan")]), beta=0.1)


def test_the_binary_target_is_in_force_when_chosen(settings: Any) -> None:
    binary = settings["bonbon"].model_copy(update={"target": "binary"})
    assert pair_loss("bonbon", binary)[1] == pytest.approx(math.log(255))


def test_making_a_trainer_reports_to_nobody(
    tiny: str, pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr("trl.trainer.base_trainer.send_telemetry", lambda **k: calls.append(k))
    monkeypatch.delenv("CI", raising=False)
    settings = Sft(backend="peft", max_steps=1, bf16=False)
    train_sft(pairs[:4], tiny, "finetuned", settings, tmp_path, seed=0)
    assert not calls


def test_the_target_in_force_is_told_with_the_reward_it_is_for(settings: Any) -> None:
    paper = settings["bonbon"]
    assert told_target(paper).startswith("Target gap 18.15 nats, for n = 8, continuous reward")
    assert "pass rate of 0.5 it would be 5.54" in told_target(paper)
    binary = paper.model_copy(update={"target": "binary"})
    assert told_target(binary).startswith("Target gap 5.54 nats, for n = 8, binary reward")
    assert "no target" in told_target(settings["dpo"])


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([4.0], (4.0, 4.0)),
        ([4.0, 3.0, 2.0, 1.0], (3.5, 1.5)),
        ([float(n) for n in range(20)], (2.0, 17.0)),
    ],
)
def test_the_ends_of_a_loss_do_not_overlap(tmp_path: Path, losses, expected) -> None:
    """Means of a tenth, at least five steps, at most half: of 0..19 the first five average 2."""
    rows = [{"step": step, "loss": loss} for step, loss in enumerate(losses)]
    write_jsonl(tmp_path / "log.jsonl", rows)
    assert ends(tmp_path / "log.jsonl") == expected
