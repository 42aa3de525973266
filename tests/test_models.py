"""The registry and the loader: what is there, and clear words where something is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from tiny import make_tiny

from codealign import models, weights
from codealign.errors import CodealignError
from codealign.models import load, registry, source, spec, uses_chat
from codealign.params import Lora
from codealign.registry import has_chat_template

PAPER = Path(__file__).parents[1] / "codealign" / "data"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("tiny"))


def test_the_registry_holds_nano_and_the_five_pairs_of_the_study() -> None:
    assert set(registry()) == {
        "nano",
        "Meta-Llama-3-8B",
        "Qwen2.5-Coder-7B",
        "CodeLlama-7b",
        "deepseek-coder-1.3b",
        "deepseek-coder-7b",
    }


def test_the_names_are_those_of_the_published_scores() -> None:
    lines = (PAPER / "published_scores.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {line.split(",")[1] for line in lines} == set(registry()) - {"nano"}


@pytest.mark.parametrize("name", ["Meta-Llama-3-8B", "deepseek-coder-7b", "Qwen2.5-Coder-7B"])
def test_a_hub_model_has_both_variants_and_asks_the_finetuned_one_in_chat(name: str) -> None:
    assert set(spec(name).hub) == {"pretrained", "finetuned"}
    assert (uses_chat(name, "pretrained"), uses_chat(name, "finetuned")) == (False, True)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(CodealignError, match="did you mean 'CodeLlama-7b'"):
        spec("CodeLlama-7B")


def test_an_unknown_key_in_the_registry_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump({"m": {"family": "llama", "chats": ["finetuned"]}}))
    with pytest.raises(CodealignError, match="unknown key 'chats'; did you mean 'chat'"):
        registry(path)


def test_a_folder_with_variants_is_a_model(tiny: Path) -> None:
    assert source(str(tiny), "pretrained") == (str(tiny / "pretrained"), None)


def test_a_folders_variant_with_a_chat_template_is_asked_in_chat(tiny: Path) -> None:
    assert spec(str(tiny)).chat == ["finetuned"]


@pytest.mark.parametrize(("template", "has"), [(None, False), ("{{ messages }}", True)])
def test_a_chat_template_in_the_tokenizers_settings_counts_unless_it_is_null(
    tiny: Path, tmp_path: Path, template: str | None, has: bool
) -> None:
    settings = json.loads((tiny / "finetuned/tokenizer_config.json").read_text())
    settings["chat_template"] = template
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert has_chat_template(str(tmp_path)) == has


def test_a_base_model_with_a_chat_template_is_asked_in_the_plain_format(
    tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny / "finetuned", tmp_path / "pretrained")  # as Qwen's base models bring one
    assert not uses_chat(str(tmp_path), "pretrained")


def test_missing_weights_of_a_folder_are_named(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "pretrained", tmp_path / "pretrained")
    with pytest.raises(CodealignError, match="no weights of finetuned, only of pretrained"):
        source(str(tmp_path), "finetuned")


def test_missing_embedded_weights_say_how_to_build_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codealign.registry.NANO_WEIGHTS", tmp_path)
    with pytest.raises(CodealignError, match="make nano"):
        source("nano", "pretrained")


def test_offline_hub_weights_say_what_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(weights, "base_plain", not_cached)
    with pytest.raises(CodealignError, match="hf download Qwen/Qwen2.5-Coder-7B-Instruct"):
        load("Qwen2.5-Coder-7B", "finetuned", training=False)


def test_a_gated_model_says_how_to_get_access(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "base_plain", not_cached)
    with pytest.raises(CodealignError, match="accept Meta's licence"):
        load("Meta-Llama-3-8B", "pretrained", training=False)


def not_cached(*args: object) -> None:
    raise OSError("not in the cache")


def test_a_folder_without_an_adapter_is_refused_before_anything_is_loaded(tiny: Path) -> None:
    with pytest.raises(CodealignError, match="no adapter here; train that stage first"):
        load(str(tiny), "pretrained", tiny, training=False)


def test_absent_unsloth_names_the_other_backend(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "unsloth", raising=False)
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CodealignError, match="not installed.*backend: peft"):
        load(str(tiny), "pretrained", training=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_four_bit_weights_need_a_gpu(tiny: Path) -> None:
    with pytest.raises(CodealignError, match="needs a GPU"):
        load(str(tiny), "pretrained", backend="peft", training=True, lora=Lora(quantize=True))


@pytest.mark.parametrize(("own", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_without_bfloat16_gets_float16(
    own: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: own)
    assert weights.Options.of("auto", "sdpa", True, 512).dtype == dtype


@pytest.mark.parametrize("amx", [True, False])
def test_a_cpu_trains_in_bfloat16_where_it_has_amx(
    amx: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert weights.bf16_is_fast() == amx


def test_only_the_adapter_is_trainable(tiny: Path) -> None:
    model, _ = load(str(tiny), "pretrained", backend="peft", training=True, lora=Lora(r=2))
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    # 7 projections in each of 2 layers, 2 matrices each
    assert len(trainable) == 28 and all("lora_" in name for name in trainable)


def test_the_adapters_start_depends_on_the_seed_alone(tiny: Path) -> None:
    def first(seed: int) -> torch.Tensor:
        model, _ = load(str(tiny), "pretrained", backend="peft", training=True, seed=seed)
        return next(p for n, p in model.named_parameters() if "lora_A" in n).detach()

    assert torch.equal(first(1), first(1)) and not torch.equal(first(1), first(2))


def test_an_adapter_of_another_model_is_refused(tiny: Path, tmp_path: Path) -> None:
    model, _ = load(str(tiny), "pretrained", backend="peft", training=True)
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    config["target_modules"] = ["q_proj"]
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(CodealignError, match="adapter of another model"):
        load(str(tiny), "pretrained", tmp_path, backend="peft", training=True)


def test_telemetry_is_off_and_the_users_own_settings_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    models.quiet_environment()
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


def test_the_registry_is_read_without_torch() -> None:
    code = (
        "import sys; from codealign.models import spec; spec('nano'); print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"
