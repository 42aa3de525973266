"""What made an output: parameters, commit, versions, device and input hashes."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from codealign.paths import PROJECT

LIBRARIES = ("torch", "transformers", "trl", "peft", "unsloth", "datasets", "evalplus", "papermill")


@cache
def commit() -> str:
    """Return the commit of the source tree ("+changes" if it is dirty), or "unknown"."""
    try:
        run = lambda *a: subprocess.run(  # noqa: E731
            ["git", *a], cwd=PROJECT, capture_output=True, text=True, check=True
        ).stdout.strip()
        return run("rev-parse", "--short=12", "HEAD") + ("+changes" if run("status", "-s") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Return the installed version of each library a result depends on ("absent" if it is not)."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    return versions


def device() -> str:
    """Return the accelerator's name if torch is loaded and sees one, else the CPU's core count."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {os.cpu_count()} cores"


def file_hash(path: Path | str) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def header(**more: Any) -> dict[str, Any]:
    """Return the provenance shown at the top of a notebook; `more` adds to it (seed, sandbox)."""
    from codealign import __version__

    return {
        "codealign": __version__,
        "commit": commit(),
        "device": device(),
        "versions": versions(),
        **more,
    }
