"""The pages' commands that take long, run as they stand; what their names stand for is small."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub_server
import pytest
import yaml
from documented import NAMES, commands, few_public_problems, lay_out, shell

from codealign.params import read_params
from codealign.paths import NANO_WEIGHTS

pytestmark = pytest.mark.long

FIRST = "codealign reproduce --params params/nano.yaml"
"""What the others need is left by this one, which is one of the documented commands too."""
RUN = [
    r"codealign reproduce --only sft",
    r"codealign evaluate .*--model (?!my-model).*",
    r"codealign (train|merge|push-adapter) .*",
    r"accelerate launch .*",
    r"papermill .*",
]
SMALL = ("nano", "single_gpu")
PAIRS = "functional/pairs.jsonl"


def documented(forms: list[str]) -> list[str]:
    """Return the documented commands of these forms, each once, in the order of the forms."""
    every = dict.fromkeys(command for name in NAMES for command in commands(name))
    return [command for form in forms for command in every if re.fullmatch(form, command)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose models are all nano, whose runs are small, and which has run once."""
    folder = lay_out(tmp_path_factory.mktemp("project"))
    _make_models_small(folder / "params/models.yaml")
    for name in SMALL:
        _make_small(folder / f"params/{name}.yaml", folder / "params/smoke_study.yaml")
    shell(FIRST, folder)
    pairs = folder / "runs/single_gpu/prefs/deepseek-coder-1.3b" / PAIRS
    pairs.parent.mkdir(parents=True)
    shutil.copy(folder / "runs/nano/prefs/nano" / PAIRS, pairs)
    return folder


def _make_models_small(registry: Path) -> None:
    models: dict[str, Any] = yaml.safe_load(registry.read_text("utf-8"))
    hub = {variant: str(NANO_WEIGHTS / variant) for variant in ("pretrained", "finetuned")}
    small = {"family": "llama", "hub": hub, "chat": ["finetuned"]}
    registry.write_text(yaml.safe_dump(dict.fromkeys(models, small) | {"nano": models["nano"]}))


def _make_small(profile: Path, like: Path) -> None:
    """Give a profile the small settings of another; name, seed and models stay its own."""
    own, small = (read_params(path) for path in (profile, like))
    small |= {key: own[key] for key in ("profile", "seed", "models")}
    del small["study"]
    for stage in (small["sft"], small["align"]["dpo"]):
        stage["backend"] = "peft"
    profile.write_text(yaml.safe_dump(small))


@pytest.fixture(scope="module")
def surroundings(project: Path) -> Iterator[dict[str, str]]:
    """Yield what stands for the networks: a hub on this machine, and files of a few problems."""
    problems = few_public_problems(project)
    with hub_server.running() as hub:
        yield {
            **{place.rsplit(".", 1)[1]: path for place, path in problems.items()},
            "HF_ENDPOINT": hub.address, "HF_TOKEN": "good", "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
        }  # fmt: skip


def test_the_first_command_is_documented() -> None:
    assert documented([re.escape(FIRST)]) == [FIRST]


@pytest.mark.parametrize("command", documented(RUN))
def test_the_command_works(command: str, project: Path, surroundings: dict[str, str]) -> None:
    shell(command, project, **surroundings)
