"""Exit 1 if the CUDA libraries must be installed: `needs_cuda.py auto|cpu|gpu`.

A CUDA build of torch names its libraries among its requirements and cannot be imported without
them, GPU or not; a CPU build names none.
"""

import sys
from importlib.metadata import requires


def needs_cuda(device: str) -> bool:
    if device in ("cpu", "gpu"):
        return device == "gpu"
    if device != "auto":
        sys.exit(f"DEVICE={device}: expected auto, cpu or gpu")
    return any(r.startswith(("nvidia-", "cuda-")) for r in requires("torch") or ())


if __name__ == "__main__":
    sys.exit(int(needs_cuda(sys.argv[1])))
