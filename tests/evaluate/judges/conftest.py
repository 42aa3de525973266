"""Judging servers, and answers to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from chat_server import Script, Server, completion

from codealign.records import DIMENSIONS, Answer


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Start servers, and put a key for them into the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    started: list[Server] = []

    def start(script: Script) -> Server:
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
