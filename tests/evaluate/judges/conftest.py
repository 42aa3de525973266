"""A real local server that speaks the chat API and misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from codealign.records import DIMENSIONS, Answer


def completion(text: str | None, **message: Any) -> bytes:
    """Return the body of a chat completion."""
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text, **message},
    }
    head = {"id": "c1", "object": "chat.completion", "created": 0, "model": "judge"}
    return json.dumps({**head, "choices": [choice]}).encode()


class Server:
    """Answers request k (from 0) with `script(k, prompt)`: (status, headers, body).

    `prompts` are those received, `times` when, `busiest` the most requests under way at once.
    """

    def __init__(self, script: Callable[[int, str], tuple[int, dict[str, str], bytes]]) -> None:
        self.script, self.lock = script, threading.Lock()
        self.prompts: list[str] = []
        self.times: list[float] = []
        self.keys: set[str] = set()
        self.bodies: list[dict[str, Any]] = []
        self.busy = self.busiest = 0
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/v1"

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                prompt = body["messages"][0]["content"]
                with server.lock:
                    number = len(server.prompts)
                    server.prompts.append(prompt)
                    server.bodies.append(body)
                    server.times.append(time.monotonic())
                    server.keys.add(self.headers["Authorization"])
                    server.busy += 1
                    server.busiest = max(server.busiest, server.busy)
                try:
                    self.reply(*server.script(number, prompt))
                finally:
                    with server.lock:
                        server.busy -= 1

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Start servers, and put a key for them into the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    started: list[Server] = []

    def start(script: Callable[[int, str], tuple[int, dict[str, str], bytes]]) -> Server:
        started.append(Server(script))
        return started[-1]

    yield start
    for server in started:
        server.http.shutdown()
        server.http.server_close()


@pytest.fixture
def good() -> Callable[[str], tuple[int, dict[str, str], bytes]]:
    """Return what a healthy server sends: the given text in a chat completion."""
    return lambda text: (200, {}, completion(text))


@pytest.fixture
def answers() -> Callable[[int], list[Answer]]:
    """Return n distinct answers, the dimensions in turn."""

    def make(n: int) -> list[Answer]:
        return [
            Answer(f"p{i}", DIMENSIONS[i % 5], f"Task {i}.", "Be brief.", "ref", f"answer {i}")
            for i in range(n)
        ]

    return make
