"""What names a model: a registered name, a folder, a hub id, or a pair with a name of its own."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from tiny import make_tiny
from tiny_architectures import make_architecture

from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.models import uses_chat
from codealign.params import Params, load_params
from codealign.paths import NANO_WEIGHTS, RunPaths, short_name
from codealign.registry import (
    LINEAR,
    among,
    check_variants,
    identity,
    read_config,
    reference,
    references,
    shape_of,
    source,
    spec,
    stored_parameters,
)
from codealign.workflow.estimate import estimate
from codealign.workflow.plan import make_plan
from codealign.workflow.work import parameters_of


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pretrained/` and `finetuned/`."""
    return make_tiny(tmp_path_factory.mktemp("models") / "mine")


@pytest.fixture
def plain(pair: Path, tmp_path: Path) -> Path:
    """One set of weights in a folder whose name has blanks and letters beyond ASCII."""
    return Path(shutil.copytree(pair / "finetuned", tmp_path / "Mein Modell ä"))


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ("nano", "nano"),
        ("Qwen2.5-Coder-7B", "Qwen2.5-Coder-7B"),
        ("/data/my-coder", "my-coder"),
        ("/data/my-coder/", "my-coder"),
        ("./models/my coder", "my-coder"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct"),
        ("/data/merged/pretrained", "merged-pretrained"),
        ("/cache/models--me--thing/snapshots/0123abcd", "thing"),
        ('{"name": "twin", "pretrained": "/a", "finetuned": "b/c"}', "twin"),
    ],
)
def test_a_short_name_is_the_last_part_in_letters_that_paths_take(given: str, short: str) -> None:
    assert short_name(given) == short


def test_short_names_beyond_ascii_are_safe_and_stay_apart() -> None:
    names = [short_name(f"/data/{name}") for name in ("模型", "模样", "Größe", "Grosse")]
    assert len(set(names)) == 4 and all(n.isascii() for n in names)
    assert names[0].startswith("model-") and names[2].startswith("Gro-e-")


@pytest.mark.parametrize("given", ["/d/模型", "/d/" + "x" * 99, "a/b", "/d/My model"])
def test_a_short_name_is_its_own_short_name_and_fits_into_a_path(given: str) -> None:
    short = short_name(given)
    assert short_name(short) == short and len(short) <= 60 and "/" not in short


def test_a_plain_folder_serves_as_whichever_variant_is_asked_for(plain: Path) -> None:
    for variant in ("pretrained", "finetuned"):
        assert source(str(plain), variant) == (str(plain), None)
    assert (uses_chat(str(plain), "pretrained"), uses_chat(str(plain), "finetuned")) == (0, 1)


def test_a_relative_folder_is_that_of_the_working_folder_wherever_it_is_read(
    plain: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(plain.parent)
    named = reference(f"./{plain.name}/")
    assert named == str(plain)
    monkeypatch.chdir("/")
    assert source(named, "finetuned") == (str(plain), None)


def test_a_linked_folder_goes_by_the_links_name(plain: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(plain)
    assert short_name(reference(str(link))) == "linked"
    assert identity(str(link), "finetuned") == identity(str(plain), "finetuned")


def test_a_hub_id_is_a_model_and_needs_no_network_to_be_named() -> None:
    assert source("me/coder-1.5B", "pretrained") == ("me/coder-1.5B", "main")


def test_a_pair_in_a_profile_is_one_model_of_two_sets_of_weights(pair: Path, plain: Path) -> None:
    given = {"name": "twin", "pretrained": str(pair / "pretrained"), "finetuned": str(plain)}
    (named,) = Params.model_validate({"profile": "x", "models": [given]}).models
    assert json.loads(named) == given
    assert source(named, "pretrained")[0] == str(pair / "pretrained")
    assert source(named, "finetuned")[0] == str(plain)
    assert spec(named).chat == ["finetuned"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pretrained": "/a"}, "name"),
        ({"name": "my model", "pretrained": "/a"}, "name"),
        ({"name": "x", "pretraind": "/a"}, "unknown key 'pretraind'; did you mean 'pretrained'"),
    ],
)
def test_a_faulty_pair_is_refused_with_its_key(given: dict, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump({"profile": "x", "models": [given]}))
    with pytest.raises(CodealignError, match=said):
        load_params(path)


def test_a_pair_with_one_set_of_weights_has_no_other_variant(pair: Path) -> None:
    named = json.dumps({"name": "one", "pretrained": str(pair / "pretrained")})
    with pytest.raises(CodealignError, match=r"one: no weights of finetuned.*variants: \[pretr"):
        source(named, "finetuned")


def test_two_models_of_one_short_name_are_told_before_anything_runs(tmp_path: Path) -> None:
    for owner in "ab":
        (tmp_path / owner / "coder").mkdir(parents=True)
    with pytest.raises(CodealignError, match="would both be called 'coder'.*name one yourself"):
        references([str(tmp_path / "a/coder"), str(tmp_path / "b/coder")])


def test_a_folder_called_like_a_registered_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "nano").mkdir()
    with pytest.raises(CodealignError, match="both be called 'nano'"):
        make_plan(Params(profile="x", models=[str(tmp_path / "nano")]))


def test_a_registered_name_wins_over_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nano").mkdir()
    monkeypatch.chdir(tmp_path)
    assert reference("nano") == "nano" and spec("nano").embedded


def test_one_set_of_weights_is_not_taken_for_two_variants(plain: Path) -> None:
    with pytest.raises(CodealignError, match="one set of weights, but variants asks for pretr"):
        check_variants(str(plain), ["pretrained", "finetuned"])
    check_variants(str(plain), ["finetuned"])


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("adapter_config.json", "an adapter, not a model"),
        ("model.gguf", "GGUF weights; convert"),
        ("notes.txt", "no config.json in it, and no pretrained/ or finetuned/"),
    ],
)
def test_a_folder_that_is_no_model_says_what_it_is(tmp_path: Path, file: str, said: str) -> None:
    (tmp_path / file).write_text("{}")
    with pytest.raises(CodealignError, match=said):
        spec(str(tmp_path))


@pytest.mark.parametrize("content", [b"\x00\xff\x00", b"[1]", b""])
def test_a_configuration_that_cannot_be_read_names_the_file(plain: Path, content: bytes) -> None:
    (plain / "config.json").write_bytes(content)
    with pytest.raises(CodealignError, match=r"config.json: .*copy it anew"):
        read_config(str(plain))


def test_a_hub_id_that_is_not_here_says_what_to_fetch_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CodealignError, match="run `hf download me/none-at-all`") as caught:
        read_config("me/none-at-all", "main")
    assert "\n" not in str(caught.value)


def test_family_shape_and_layers_of_a_folder_come_from_its_configuration(tmp_path: Path) -> None:
    folder = make_architecture("chatml", tmp_path / "qwen") / "finetuned"
    assert (spec(str(folder)).family, spec(str(folder)).target_modules) == ("qwen2", LINEAR)
    shape = shape_of(str(folder))
    assert (shape.layers, shape.hidden, shape.bias) == (2, 32, True)
    assert shape.parameters == stored_parameters(str(folder))


def test_another_architecture_trains_every_linear_layer_and_is_as_large_as_its_tensors(
    tmp_path: Path,
) -> None:
    from transformers import GPTJConfig, GPTJForCausalLM

    sizes = {"vocab_size": 272, "n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4}
    model = GPTJForCausalLM(GPTJConfig(**sizes, n_positions=64))
    model.save_pretrained(tmp_path / "gptj")
    name = str(tmp_path / "gptj")
    assert (spec(name).family, spec(name).target_modules, shape_of(name)) == ("gptj", [], None)
    assert parameters_of(name) == sum(p.numel() for p in model.parameters())


def test_the_plan_of_a_folder_counts_its_parameters_and_fetches_nothing(plain: Path) -> None:
    found = estimate(Params(profile="x", models=[str(plain)], variants=["finetuned"]))
    assert found.weights_gb == 0
    # 272 x 32 embedding, tied; a block 2 x 32 x 32 + 2 x 32 x 16 + 3 x 32 x 64 + 2 x 32; 32 at last
    assert parameters_of(str(plain)) == 272 * 32 + 2 * (2048 + 1024 + 6144 + 64) + 32


def test_a_runs_paths_are_of_the_short_name_and_jobs_get_what_names_the_model(plain: Path) -> None:
    (job, *_) = make_plan(Params(profile="x", models=[str(plain)], variants=["finetuned"]))
    assert job.parameters["model"] == str(plain)
    assert job.name.startswith(f"04_functional-{short_name(str(plain))}-finetuned")
    paths = RunPaths(Path("runs/x"))
    cell = Cell(str(plain), "finetuned", "functional", "sft")
    data = paths.prefs(cell.model, cell.requirement)
    for path in (data, paths.checkpoint(cell), paths.evals(cell)):
        assert path.is_relative_to("runs/x") and short_name(str(plain)) in path.parts


def test_other_weights_under_the_same_name_are_another_model(plain: Path, tmp_path: Path) -> None:
    before = identity(str(plain), "finetuned")
    again = shutil.copytree(plain, tmp_path / "copy")
    os.utime(again / "model.safetensors", (0, 0))
    assert identity(str(again), "finetuned") == before
    content = bytearray((plain / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (plain / "model.safetensors").write_bytes(content)
    assert identity(str(plain), "finetuned") != before


def test_registered_and_hub_models_are_told_by_their_names() -> None:
    assert [identity(n, "pretrained") for n in ("nano", "a/b")] == ["nano", "a/b"]


def test_a_profiles_model_may_be_given_by_its_short_name(pair: Path) -> None:
    named = {"name": "twin", "pretrained": str(pair / "pretrained")}
    models = Params.model_validate({"profile": "x", "models": ["nano", named]}).models
    assert among(models, "twin") == reference(models[1])
    assert among(models, str(NANO_WEIGHTS / "pretrained")) == str(NANO_WEIGHTS / "pretrained")


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "/" + "x" * 5000, "{bad", "./none"])
def test_a_name_that_is_no_model_is_one_clear_error(name: str) -> None:
    with pytest.raises(CodealignError, match="model "):
        spec(name)
