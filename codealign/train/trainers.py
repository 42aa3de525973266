"""TRL's trainers with what this study needs besides: order, checks, our losses, fewer metrics.

The classes are made on demand, because Unsloth must be imported before TRL and replaces its
trainers with its own; ours inherit from whichever are there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from codealign.errors import CodealignError
from codealign.train import head
from codealign.train.data import IGNORED, Tokens, pair_rows, sft_rows
from codealign.train.losses import log_ratio_gap

# The order of examples: batches drawn at random, the examples of one in the order of length.


class RandomBatches(Sampler[int]):
    """Yields indices in an order that depends on the seed and the epoch alone.

    So a resumed run sees exactly the batches that an uninterrupted one sees. What an optimiser step
    holds is drawn at random, as batches of like length would cost loss (`benchmarks/README.md`).
    Within a step the examples are sorted: the parts that it is accumulated from have like length.

    Parameters
    ----------
    lengths : tokens of each example.
    batch : examples in an optimiser step.
    seed : of the shuffle.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths, self.batch, self.seed, self.epoch = np.asarray(lengths), batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) whose order is yielded; the trainer calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order(self.epoch))

    def order(self, epoch: int) -> list[int]:
        """Return the indices in the order of an epoch; the last batch may be short."""
        shuffled = np.random.default_rng((self.seed, epoch)).permutation(len(self.lengths))
        starts = range(0, len(shuffled), self.batch)
        batches = [shuffled[start : start + self.batch] for start in starts]
        ordered = [batch[np.argsort(self.lengths[batch], kind="stable")] for batch in batches]
        return np.concatenate(ordered).tolist()


PairLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
START_TOLERANCE = 1e-4  # of the DPO loss from ln 2, and of the gap from 0 (nats), at step 0


class Steady:
    """What both trainers share; stands before TRL's class in the order of inheritance."""

    def __init__(self, *args: Any, lengths: Sequence[int], **kwargs: Any) -> None:
        self.lengths = lengths
        self.before_s: float | None = None
        self.started = time.monotonic()
        super().__init__(*args, **kwargs)

    def _get_train_sampler(self, train_dataset: Any = None) -> RandomBatches:
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return RandomBatches(self.lengths, batch * self.args.world_size, self.args.seed)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the loss of a device step; refuse one that is not a number."""
        loss = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            raise CodealignError(
                f"training: the loss is {loss.item()} at step {self.state.global_step}; the last "
                f"checkpoint in {self.args.output_dir} is from before it. Lower learning_rate, or "
                "set bf16: false"
            )
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the seconds trained so far, those before an interruption included."""
        if self.before_s is None:
            earlier = [entry["elapsed_s"] for entry in self.state.log_history]
            self.before_s = earlier[-1] if earlier else 0.0
        logs["elapsed_s"] = round(self.before_s + time.monotonic() - self.started, 3)
        super().log(logs, start_time)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write no card for a checkpoint; the finished adapter gets ours."""

    def _send_telemetry(self) -> None:
        """Send nothing, whatever the environment says: TRL reports each trainer made."""


class Supervised(Steady):
    """SFT: mean negative log-likelihood of the response tokens of a step."""

    plain_head = False

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss; without Unsloth, TRL's own but for its entropy and accuracy metrics."""
        if return_outputs or not self.plain_head:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        if num_items_in_batch is None:
            return outputs.loss
        return -outputs.log_probs.sum() / num_items_in_batch * self.accelerator.num_processes


class Aligned(Steady):
    """DPO or BoNBoN: a loss of summed log-probabilities, against the model training starts from.

    TRL's `loss_type` is not used: its `sigmoid` is the same DPO loss, but its `ipo` and `sft`
    average over tokens, so that no combination of them is BoNBoN.

    Parameters
    ----------
    pair_loss : (policy chosen, policy rejected, reference chosen, reference rejected) -> losses.
    """

    def __init__(self, *args: Any, pair_loss: PairLoss, **kwargs: Any) -> None:
        self.pair_loss, self.checked = pair_loss, False
        self.mean_pairs = 0.0
        super().__init__(*args, **kwargs)
        # TRL's copy of the starting adapter. With it, transformers 5.17 resumes by loading only
        # this copy and restarts the policy, without an error; with the reference's
        # log-probabilities computed, nothing needs it.
        self.model.delete_adapter("ref")
        _lean_head(self.model)
        some = [self.train_dataset[i] for i in range(min(PAIRS, len(self.lengths)))]
        with self.accelerator.autocast():
            self.divergence = Divergence(self.model, self._prepare_inputs(self.data_collator(some)))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, at some steps with the divergence from the reference."""
        if "loss" in logs and self.divergence.due(self.state.global_step, self.state.max_steps):
            with self.accelerator.autocast():
                logs["kl"] = self.divergence(self.model)
        super().log(logs, start_time)

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        """Return the batches of an optimiser step; note how many pairs they hold on average.

        The trainer averages the losses of the batches. In the last, partly filled step of an epoch
        they differ in size, and each pair is to weigh the same.
        """
        batches, items = super().get_batch_samples(*args, **kwargs)
        pairs = [len(batch["input_ids"]) // 2 for batch in batches]
        self.mean_pairs = sum(pairs) / len(pairs) if pairs else 0.0
        return batches, items

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """Add the reference's log-probabilities: those of the model as it is before training.

        They are computed in the batches of the first epoch, so that the policy's first forward
        pass sees the same shapes and gives the same bits: the first margin is 0, not nearly 0.
        Several processes share the batches as they do in training.
        """
        _lean_head(self.model)
        order, size = self._get_train_sampler().order(0), self.args.train_batch_size
        sums = torch.zeros(2, len(order), device=self.accelerator.device)
        self.model.eval()
        for start in range(size * self.args.process_index, len(order), size * self.args.world_size):
            rows = order[start : start + size]
            batch = self._prepare_inputs(self.data_collator([dataset[i] for i in rows]))
            with torch.no_grad(), self.accelerator.autocast():
                sums[:, rows] = self._sequence_log_probs(self.model, batch).float().view(2, -1)
        self.model.train()
        chosen, rejected = self.accelerator.reduce(sums, "sum").tolist()
        dataset = dataset.add_column("ref_chosen_logps", chosen)
        return dataset.add_column("ref_rejected_logps", rejected)

    def _sequence_log_probs(self, model: Any, inputs: Any) -> torch.Tensor:
        """Return log pi(response | prompt), [2 * pairs]: the chosen ones, then the rejected."""
        ids = inputs["input_ids"]
        labels = ids.masked_fill(inputs["completion_mask"] == 0, IGNORED)
        mask = inputs["attention_mask"]
        outputs = model(
            input_ids=ids, attention_mask=mask, labels=labels, use_cache=False, fused_lm_head=True
        )
        return outputs.log_probs.sum(1)

    def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False) -> Any:
        chosen, rejected = self._sequence_log_probs(model, inputs).chunk(2)
        reference = inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]
        losses = self.pair_loss(chosen, rejected, *reference)
        gap = log_ratio_gap(chosen, rejected, *reference).detach()
        if not self.checked and self.state.global_step == 0:
            check_start(gap, self.args.beta)
        self.checked = True
        self._record(chosen.detach(), rejected.detach(), *reference, gap)
        loss = losses.mean()
        if self.model.training and self.mean_pairs:
            loss = loss * (len(losses) / self.mean_pairs)
        return (loss, None) if return_outputs else loss

    def _record(
        self,
        chosen: torch.Tensor,
        rejected: torch.Tensor,
        ref_chosen: torch.Tensor,
        ref_rejected: torch.Tensor,
        gap: torch.Tensor,
    ) -> None:
        """Note a step's means, in nats but for the accuracy, with one transfer from the device."""
        values = {
            "gap": gap,
            "accuracy": (gap > 0).float(),
            "log_ratio_chosen": chosen - ref_chosen,
            "log_ratio_rejected": rejected - ref_rejected,
            "log_prob_chosen": chosen,
            "log_prob_rejected": rejected,
        }
        means = torch.stack([v.mean() for v in values.values()])
        if self.mean_pairs:  # as in the loss: each pair of a step weighs the same
            means = means * (len(gap) / self.mean_pairs)
        means = self.accelerator.gather(means[None]).mean(0).tolist()
        for name, mean in zip(values, means, strict=True):
            self._metrics["train"][name].append(mean)


def check_start(gap: torch.Tensor, beta: float) -> None:
    """Refuse to align from a policy that is not its own reference.

    Parameters
    ----------
    gap : [pairs], log-ratio gaps of the first batch, in nats.

    Raises
    ------
    CodealignError
        A gap differs from 0, or the DPO loss from ln 2, by more than `START_TOLERANCE`.
    """
    largest = gap.abs().max().item()
    loss = -torch.nn.functional.logsigmoid(beta * gap.double()).mean().item()
    if not (largest <= START_TOLERANCE and abs(loss - math.log(2)) <= START_TOLERANCE):
        raise CodealignError(
            f"alignment: at step 0 the policy is not the reference: margin {largest:.2g} nats "
            f"(want 0), DPO loss {loss:.6f} (want ln 2 = {math.log(2):.6f}). A fault of the "
            "libraries or of the adapter: nothing was trained"
        )


def _lean_head(model: Any) -> None:
    """Let the language-model head compute log-probabilities alone, in float32 on a CPU."""
    from trl.trainer.utils import add_fused_lm_head

    base, on_cpu = model.get_base_model(), model.device.type == "cpu"
    add_fused_lm_head(base, cast_lm_head_to_fp32=on_cpu, outputs=("log_probs",))


def sft_trainer(
    model: Any, tokenizer: Any, rows: Sequence[Tokens], arguments: dict[str, Any], backend: str
) -> Any:
    """Return an SFT trainer ready to run; `arguments` are SFTConfig's."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from codealign.train.cpu import quicken

    head.install()
    quicken(model)
    columns = sft_rows(rows)
    config = SFTConfig(**arguments, dataset_kwargs={"skip_prepare_dataset": True}, packing=False)
    trainer = type("SupervisedTrainer", (Supervised, SFTTrainer), {})(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(columns),
        processing_class=tokenizer,
        lengths=[len(row["input_ids"]) for row in columns],
    )
    if backend == "peft":
        trainer.plain_head = True
        _lean_head(trainer.model)
    return trainer


def align_trainer(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Tokens],
    arguments: dict[str, Any],
    pair_loss: PairLoss,
    beta: float,
) -> Any:
    """Return an alignment trainer ready to run; `arguments` are DPOConfig's.

    The reference is the model as given here, so it must be the SFT model, never a checkpoint.
    """
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    from codealign.train.cpu import quicken

    head.install()
    quicken(model)
    kept = [row for row in rows if row.chosen]
    config = DPOConfig(**arguments, beta=beta, precompute_ref_log_probs=True, disable_dropout=True)
    return type("AlignedTrainer", (Aligned, DPOTrainer), {})(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(pair_rows(kept)),
        processing_class=tokenizer,
        lengths=[row.length for row in kept],
        pair_loss=pair_loss,
    )


# KL divergence of the policy from its reference, for the curves of an alignment.

PAIRS = 2  # pairs of the data that are read
POSITIONS = 256  # most token positions that are compared
EVERY, POINTS = 10, 50  # steps between estimates: at least EVERY, and about POINTS in a run


class Divergence:
    """Mean over tokens of KL(pi || pi_ref), exact over the vocabulary, on a few fixed pairs.

    Both models read the same responses, chosen and rejected; at each response token the divergence
    of their distributions of the *next* token is summed over the whole vocabulary, and the mean is
    taken over the tokens:

        1/T sum_t sum_v pi(v | x, y_<t) ln(pi(v | x, y_<t) / pi_ref(v | x, y_<t)),   in nats.

    The texts are those of the preference data, not samples of the policy: this is not the
    KL(pi || pi_ref) of whole responses that RLHF penalises, which would need new samples at each
    step. It is 0 where the policy is the reference, never negative, and has no sampling noise.

    Parameters
    ----------
    model : the PEFT model as it is before training: the reference. Its distributions are kept, not
        the model: `POSITIONS` x vocabulary numbers.
    batch : `input_ids`, `attention_mask` and `completion_mask`, [sequences, length].
    """

    def __init__(self, model: Any, batch: dict[str, Tensor]) -> None:
        self.batch = batch
        predicted = batch["completion_mask"][:, 1:].bool()
        self.rows, self.columns = (i[_spread(len(i))] for i in predicted.nonzero(as_tuple=True))
        self.reference = self._log_probs(model)

    @staticmethod
    def due(step: int, steps: int) -> bool:
        """Tell whether it is to be estimated after this step of a run of so many steps."""
        return step == steps or step % max(EVERY, steps // POINTS) == 0

    def __call__(self, model: Any) -> float:
        """Return the divergence of the model as it is now, in nats per token."""
        policy = self._log_probs(model)
        return (policy.exp() * (policy - self.reference)).sum(-1).mean().item()

    @torch.no_grad()
    def _log_probs(self, model: Any) -> Tensor:
        """Return log-probabilities of every token at the positions, [positions, vocabulary]."""
        base = model.get_base_model()
        model.eval()
        inputs = {key: self.batch[key] for key in ("input_ids", "attention_mask")}
        hidden = base.model(**inputs, use_cache=False)[0][self.rows, self.columns]
        model.train()
        return base.lm_head(hidden.to(base.lm_head.weight.dtype)).float().log_softmax(-1)


def _spread(count: int) -> Tensor:
    """Return at most `POSITIONS` of `count` positions, evenly spread."""
    return torch.linspace(0, count - 1, min(count, POSITIONS)).round().long()
