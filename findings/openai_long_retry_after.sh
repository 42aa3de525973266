#!/usr/bin/env bash
# openai 3.54.0 (Python client): with `max_retries=8`, a 429 or 503 whose Retry-After is above 120
# seconds is sent once and not repeated, in whatever form the wait is given (seconds, decimals,
# `retry-after-ms`, HTTP date). The error that is raised is the ordinary RateLimitError or
# InternalServerError: nothing in it says that the retries were skipped. Seen: "121 s: 1 request",
# where a wait of 0.05 s gives 9 requests. A caller who counts on `max_retries` to sit out a limit,
# or who reports "failed after 9 tries", is wrong by eight.
# Exits 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openai==3.54.0 || exit 2
"$folder/venv/bin/python" - <<'PYTHON'
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

sent, answer = [], {}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        sent.append(1)
        self.send_response(answer["status"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(
    api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=8
)


def requests_for(status, headers):
    sent.clear()
    answer.update(status=status, headers=headers)
    try:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    except openai.APIStatusError as error:
        assert "121" not in str(error) and "retr" not in str(error).lower(), error
    return len(sent)


seen = {"short": requests_for(429, {"retry-after-ms": "50"})}
date = formatdate(time.time() + 200, usegmt=True)
for status in (429, 503):
    for headers in ({"Retry-After": "121"}, {"Retry-After": "120.5"},
                    {"retry-after-ms": "121000"}, {"Retry-After": date}):
        seen[f"{status} {headers}"] = requests_for(status, headers)
for name, count in seen.items():
    print(f"{name}: {count} requests")
assert seen.pop("short") == 9
assert set(seen.values()) == {1}, "openai now repeats a request after a long Retry-After"
PYTHON
