"""A run with a judge at a server leaves the key in no file: not in log, notebook or result."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import papermill
import pytest
from chat_server import Server, completion

from codealign.records import Rating, read_jsonl

PROJECT = Path(__file__).resolve().parents[1]
KEY = "sk-secret-of-the-whole-run"
pytestmark = pytest.mark.long


def sometimes_quoting_the_key(k: int, prompt: str) -> tuple[int, dict[str, str], bytes]:
    """A server that is faulty now and then, and puts the key it was given into its error."""
    if k % 4 == 1:
        return 500, {"retry-after-ms": "10"}, f'{{"error": "{KEY}"}}'.encode()
    return 200, {}, completion("It is fine.\nRating: [[8]]")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """Notebook 05 on one problem of each dimension, with the client's own log at its loudest."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("notebooks", "params"):
        shutil.copytree(PROJECT / name, folder / name)
    server = Server(sometimes_quoting_the_key)
    codal = {"data": "nano", "limit": 1, "judge": "judge", "second_judge": "answer_first:judge"}
    codal |= {"base_url": server.url, "max_new_tokens": 8, "price_input": 1.0, "spend_limit": 1.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.setenv("OPENAI_LOG", "debug")
        patch.setenv("CODEALIGN_PROJECT", str(folder))
        papermill.execute_notebook(
            folder / "notebooks/05_codal.ipynb", folder / "out.ipynb", {"codal": codal},
            cwd=folder, progress_bar=False, stdout_file=(folder / "stdout.txt").open("w"),
            stderr_file=(folder / "stderr.txt").open("w"),
        )  # fmt: skip
    yield folder, server
    server.http.shutdown()
    server.http.server_close()


def test_the_server_was_asked_with_the_key(run) -> None:
    assert run[1].keys == {f"Bearer {KEY}"}


def test_no_file_of_the_run_holds_the_key(run) -> None:
    files = [p for p in run[0].rglob("*") if p.is_file()]
    names = {p.name for p in files}
    assert {"out.ipynb", "stderr.txt", "ratings.jsonl", "spending.jsonl", "result.json"} <= names
    assert [p for p in files if KEY.encode() in p.read_bytes()] == []


def test_the_clients_log_was_on(run) -> None:
    said = (run[0] / "out.ipynb").read_text() + (run[0] / "stderr.txt").read_text()
    assert "_base_client:" in said and "DEBUG] request_id" in said


def test_both_orders_of_reference_and_answer_were_rated(run) -> None:
    for name, judge in (("ratings", "judge"), ("ratings_second", "answer_first:judge")):
        (file,) = run[0].rglob(f"{name}.jsonl")
        assert {r.judge for r in read_jsonl(file, Rating)} == {judge}


def test_the_notebook_says_what_judging_will_cost(run) -> None:
    assert "5 requests (0 more already paid), about" in (run[0] / "out.ipynb").read_text()
