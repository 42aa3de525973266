"""The server engine against a real local HTTP server that speaks the OpenAI interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from codealign.errors import CodealignError
from codealign.generate import Request, generate, open_engine
from codealign.generate.server import MAX_SEED, ServerEngine
from codealign.params import Generation
from codealign.records import seed_of

SETTINGS = Generation(temperature=0.7, top_p=0.9, max_new_tokens=11)
ITEMS = [Request("a", "first"), Request("b", "second")]


class Server(ThreadingHTTPServer):
    """Remembers requests; answers with the prompt, or with the statuses in `faults` first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[int] = []
        self.finish = "stop"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, body))
        status = self.server.faults.pop(0) if self.server.faults else 200
        reply = {"error": {"message": "no"}} if status != 200 else self.answer(body)
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "finish_reason": self.server.finish}
        if self.path.endswith("/chat/completions"):
            text = f"chat: {body['messages'][0]['content']}"
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = f"plain: {body['prompt']}"
        usage = {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}
        return {"id": "x", "object": "o", "created": 0, "model": "m", "choices": [choice],
                "usage": usage}  # fmt: skip

    def log_message(self, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    found = Server()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def ask(server: Server, variant: str = "pretrained", **more: Any) -> dict[str, Any]:
    engine = open_engine("openai", "m", variant, base_url=server.url)
    return {c.id: c for c in generate(ITEMS, engine, SETTINGS, **more)}


def test_a_pretrained_model_is_asked_to_complete(server: Server) -> None:
    answers = ask(server)
    assert {a.text for a in answers.values()} == {"plain: first", "plain: second"}
    assert {path for path, _ in server.seen} == {"/v1/completions"}


def test_a_finetuned_model_is_asked_in_chat(server: Server) -> None:
    assert ask(server, "finetuned")["a"].text == "chat: first"


def test_settings_and_stop_strings_are_passed_on(server: Server) -> None:
    ask(server, stop=["###"])
    body = server.seen[0][1]
    assert (body["model"], body["temperature"], body["top_p"]) == ("m", 0.7, 0.9)
    assert (body["max_tokens"], body["stop"]) == (11, ["###"])


def test_each_sample_is_sent_its_own_seed(server: Server) -> None:
    ask(server, n=2, seed=5)
    sent = {body["seed"] for _, body in server.seen}
    assert sent == {seed_of(5, i, k) & MAX_SEED for i in "ab" for k in range(2)}


def test_tokens_and_finish_are_the_servers(server: Server) -> None:
    server.finish = "length"
    assert {(a.tokens, a.finish) for a in ask(server).values()} == {(5, "length")}


def test_a_passing_fault_is_tried_again(server: Server) -> None:
    server.faults = [503, 429]
    assert len(ask(server)) == 2
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "key refused"), (404, "no model 'm'"), (400, "request . failed")],
)
def test_a_lasting_fault_ends_with_its_reason(server: Server, status: int, words: str) -> None:
    server.faults = [status] * 2
    with pytest.raises(CodealignError, match=words):
        ask(server)


def test_a_server_that_is_not_there_is_named(server: Server) -> None:
    engine = ServerEngine("m", base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(CodealignError, match="http://127.0.0.1:9/v1: no answer"):
        list(generate(ITEMS, engine, SETTINGS))


def test_the_public_service_needs_a_key(server: Server) -> None:
    with pytest.raises(CodealignError, match="set OPENAI_API_KEY, or base_url"):
        open_engine("openai", "gpt", "finetuned")
