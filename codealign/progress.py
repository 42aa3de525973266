"""Progress bars that also say how far they are to whoever started the process."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

NOTE = "CODEALIGN_PROGRESS"
"""Names the file in which a bar notes how far it is; of a job `jobs/<job>/progress.json`."""
EVERY_S = 1.0


class Bar(tqdm):
    """A tqdm bar that notes what it counts, how many of how many, and items a second."""

    noted = 0.0

    def display(self, *args: Any, **more: Any) -> Any:
        """Show the bar, and note it at most once in `EVERY_S`."""
        if os.environ.get(NOTE) and time.monotonic() - self.noted > EVERY_S:
            self.noted = time.monotonic()
            self._note(Path(os.environ[NOTE]))
        return super().display(*args, **more)

    def _note(self, path: Path) -> None:
        about = self.format_dict
        rate = about["rate"] or (self.n - self.initial) / max(about["elapsed"], 1e-9)
        note = {"what": (self.desc or "").rstrip(": "), "n": self.n, "total": self.total}
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk stops the work, not its bar
            partial.write_text(json.dumps({**note, "rate": rate}), encoding="utf-8")
            os.replace(partial, path)
