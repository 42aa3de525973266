"""A real local server that speaks OpenAI's interface and misbehaves on demand."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Sent = tuple[int, dict[str, str], bytes]
Script = Callable[[int, str], Sent]
USAGE = {"prompt_tokens": 100, "completion_tokens": 20}


def completion(text: str | None, finish: str = "stop", **message: Any) -> bytes:
    """Return the body of a completion, chat or plain; it cost 100 tokens in and 20 out."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "text": text,
        "message": {"role": "assistant", "content": text, **message},
    }
    head = {"id": "c1", "object": "chat.completion", "created": 0, "model": "judge"}
    return json.dumps({**head, "choices": [choice], "usage": USAGE}).encode()


class Batches:
    """The Batch API: files uploaded, batches that `script(k, prompt)` answers line by line.

    A batch is in progress for its first look and then `status`; lines with a status other than 200
    go into the error file. `lost` lines, by number, appear in neither file; `torn` ones are cut.
    """

    def __init__(self, script: Script) -> None:
        self.script, self.status = script, "completed"
        self.files: dict[str, bytes] = {}
        self.made: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.lost: set[int] = set()
        self.torn: set[int] = set()

    def post(self, path: str, raw: bytes) -> Sent:
        if path.endswith("/files"):
            lines = [x for x in raw.splitlines(keepends=True) if x.startswith(b'{"custom_id"')]
            return self._say({"id": self._file(b"".join(lines)), "object": "file"})
        given = json.loads(raw)
        number = len(self.made)
        batch = {"id": f"batch_{number}", "object": "batch", "status": "in_progress", **given}
        self.made.append({**batch, "created_at": number})
        return self._say(self.made[-1])

    def get(self, path: str) -> Sent:
        name = path.split("?")[0].removeprefix("/v1/")
        if name.startswith("files/"):
            return 200, {}, self.files[name.split("/")[1]]
        if name == "batches":
            return self._say({"object": "list", "data": self.made[::-1], "has_more": False})
        batch = self.made[int(name.split("_")[1])]
        if batch["status"] == "in_progress":
            batch["status"] = self.status
            self._answer(batch)
        return self._say(batch)

    def _answer(self, batch: dict[str, Any]) -> None:
        good, bad = [], []
        for line in self.files[batch["input_file_id"]].splitlines():
            asked = json.loads(line)
            number, prompt = len(self.asked), asked["body"]["messages"][0]["content"]
            self.asked.append(prompt)
            status, _, body = self.script(number, prompt)
            response = {"status_code": status, "body": json.loads(body)}
            result = json.dumps({"custom_id": asked["custom_id"], "response": response})
            result = result[:40] if number in self.torn else result
            if number not in self.lost:
                (good if status == 200 else bad).append(result)
        for kind, lines in (("output", good), ("error", bad)):
            if lines:
                batch[f"{kind}_file_id"] = self._file("\n".join(lines).encode())

    def _file(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _say(self, data: dict[str, Any]) -> Sent:
        return 200, {}, json.dumps(data).encode()


class Server:
    """Answers request k (from 0) with `script(k, prompt)`: (status, headers, body).

    `prompts` are those received, `times` when, `busiest` the most requests under way at once.
    """

    def __init__(self, script: Script) -> None:
        self.script, self.lock = script, threading.Lock()
        self.prompts: list[str] = []
        self.times: list[float] = []
        self.keys: set[str] = set()
        self.bodies: list[dict[str, Any]] = []
        self.busy = self.busiest = 0
        self.batches = Batches(script)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/v1"

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.reply(*server.batches.get(self.path))

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                with server.lock:
                    server.keys.add(self.headers["Authorization"])
                if not self.path.endswith("/completions"):
                    self.reply(*server.batches.post(self.path, raw))
                    return
                body = json.loads(raw)
                prompt = body["prompt"] if "prompt" in body else body["messages"][0]["content"]
                with server.lock:
                    number = len(server.prompts)
                    server.prompts.append(prompt)
                    server.bodies.append(body)
                    server.times.append(time.monotonic())
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
                    if name != "Content-Length":
                        self.send_header(name, value)
                self.send_header("Content-Length", headers.get("Content-Length", str(len(body))))
                if "Content-Length" in headers:  # a body that is cut short ends the connection
                    self.close_connection = True
                with contextlib.suppress(ConnectionError):  # the client may have left
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
