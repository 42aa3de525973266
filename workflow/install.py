"""Install the pinned environment, for the interpreter that runs this: `install.py auto|cpu|gpu`.

uv does it in a fraction of pip's time (benchmarks/README.md), with pip's own configuration (index,
files, certificate, constraints) handed on; where uv is unavailable or fails, pip does it. The
argument is about the CUDA libraries. A CUDA build of torch names them among its requirements and
cannot be imported without them, GPU or not; a CPU build names none: `auto` looks. The rest of
torch's requirements, like everybody's, is in requirements.lock.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PIP = (sys.executable, "-m", "pip")
UV = "uv==0.13.9"
# pip's options, as `pip config list` names them, in uv's words.
OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
YES = ("y", "yes", "t", "true", "on", "1")


def settings(listing: str) -> dict[str, list[str]]:
    """Return pip's settings from what `pip config list` prints; one may have several values.

    What an environment variable says counts instead of what the files say.
    """
    found: dict[str, list[str]] = {}
    lines = re.findall(r"^(:env:|global|install)\.([\w-]+)=(.+)$", listing, re.MULTILINE)
    for _, name, value in sorted(lines, key=lambda line: line[0] == ":env:"):
        text = str(ast.literal_eval(value)).strip()
        found[name] = text.split() if name in OPTIONS else [text]
    return {name: values for name, values in found.items() if values and values[0]}


def uv_options(pip: dict[str, list[str]]) -> list[str]:
    """Return uv's options for pip's settings; as by pip, the newest of all indexes counts."""
    options = ["--index-strategy", "unsafe-best-match"]
    for name, option in OPTIONS.items():
        options += [text for value in pip.get(name, []) for text in (option, value)]
    return options + ["--no-index"] * (pip.get("no-index", [""])[0].lower() in YES)


def uv_environment(pip: dict[str, list[str]]) -> dict[str, str]:
    """Return the variables that uv has instead of options."""
    return {VARIABLES[name]: pip[name][0] for name in VARIABLES if name in pip}


def uv_command() -> tuple[list[str], dict[str, str]] | None:
    """Install uv and return its command for installing, and what the environment lacks for it."""
    if subprocess.run([*PIP, "install", "--quiet", "--no-deps", UV], check=False).returncode:
        return None
    listing = subprocess.run([*PIP, "config", "list"], check=True, capture_output=True, text=True)
    pip = settings(listing.stdout)
    command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, "--quiet"]
    return [*command, "--compile-bytecode", *uv_options(pip)], uv_environment(pip)


def install(what: str, *arguments: str, uv: tuple[list[str], dict[str, str]] | None) -> None:
    """Install without dependencies, by uv or else by pip, and say how long that took."""
    print(f"installing {what} ...", flush=True)
    started, tool = time.monotonic(), "uv"
    done = (
        uv is not None
        and not subprocess.run(
            [*uv[0], "--no-deps", *arguments], env={**uv[1], **os.environ}, check=False
        ).returncode
    )
    if not done:
        tool = "pip"
        print("without uv, by pip: minutes", flush=True)
        subprocess.run([*PIP, "install", "--quiet", "--no-deps", *arguments], check=True)
    print(f"installed {what} by {tool}, {time.monotonic() - started:.0f} s", flush=True)


def needs_cuda(device: str, requirements: Iterable[str]) -> bool:
    """Tell whether the CUDA libraries are wanted; `auto` asks torch's requirements."""
    if device in ("cpu", "gpu"):
        return device == "gpu"
    return any(r.startswith(("nvidia-", "cuda-")) for r in requirements)


def main(device: str) -> None:
    """Install everything."""
    if device not in ("auto", "cpu", "gpu"):
        sys.exit(f"DEVICE={device}: expected auto, cpu or gpu")
    uv = uv_command()
    pins = PROJECT / "requirements.lock"
    count = sum(not line.startswith("#") for line in pins.read_text().splitlines())
    install(f"{count} pinned packages", "-r", str(pins), uv=uv)
    if needs_cuda(device, requires("torch") or ()):
        cuda = PROJECT / "requirements-cuda.lock"
        install("the CUDA libraries", "-r", str(cuda), uv=uv)
    install("codealign", "--no-build-isolation", "--editable", str(PROJECT), uv=uv)


if __name__ == "__main__":
    main(sys.argv[1])
