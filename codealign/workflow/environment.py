"""Environment variables of a notebook job: quiet libraries, one thread, no telemetry."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from pathlib import Path

# Libraries that would otherwise report usage or probe the network.
NO_TELEMETRY = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "DO_NOT_TRACK": "1",
}
# Names the driver's process: its jobs on this machine end when it ends, however it ends.
DRIVER = "CODEALIGN_DRIVER"
# nano's matrix products are so small that a second thread costs more than it gives.
DEFAULTS = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


def job_environment(current: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to set: telemetry always off, the rest unless the user has set it."""
    return {**NO_TELEMETRY, **{k: v for k, v in DEFAULTS.items() if k not in current}}


def processor() -> str:
    """Return the processor's name as the system gives it, e.g. "Intel(R) Xeon(R) CPU"."""
    about = Path("/proc/cpuinfo")
    text = about.read_text(encoding="utf-8", errors="replace") if about.exists() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return named[1] if named else platform.processor() or platform.machine()
