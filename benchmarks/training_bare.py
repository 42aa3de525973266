"""The least that training has to do: a loop of plain torch, and what its losses are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

LORA, BATCH, RATE, BETA = 16, {"sft": 16, "dpo": 8}, 3e-4, 0.1


class Case(NamedTuple):
    """One training that every variant does: stage `sft` or `dpo` of a model, from an adapter."""

    name: str
    stage: str
    pairs: list[Any]
    adapter: str | None
    seed: int
    epochs: int


def peft_model(name: str, adapter: str | None, seed: int, attention: str = "sdpa") -> Any:
    """Return a model with a new adapter or a trained one."""
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    from codealign.models import LINEAR, source

    where, _ = source(name, "pretrained")
    base = AutoModelForCausalLM.from_pretrained(
        where, dtype="float32", attn_implementation=attention
    )
    if adapter:
        return PeftModel.from_pretrained(base, adapter, is_trainable=True)
    torch.manual_seed(seed)
    lora = LoraConfig(r=LORA, lora_alpha=32, target_modules=LINEAR, task_type="CAUSAL_LM")
    return get_peft_model(base, lora)


def log_probs(model: Any, sequences: Sequence[tuple[list[int], list[int]]]) -> Any:
    """Return log pi(response | prompt) of each (prompt, response), in plain torch."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    base = model.get_base_model()
    ids = pad_sequence([torch.tensor(p + r) for p, r in sequences], batch_first=True)
    mask = torch.zeros_like(ids)
    response = torch.zeros_like(ids, dtype=torch.bool)
    for row, (p, r) in enumerate(sequences):
        mask[row, : len(p) + len(r)] = 1
        response[row, len(p) - 1 : len(p) + len(r) - 1] = True
    hidden = base.model(input_ids=ids, attention_mask=mask, use_cache=False)[0]
    where = response.nonzero(as_tuple=True)
    logits = base.lm_head(hidden[where]).float()
    found = logits.gather(-1, ids[where[0], where[1] + 1][:, None])[:, 0] - logits.logsumexp(-1)
    return torch.zeros(len(ids)).index_add(0, where[0], found)


def sides(rows: Sequence[Any]) -> list[tuple[list[int], list[int]]]:
    """Return the sequences of pairs: the chosen ones, then the rejected."""
    return [(r.prompt, r.chosen) for r in rows] + [(r.prompt, r.rejected) for r in rows]


def bare(case: Case) -> Any:
    """Return the model and a function that trains it in a plain loop, in our order of batches."""
    import torch
    from transformers import get_cosine_schedule_with_warmup

    from codealign.models import load
    from codealign.train.cpu import quicken
    from codealign.train.data import tokenize
    from codealign.train.losses import dpo_loss
    from codealign.train.trainers import RandomBatches
    from codealign.weights import bf16_is_fast

    name, stage, pairs, adapter, seed, epochs = case
    model, size = peft_model(name, adapter, seed, "eager"), BATCH[stage]
    quicken(model)
    _, tokenizer = load(name, "pretrained", training=False)

    def train() -> Any:
        rows = tokenize(pairs, tokenizer, 512, chat=False)
        longest = [len(r.prompt) + len(r.chosen) if stage == "sft" else r.length for r in rows]
        order = [i for e in range(epochs) for i in RandomBatches(longest, size, seed).order(e)]
        batches = [order[s : s + size] for s in range(0, len(order), size)]
        weights = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(weights, RATE, weight_decay=0.0, fused=True)
        schedule = get_cosine_schedule_with_warmup(optimizer, 10, len(batches))
        autocast = torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast())
        if stage == "dpo":
            with autocast:
                reference = all_log_probs(model, rows, batches[: len(batches) // epochs])
        for indices in batches:
            batch = [rows[i] for i in indices]
            with autocast:
                if stage == "sft":
                    told = log_probs(model, [(r.prompt, r.chosen) for r in batch])
                    loss = -told.sum() / sum(len(r.chosen) for r in batch)
                else:
                    policy = log_probs(model, sides(batch)).chunk(2)
                    loss = dpo_loss(*policy, *reference[:, indices], beta=BETA).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        return model

    return model, train


def all_log_probs(
    model: Any, rows: Sequence[Any], batches: Sequence[Sequence[int]] | None = None
) -> Any:
    """Return log pi of the chosen and of the rejected responses, [2, pairs].

    `batches` are the indices of pairs that go through the model together; else two in their order.
    """
    import torch

    found = torch.zeros(2, len(rows))
    model.eval()
    with torch.no_grad():
        for indices in batches or torch.arange(len(rows)).split(2):
            found[:, indices] = log_probs(model, sides([rows[i] for i in indices])).view(2, -1)
    model.train()
    return found
