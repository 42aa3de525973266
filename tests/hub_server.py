"""A small local server that speaks as much of the Hugging Face hub as a push and a refusal need."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub(ThreadingHTTPServer):
    """Keeps what was committed in `files`; `made` holds the requests to make a repository."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.made: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Takes the token `good`; refuses every other, and reading the data set me/gated."""

    server: Hub

    def log_message(self, *args: Any) -> None:
        """Stay silent."""

    def answer(self, code: int, data: Any, **headers: str) -> None:
        body = json.dumps(data).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if "gated" in self.path:
            said = "Access to dataset me/gated is restricted. You must have access to it."
            self.answer(401, {"error": said}, X_Error_Code="GatedRepo", X_Error_Message=said)
        else:
            self.answer(404, {"error": "Not Found"}, X_Error_Code="RepoNotFound")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != "Bearer good":
            self.answer(401, {"error": "Invalid user token."})
        elif self.path == "/api/repos/create":
            self.server.made.append(json.loads(body))
            self.answer(200, {"url": f"{self.server.address}/datasets/me/pairs"})
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            modes = [{"path": f["path"], "uploadMode": "regular"} for f in files]
            self.answer(200, {"files": [{**m, "shouldIgnore": False} for m in modes]})
        elif "/commit/" in self.path:
            self.commit(body)
        else:  # the check of the data card's header
            self.answer(200, {"errors": [], "warnings": []})

    def commit(self, body: bytes) -> None:
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                content = base64.b64decode(entry["value"]["content"]).decode(errors="replace")
                self.server.files[entry["value"]["path"]] = content
        url = f"{self.server.address}/datasets/me/pairs/commit/abc"
        self.answer(200, {"success": True, "commitOid": "abc", "commitUrl": url})


@contextmanager
def running() -> Iterator[Hub]:
    """Yield a hub at work on a free port."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()
