"""Checkpoints and adapters that do not fit: refused by the names of their tensors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import make_tiny, tiny_llama
from transformers import AutoModelForCausalLM

from codealign.errors import CodealignError
from codealign.models import check_adapter, load
from codealign.weights import Options, base_plain, check_tensors, merged

QUERY = "model.layers.0.self_attn.q_proj.weight"  # [32, 32]
HEAD = "lm_head.weight"  # [272, 32]


def checkpoint(folder: Path, change: Callable[[dict], Any], tied: bool = True) -> str:
    """Write a tiny model whose tensors were changed after it was saved; return its folder."""
    model = tiny_llama()
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach() + 1)
        model.config.tie_word_embeddings = False
    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


def load_plain(where: str) -> Any:
    return base_plain(where, None, Options.of("float32", "sdpa", False, 512))


FAULTS = {
    "missing": (lambda t: t.pop(QUERY), True, f"{QUERY} is missing"),
    "missing head": (lambda t: t.pop(HEAD), False, f"{HEAD} is missing"),
    "unexpected": (
        lambda t: t.update({"model.layers.7.w": torch.zeros(2)}), True,
        "model.layers.7.w is not the model's",
    ),
    "another shape": (
        lambda t: t.update({QUERY: torch.zeros(3, 32)}), True,
        rf"{QUERY} is \(3, 32\), not \(32, 32\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("read", [check_tensors, load_plain], ids=["check", "load"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_checkpoint_that_does_not_fit_is_refused_by_its_tensors(
    tmp_path: Path, fault: str, read: Callable[[str], Any]
) -> None:
    change, tied, words = FAULTS[fault]
    with pytest.raises(CodealignError, match=f"do not fit config.json: {words}"):
        read(checkpoint(tmp_path, change, tied))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: None,  # the head is not saved: it is the embeddings
        lambda t: t.update({HEAD: t["model.embed_tokens.weight"].clone()}),
        lambda t: t.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(4)}),
    ],
    ids=["tied head absent", "tied head present", "rotary buffer"],
)
def test_what_may_be_absent_or_left_over_is_no_fault(tmp_path: Path, change) -> None:
    check_tensors(checkpoint(tmp_path, change))


def test_all_faults_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    where = checkpoint(tmp_path, lambda t: [t.pop(k) for k in sorted(t) if "layers.0" in k])
    # a layer has 9 tensors: 4 of attention, 3 of the inner layer, 2 norms
    with pytest.raises(CodealignError, match=r"q_proj.*is missing and 5 more|and 5 more"):
        check_tensors(where)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def adapter(tiny: Path, tmp_path: Path) -> Path:
    model, _ = load(str(tiny), "pretrained", backend="peft", training=True)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_an_adapter_of_a_wider_model_is_refused_by_its_tensors(adapter: Path, tiny: Path) -> None:
    with pytest.raises(CodealignError, match="adapter of another model.*size mismatch for .*lora_"):
        merged(tiny_llama(hidden=64), adapter)


def test_an_adapter_of_a_deeper_model_is_refused_by_its_tensors(adapter: Path) -> None:
    with pytest.raises(CodealignError, match=r"layers\.1\..*lora_.* is not the model's"):
        merged(tiny_llama(layers=1), adapter)


def test_an_adapter_without_some_of_its_tensors_is_refused(adapter: Path, tiny: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    tensors = load_file(file)
    gone = sorted(tensors)[0]
    tensors.pop(gone)
    save_file(tensors, file)
    with pytest.raises(CodealignError, match=r"adapter of another model \(.*lora_A.* is missing"):
        load(str(tiny), "pretrained", adapter, training=False)


def test_an_adapter_of_other_layers_is_refused(adapter: Path, tiny: Path) -> None:
    file = adapter / "adapter_config.json"
    config = json.loads(file.read_text()) | {"target_modules": ["c_attn"]}
    file.write_text(json.dumps(config))
    with pytest.raises(CodealignError, match="adapter of another model.*c_attn"):
        load(str(tiny), "pretrained", adapter, training=False)


def told(folder: Path, base: str = "", **result: str) -> Path:
    folder.mkdir(exist_ok=True)
    config = json.dumps({"base_model_name_or_path": base})
    (folder / "adapter_config.json").write_text(config)
    if result:
        (folder / "training.json").write_text(json.dumps(result))
    return folder


def test_an_adapter_of_the_other_variant_is_refused_though_it_has_its_shape(tmp_path) -> None:
    of = told(tmp_path, model="nano", variant="pretrained")
    check_adapter(of, "nano", "pretrained")
    with pytest.raises(CodealignError, match="adapter of nano pretrained, not of nano finetuned"):
        check_adapter(of, "nano", "finetuned")


def test_an_adapter_of_another_named_model_is_refused(tmp_path: Path) -> None:
    of = told(tmp_path, model="deepseek-coder-7b", variant="pretrained")
    with pytest.raises(CodealignError, match="adapter of deepseek-coder-7b pretrained, not of"):
        check_adapter(of, "CodeLlama-7b", "pretrained")


def test_an_adapter_from_elsewhere_is_known_by_its_base(tmp_path: Path) -> None:
    of = told(tmp_path, base="codellama/CodeLlama-7b-Instruct-hf")
    check_adapter(of, "CodeLlama-7b", "finetuned")
    with pytest.raises(CodealignError, match="adapter of CodeLlama-7b finetuned, not of"):
        check_adapter(of, "CodeLlama-7b", "pretrained")


def test_an_adapter_of_a_folder_that_has_been_moved_is_taken(tmp_path: Path) -> None:
    of = told(tmp_path / "a", model=str(tmp_path / "gone"), variant="pretrained")
    check_adapter(of, str(tmp_path), "pretrained")


@pytest.mark.parametrize("layer", ["lm_head", "embed_tokens"])
def test_lora_on_shared_embeddings_merges_to_the_same_model(tmp_path: Path, layer: str) -> None:
    from peft import LoraConfig, get_peft_model

    ids = torch.arange(10, 30)[None]
    settings = LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj", layer])
    tuned = get_peft_model(tiny_llama(), settings)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for name, weight in tuned.named_parameters():
            if "lora_" in name:
                weight.normal_()
    tuned.save_pretrained(tmp_path / "adapter")
    expected = tuned.eval()(ids).logits
    one = merged(tiny_llama(), tmp_path / "adapter").eval()
    one.save_pretrained(tmp_path / "merged")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    for model in (one, again):
        assert torch.allclose(model(ids).logits, expected, rtol=1e-3, atol=1e-3)
