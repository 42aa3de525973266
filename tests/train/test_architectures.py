"""The study's architectures, tiny and random: the three trainings on each, in its chat format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from tiny_architectures import FORMATS, make_architecture

from codealign.errors import CodealignError
from codealign.models import load, registry
from codealign.records import Pair
from codealign.text import CHAT_MARKS, check_chat_format
from codealign.train.align import train_align
from codealign.train.curves import curves
from codealign.train.data import tokenize
from codealign.train.run import TrainResult
from codealign.train.sft import train_sft

# "yes\n" as each chat template writes it: trimmed or not, and with what stands before its end.
ANSWERS = {
    "llama-3": "yes<|eot_id|>",
    "chatml": "yes\n<|im_end|>",
    "llama-2": "yes </s>",
    "deepseek-coder": "yes\n<|EOT|>",
}


@dataclass
class Trained:
    """One architecture after its three trainings."""

    kind: str
    model: str
    results: dict[str, TrainResult]


@pytest.fixture(scope="module", params=sorted(FORMATS))
def trained(request: Any, pairs: list[Pair], settings: Any, tmp_path_factory: Any) -> Trained:
    root = tmp_path_factory.mktemp(request.param)
    model = str(make_architecture(request.param, root / "model"))
    few = {stage: s.model_copy(update={"max_steps": 2}) for stage, s in settings.items()}
    results = {"sft": train_sft(pairs, model, "finetuned", few["sft"], root / "sft", 0)}
    for stage in ("dpo", "bonbon"):
        results[stage] = train_align(pairs, root / "sft", stage, few[stage], root / stage, 0)
    return Trained(request.param, model, results)


def test_every_training_takes_its_steps(trained: Trained) -> None:
    assert {stage: r.steps for stage, r in trained.results.items()} == {
        "sft": 2, "dpo": 2, "bonbon": 2,
    }  # fmt: skip


def test_alignment_starts_at_its_reference(trained: Trained) -> None:
    for stage in ("dpo", "bonbon"):
        assert curves(trained.results[stage].log).gap.iloc[0] == 0


def test_every_linear_layer_is_trained(trained: Trained) -> None:
    from peft import load_peft_weights

    weights = load_peft_weights(trained.results["dpo"].adapter)
    # 7 layers in each of 2 blocks, 2 matrices each; the second starts at zero
    assert len(weights) == 28
    assert all(w.abs().sum() > 0 for w in weights.values())


def test_prompts_are_in_the_models_own_chat_format(trained: Trained) -> None:
    _, tokenizer = load(trained.model, "finetuned", training=False)
    (row,) = tokenize([Pair("p", "i", "Add.", "yes\n", "no\n")], tokenizer, 512, chat=True)
    text = tokenizer.decode(row.prompt)
    assert CHAT_MARKS[trained.kind] in text
    assert row.prompt.count(tokenizer.bos_token_id) == bool(tokenizer.bos_token)
    assert tokenizer.decode(row.chosen) == ANSWERS[trained.kind]


def test_another_chat_format_than_the_registrys_is_refused(trained: Trained) -> None:
    _, tokenizer = load(trained.model, "finetuned", training=False)
    check_chat_format(tokenizer, trained.kind, "here")
    other = next(kind for kind in sorted(CHAT_MARKS) if kind != trained.kind)
    with pytest.raises(CodealignError, match=f"not of the format {other}"):
        check_chat_format(tokenizer, other, "here")


def test_the_architectures_are_those_of_the_registry() -> None:
    named = {spec.chat_format for name, spec in registry().items() if name != "nano"}
    assert named == set(FORMATS)
