"""Pushing pairs: against a real local server that speaks the hub's language."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hub_server
import pytest

from codealign.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("README.md", "pairs.jsonl", "card.json", "responses.jsonl"):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def push(folder: Path, hub: hub_server.Hub, token: str) -> subprocess.CompletedProcess[str]:
    """Push in a process of its own: the client reads its settings once, when imported."""
    settings = {"HF_ENDPOINT": hub.address, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "codealign.cli", "push-pairs", str(folder)]
    return subprocess.run(
        [*command, "--repo", "me/pairs"],
        env={**os.environ, **settings, "HF_HUB_DISABLE_XET": "1"},
        capture_output=True,
        text=True,
    )


def test_pairs_card_and_counts_are_pushed_and_nothing_else(folder: Path) -> None:
    with hub_server.running() as hub:
        done = push(folder, hub, "good")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"pushed {hub.address}/datasets/me/pairs (abc)\n"
    assert hub.files == {n: f"{n}\n" for n in ("README.md", "pairs.jsonl", "card.json")}
    assert (hub.made[0]["type"], hub.made[0]["visibility"]) == ("dataset", "private")


def test_a_refused_token_is_one_line(folder: Path) -> None:
    with hub_server.running() as hub:
        done = push(folder, hub, "bad")
    assert done.returncode == 1
    assert done.stderr.startswith("codealign: push-pairs: me/pairs: ")
    assert "Traceback" not in done.stderr


def test_without_a_token_it_says_how_to_log_in(folder, monkeypatch, capsys) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert main(["push-pairs", str(folder), "--repo", "me/pairs"]) == 1
    assert "not logged in; run `hf auth login`" in capsys.readouterr().err


def test_an_unfinished_folder_says_what_is_missing(folder, capsys) -> None:
    (folder / "card.json").unlink()
    assert main(["push-pairs", str(folder), "--repo", "me/pairs"]) == 1
    assert "no card.json; finish notebook 01_preferences" in capsys.readouterr().err


GATED = """
import sys
from collections import Counter
from codealign.errors import CodealignError
from codealign.params import Hub
from codealign.prefs.sources import hub_modules
try:
    next(hub_modules("me/gated", Hub(), Counter()))
except CodealignError as error:
    print(error)
"""


def test_a_gated_data_set_says_how_to_get_access() -> None:
    with hub_server.running() as hub:
        settings = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "none"}
        done = subprocess.run(
            [sys.executable, "-c", GATED],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
        )
    assert "data set me/gated: no access" in done.stdout, done.stderr
    assert "accept its terms at https://huggingface.co/datasets/me/gated" in done.stdout
    assert "`hf auth login`" in done.stdout


def test_a_hub_that_is_not_reached_is_one_line(tmp_path) -> None:
    code = (
        "from pathlib import Path\nfrom codealign.hub import upload\n"
        "from codealign.errors import CodealignError\n"
        "try:\n    upload('push-pairs', Path('.'), 'me/x', 'dataset', public=False)\n"
        "except CodealignError as error:\n    print(error)\n"
    )
    env = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "t", "HF_HUB_OFFLINE": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.startswith("push-pairs: me/x: the hub is not reached"), done.stderr
    assert done.stdout.count("\n") == 1
