"""A real browser driven by the DevTools protocol: load a page, press keys, read what it shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-pre-commit-input",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
NAMED = {"ArrowLeft": 37, "ArrowRight": 39, "Tab": 9, "Enter": 13}


class Chromium:
    """A browser with one page; its profile and downloads lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        if CHROMIUM is None:
            pytest.skip("no Chromium is installed")
        websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
        self.folder, self.number = folder, 0
        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stderr=subprocess.DEVNULL,
        )
        address = self._address(folder / "profile" / "DevToolsActivePort")
        self.socket = websocket.create_connection(address, timeout=30)
        self.call("Page.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def _address(self, note: Path) -> str:
        deadline = time.monotonic() + 60
        while not note.exists() or not note.read_text().strip():
            assert self.process.poll() is None and time.monotonic() < deadline, "no browser"
            time.sleep(0.05)
        url = f"http://127.0.0.1:{note.read_text().splitlines()[0]}/json"
        with urllib.request.urlopen(url, timeout=30) as reply:
            pages = [p for p in json.load(reply) if p["type"] == "page"]
        return pages[0]["webSocketDebuggerUrl"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the browser's answer to one command; its events are read past."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            found = json.loads(self.socket.recv())
            if found.get("id") == self.number:
                assert "error" not in found, found
                return found["result"]

    def open(self, url: str) -> None:
        """Load a page and wait until it is there."""
        self.call("Page.navigate", url=url)
        self._wait(f"document.readyState == 'complete' && location.href == {url!r}")

    def reload(self) -> None:
        """Load the page again, as a reader who comes back does."""
        self.run("window.old = true")
        self.call("Page.reload")
        self._wait("document.readyState == 'complete' && !window.old")

    def _wait(self, condition: str) -> None:
        while not self.run(condition):
            time.sleep(0.02)
        # A browser drops keys that come before a page's first picture.
        drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.call("Runtime.evaluate", expression=drawn, awaitPromise=True)

    def run(self, script: str) -> Any:
        """Return the value of a script's expression."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as a keyboard does."""
        for key in keys:
            code = NAMED.get(key) or ord(key.upper())
            event = {"key": key, "windowsVirtualKeyCode": code}
            text = {"text": key} if len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def downloaded(self, pattern: str) -> Path:
        """Return the file that a download has left."""
        deadline = time.monotonic() + 30
        while not (found := list(self.folder.glob(pattern))):
            assert time.monotonic() < deadline, "nothing was downloaded"
            time.sleep(0.05)
        return found[0]

    def close(self) -> None:
        """End the browser."""
        self.socket.close()
        self.process.kill()
        self.process.wait()
