"""Sandboxes under each mechanism that works here, and a host with something to lose."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import Host

from codealign.sandbox import Sandbox
from codealign.sandbox.probe import try_mechanism


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    folder = Path(tempfile.mkdtemp(prefix="codealign-test-"))
    secret = folder / "key"
    secret.write_text(Host.content)
    folder.chmod(0o777)
    secret.chmod(0o666)
    os.environ[Host.canary] = "BREACH of the environment"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Host(secret, listener)
    del os.environ[Host.canary]
    shutil.rmtree(folder)


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def mechanism(request: pytest.FixtureRequest) -> str:
    reason, _ = try_mechanism(request.param)
    if reason:
        pytest.skip(f"{request.param}: {reason}")
    return request.param


@pytest.fixture(scope="session")
def sandbox(mechanism: str) -> Iterator[Sandbox]:
    with Sandbox(mechanisms=(mechanism,)) as box:
        yield box


@pytest.fixture(scope="session")
def any_sandbox() -> Iterator[Sandbox]:
    """For tests that any mechanism serves."""
    with Sandbox(accept="basic") as box:
        yield box
