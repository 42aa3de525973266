"""What libraries say on import that no reader can fix: kept off terminals and notebooks.

Each is known by its logger and its words, so that everything else these loggers say is still shown.
"""

from __future__ import annotations

import logging
import warnings

NOISE = {
    "torchao": ("Failed to load ",),  # its kernels for GPUs that this machine lacks
    "torch.utils._pytree": ("is an Enum subclass",),  # how torchao makes its types known to torch
    "matplotlib.font_manager": ("findfont: ", "Matplotlib is building the font cache"),
}
"""For each logger the beginnings or parts of messages that are left out."""
WARNINGS = ("IProgress not found",)  # tqdm in a notebook without widgets


def hush() -> None:
    """Leave these messages out from here on; called once where a command or a notebook begins."""
    for name in NOISE:
        logging.getLogger(name).addFilter(_is_news)
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message)


def _is_news(record: logging.LogRecord) -> bool:
    return not any(words in record.getMessage() for words in NOISE[record.name])
