"""What `check-model` and each job find out before hours are spent: every fault by its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_architectures import make_architecture

from codealign.cell import Cell
from codealign.checks import check, variants_of
from codealign.cli import main
from codealign.errors import CodealignError
from codealign.paths import NANO_WEIGHTS, RunPaths
from codealign.workflow.context import NotebookJob

KINDS = ("llama-3", "chatml", "llama-2", "deepseek-coder")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny model of each family, as a plain folder."""
    root = tmp_path_factory.mktemp("tiny")
    return {kind: make_architecture(kind, root / kind) / "finetuned" for kind in KINDS}


@pytest.fixture
def copy(models: dict[str, Path], tmp_path: Path) -> Path:
    """A model of one's own to break."""
    return Path(shutil.copytree(models["chatml"], tmp_path / "own"))


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def facts(name: Path | str, variant: str = "finetuned") -> dict[str, str]:
    return {fact.name: fact.found for fact in check(str(name), variant).facts}


def problems(name: Path | str, variant: str = "finetuned") -> list[str]:
    return check(str(name), variant).problems


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_model_of_each_family_has_no_problem(models: dict[str, Path], kind: str) -> None:
    checked = check(str(models[kind]), "finetuned")
    assert checked.problems == []
    # two blocks of seven linear layers
    assert facts(models[kind])["LoRA"].startswith("14 layers: q_proj, k_proj")
    assert f"({kind})" in facts(models[kind])["asked"]


@pytest.mark.parametrize(("kind", "bos"), [("llama-3", "added"), ("chatml", "no BOS")])
def test_it_says_whether_a_plain_prompt_begins_with_bos(
    models: dict[str, Path], kind: str, bos: str
) -> None:
    assert bos in facts(models[kind])["special tokens"]


def test_the_example_ends_with_the_token_that_ends_an_answer(models: dict[str, Path]) -> None:
    shown = facts(models["chatml"])["example"]
    assert shown.startswith("'<|im_start|>user\\nWrite a Python function")
    assert shown.endswith("<|im_end|>")


def test_nano_is_asked_by_variant_and_both_are_looked_at() -> None:
    assert variants_of("nano") == ["pretrained", "finetuned"]
    assert facts("nano", "pretrained")["asked"] == "plainly, as a pretrained variant"
    assert "chat template" in facts("nano")["asked"]


def test_one_set_of_weights_is_looked_at_as_what_it_seems_to_be(copy: Path) -> None:
    assert variants_of(str(copy)) == ["finetuned"]
    (copy / "chat_template.jinja").unlink()
    assert variants_of(str(copy)) == ["pretrained"]


def test_a_base_model_with_a_chat_template_is_asked_plainly(copy: Path) -> None:
    found = facts(copy, "pretrained")["asked"]
    assert found == "plainly, as a pretrained variant, though it has a chat template"


def test_a_fine_tuned_model_without_a_chat_template_says_what_to_do(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    (said,) = problems(copy)
    assert "there is no chat template" in said and "`chat: []`" in said
    assert problems(copy, "pretrained") == []


def test_a_folder_without_a_tokenizer_is_a_problem(copy: Path) -> None:
    for path in copy.glob("*tokenizer*"):
        path.unlink()
    assert any(p.startswith("tokenizer: ") for p in problems(copy))


def test_a_foreign_and_a_missing_tensor_are_named(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = copy / "model.safetensors"
    tensors = load_file(path)
    tensors["score.weight"] = tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, path, {"format": "pt"})
    (said,) = problems(copy)
    assert "model.layers.1.mlp.up_proj.weight" in said and "score.weight" in said


def test_a_missing_shard_is_a_problem(models: dict[str, Path], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    copy = Path(shutil.copytree(models["chatml"], tmp_path / "sharded"))
    (copy / "model.safetensors").unlink()
    model = AutoModelForCausalLM.from_pretrained(models["chatml"])
    model.save_pretrained(copy, max_shard_size="40KB")
    assert problems(copy) == []
    sorted(copy.glob("model-*.safetensors"))[0].unlink()
    assert any(p.startswith("tensors: ") and "model-00001" in p for p in problems(copy))


def test_a_file_of_weights_that_is_cut_short_is_a_problem(copy: Path) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert any("model.safetensors" in p for p in problems(copy))


def test_a_tokenizer_of_a_larger_model_is_a_problem(copy: Path) -> None:
    edit(copy / "config.json", vocab_size=100)
    assert any("the tokenizer that belongs to these weights" in p for p in problems(copy))


def test_layers_that_are_not_there_are_told_with_those_that_are(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codealign import checks, registry

    entry = registry.spec(str(copy)).model_copy(update={"target_modules": ["c_attn"]})
    monkeypatch.setattr(checks, "spec", lambda name: entry)
    (said,) = problems(copy)
    assert "no layer c_attn; name layers that it has as target_modules: q_proj" in said


def test_a_job_refuses_a_model_with_problems_and_says_all_of_them(
    copy: Path, tmp_path: Path
) -> None:
    cell = Cell(str(copy), "finetuned", "functional", "sft")
    job = NotebookJob("02_sft", cell, "x", RunPaths(tmp_path / "run"), 0)
    assert "own finetuned: qwen2, 2 layers" in job.check_model("finetuned")
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(CodealignError, match=r"own finetuned \(.*\n  asked: there is no chat"):
        job.check_model("finetuned")


def test_what_was_made_from_other_weights_is_put_away(copy: Path, tmp_path: Path) -> None:
    def folder() -> Path:
        cell = Cell(str(copy), "finetuned", "functional", "sft")
        job = NotebookJob("02_sft", cell, "x", RunPaths(tmp_path / "run"), 0)
        job.check_model("finetuned")
        return job.folder(job.paths.checkpoint(cell))

    (folder() / "adapter").write_text("old")
    assert (folder() / "adapter").exists()
    edit(copy / "config.json", rms_norm_eps=0.5)
    assert not (folder() / "adapter").exists()


def test_a_model_at_a_server_is_not_looked_at(tmp_path: Path) -> None:
    job = NotebookJob(
        "01_preferences", Cell("gpt-4o", "", "functional", ""), "x", RunPaths(tmp_path), 0
    )
    assert job.check_model("pretrained", "openai") == "gpt-4o at a server"


def test_the_command_says_all_and_fails_on_a_problem(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-model", str(copy), "--no-generate"]) == 0
    assert capsys.readouterr().out.endswith("\nno problems\n")
    (copy / "chat_template.jinja").unlink()
    command = ["check-model", str(copy), "--variant", "finetuned", "--no-generate", "--json"]
    assert main(command) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], len(found["problems"])) == ("own", 1)
    assert set(found["memory_gib"]) == {"generation", "SFT", "DPO"}


def test_an_answer_that_does_not_end_is_a_problem(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codealign.commands.models.LONGEST", 3)
    assert main(["check-model", str(copy)]) == 1
    assert "it has not written '<|im_end|>', which ends an answer" in capsys.readouterr().out


def test_a_fine_tuned_nano_in_a_folder_answers_and_stops(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = str(NANO_WEIGHTS / "finetuned")
    assert main(["check-model", folder, "--variant", "finetuned"]) == 0
    assert " stops after " in capsys.readouterr().out


def test_a_hub_id_that_is_not_here_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(["check-model", "me/none-at-all"]) == 1
    said = capsys.readouterr().err.strip()
    assert "hf download me/none-at-all" in said and "\n" not in said
