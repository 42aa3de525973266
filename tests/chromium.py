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

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
WANTED = "no Chromium; on Debian: apt-get install --no-install-recommends chromium"
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
TIMEOUT_S = 180  # a broken browser, not a slow one: axe takes half a minute of a busy core
NAMED = {"ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, "Enter": 13}


class Chromium:
    """A browser with one page; its profile and downloads lie in `folder`.

    Attributes
    ----------
    requested : addresses that the page asked for since it was opened.
    complaints : errors and warnings that the browser had of it.
    """

    def __init__(self, folder: Path) -> None:
        if CHROMIUM is None:
            pytest.skip(WANTED)
        websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
        self.folder, self.number, self.scripts = folder, 0, True
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        address = self._address(folder / "profile" / "DevToolsActivePort")
        self.socket = websocket.create_connection(address, timeout=TIMEOUT_S)
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def _address(self, note: Path) -> str:
        deadline = time.monotonic() + 60
        while not note.exists() or not note.read_text().strip():
            assert self.process.poll() is None and time.monotonic() < deadline, "no browser"
            time.sleep(0.05)
        url = f"http://127.0.0.1:{note.read_text().splitlines()[0]}/json"
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply:
            pages = [p for p in json.load(reply) if p["type"] == "page"]
        return pages[0]["webSocketDebuggerUrl"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the browser's answer to one command; events that come before it are heard."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            found = json.loads(self.socket.recv())
            if found.get("id") == self.number:
                assert "error" not in found, found
                return found["result"]
            if "method" in found:
                self._hear(found["method"], found["params"])

    def _hear(self, event: str, told: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])
        elif event == "Network.loadingFailed":
            self.complaints.append(f"not loaded: {told['errorText']}")
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("warning", "error"):
            self.complaints.append(told["entry"]["text"])
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("warning", "error", "assert"):
            self.complaints.append(json.dumps(told["args"]))
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))

    def show(self, width: int, dark: bool = False, medium: str = "screen") -> None:
        """Show pages `width` pixels wide, on a light or dark system, or as they are printed."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=medium, features=[scheme])

    def use_scripts(self, on: bool) -> None:
        """Let pages run their scripts, or not."""
        self.scripts = on
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def open(self, url: str) -> None:
        """Load a page and wait until it is there."""
        self.requested.clear()
        self.complaints.clear()
        self.call("Page.navigate", url=url)
        place = url.partition("#")[0]  # a page may write what follows into its address
        here = f"location.href.split('#')[0] == {place!r}"
        self._wait(f"document.readyState == 'complete' && {here}")

    def reload(self) -> None:
        """Load the page again, as a reader who comes back does."""
        self.run("window.old = true")
        self.call("Page.reload")
        self._wait("document.readyState == 'complete' && !window.old")

    def wait(self, condition: str) -> None:
        """Wait until a script's condition holds."""
        deadline = time.monotonic() + TIMEOUT_S
        while not self.run(f"!!({condition})"):
            assert time.monotonic() < deadline, condition
            time.sleep(0.02)

    def _wait(self, condition: str) -> None:
        while not self.run(condition):
            time.sleep(0.02)
        if not self.scripts:
            return
        # A browser drops keys that come before a page's first picture.
        drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.run(drawn)

    def run(self, script: str) -> Any:
        """Return the value of a script's expression; a promise is waited for."""
        how = {"returnByValue": True, "awaitPromise": True}
        found = self.call("Runtime.evaluate", expression=script, **how)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as a keyboard does."""
        for key in keys:
            code = NAMED.get(key) or ord(key.upper())
            event = {"key": key, "windowsVirtualKeyCode": code}
            text = (
                {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
            )
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
