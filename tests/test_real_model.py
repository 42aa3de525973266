"""A real language model (`make real`): it learns to end, alignment starts at ln 2, a run ends."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from public_files import public_file

from codealign.generate import Request, generate
from codealign.generate.local import LocalEngine
from codealign.models import load
from codealign.params import Bonbon, Dpo, Generation, Sft, read_params
from codealign.prompts import response_prompt
from codealign.records import Pair
from codealign.train.align import train_align
from codealign.train.sft import train_sft

PROJECT = Path(__file__).resolve().parents[1]
MODEL = PROJECT / ".cache" / "SmolLM2-135M-Instruct"
WORDS = ("double", "triple", "negate", "square")
BODIES = ("2 * x", "3 * x", "-x", "x * x")
COMMAND = (sys.executable, "-m", "codealign.cli")
FAST = {"backend": "peft", "batch_size": 2, "warmup_steps": 1, "max_length": 128}


@pytest.fixture(scope="module")
def model() -> str:
    if not MODEL.exists():
        script = PROJECT / "workflow" / "smollm2.py"
        subprocess.run([sys.executable, str(script), str(MODEL)], check=True)
    return str(MODEL)


def pairs() -> list[Pair]:
    """Short answers of one form, so that a few steps teach where they end."""
    return [
        Pair(word, word, f"Write a function {word}(x).",
             f"def {word}(x):\n    return {body}\n", f"def {word}(x):\n    return x\n")
        for word, body in zip(WORDS, BODIES, strict=True)
    ]  # fmt: skip


def endings(model: str, variant: str, adapter: Path | None) -> list[str]:
    """How answers to the tasks end, without any stop string."""
    engine = LocalEngine(*load(model, variant, adapter, backend="peft", training=False))
    ask = engine.chat if variant == "finetuned" else response_prompt
    asked = [Request(p.id, ask(p.prompt)) for p in pairs()]
    settings = Generation(temperature=0.0, max_new_tokens=32, batch_size=4)
    return [c.finish for c in generate(asked, engine, settings)]


@pytest.mark.long
@pytest.mark.parametrize("variant", ["finetuned", "pretrained"])
def test_a_real_model_learns_to_end_and_alignment_starts_at_ln_2(
    model: str, variant: str, tmp_path: Path
) -> None:
    sft = Sft(epochs=10.0, learning_rate=1e-3, **FAST)
    train_sft(pairs(), model, variant, sft, tmp_path / "sft", seed=0)
    before = endings(model, variant, None)
    after = endings(model, variant, tmp_path / "sft")
    print(variant, before, after)
    # Ten readings of four answers: all learn to end; the chat model as it is explains at length.
    assert after == ["stop"] * 4
    assert before.count("stop") < 4
    for technique, settings in (("dpo", Dpo(epochs=1.0, **FAST)), ("bonbon", Bonbon(**FAST))):
        out = tmp_path / technique
        train_align(pairs(), tmp_path / "sft", technique, settings, out, seed=0)
        first = json.loads((out / "trainer_log.jsonl").read_text().splitlines()[0])
        print(technique, first)
        if technique == "dpo":
            assert first["loss"] == pytest.approx(math.log(2), abs=1e-4)


def small(folder: Path, model: str) -> Path:
    """Write smollm2.yaml with its first nine seeds (four of them gave pairs) and one pathway."""
    params = read_params(PROJECT / "params" / "smollm2.yaml")
    params |= {"profile": "small", "models": [model], "requirements": ["functional"],
               "variants": ["pretrained"], "stages": ["base", "sft", "dpo"]}  # fmt: skip
    params["prefs"]["seeds"] = 9
    for training in (params["sft"], params["align"]["dpo"], params["align"]["bonbon"]):
        training["pairs"] = 0  # however many there are
    params["functional"] |= {"limit": 2, "max_new_tokens": 64}
    (folder / "small.yaml").write_text(yaml.safe_dump(params))
    return folder / "runs" / "small"


def project_in(folder: Path) -> dict[str, str]:
    """Lay out a project and return the environment in which it finds the public benchmarks."""
    data = {name: str(public_file(name)) for name in ("humaneval", "mbpp")}
    for name in ("notebooks", "params", "workflow"):
        shutil.copytree(PROJECT / name, folder / name)
    return {**os.environ, "HF_HUB_OFFLINE": "1", "HUMANEVAL_OVERRIDE_PATH": data["humaneval"],
            "MBPP_OVERRIDE_PATH": data["mbpp"]}  # fmt: skip


@pytest.mark.long
def test_a_small_real_run_ends_with_pairs_that_passed_and_scores(
    model: str, tmp_path: Path
) -> None:
    environment = project_in(tmp_path)
    run = small(tmp_path, model)
    subprocess.run([*COMMAND, "reproduce", "--params", "small.yaml"], cwd=tmp_path,
                   env=environment, check=True)  # fmt: skip
    (folder,) = run.glob("prefs/*/functional")
    card = json.loads((folder / "card.json").read_text())["counts"]
    print(card)
    assert card["seeds"]["kept"] == 9
    assert card["responses"]["kept"] == 8 * card["instructions"]["kept"]
    verdicts = [json.loads(x) for x in (folder / "executions.jsonl").read_text().splitlines()]
    passed = {row["id"] for row in verdicts if row["verdict"] == "pass"}
    pairs = [json.loads(x) for x in (folder / "pairs.jsonl").read_text().splitlines()]
    assert pairs
    assert all(p["chosen_id"] in passed and p["rejected_id"] not in passed for p in pairs)
    assert not any("assert " in p["chosen"] for p in pairs)  # the own tests are cut off
    (log,) = run.glob("checkpoints/*/*/*/dpo/trainer_log.jsonl")
    first = json.loads(log.read_text().splitlines()[0])
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-3)
    assert (run / "report" / "index.html").exists()


@pytest.mark.long
def test_a_real_model_can_be_its_own_base(model: str, tmp_path: Path) -> None:
    environment = project_in(tmp_path)
    small(tmp_path, model)
    base, instruct = (str(Path(model) / variant) for variant in ("pretrained", "finetuned"))
    asked = ["--base", base, "--instruct", instruct, "--name", "smol", "--params", "small.yaml",
             "--seeds", "1", "--limit", "2", "--set", "stages=[base, sft, dpo]"]  # fmt: skip
    done = subprocess.run([*COMMAND, "start-from", *asked], cwd=tmp_path, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    last = done.stdout.split("\n\n")[-1]
    # Two problems of each benchmark and one training tell nothing, and that is what is said.
    assert "functional cannot be told" in last
    assert "report: runs/start-smol/report/index.html" in last
