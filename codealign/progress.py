"""Progress bars that also say how far they are to whoever started the process.

In a notebook all bars of a cell share one output: a line that is written over, and that in the end
says what was done. Each bar on standard error would leave an output per refresh.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

NOTE = "CODEALIGN_PROGRESS"
"""Names the file in which a bar notes how far it is; of a job `jobs/<job>/progress.json`."""
EVERY_S = 1.0


class CellLine:
    """The one output that the bars of a notebook's cell share."""

    current: CellLine | None = None

    def __init__(self, cell: int) -> None:
        from IPython.display import display

        self.cell, self.started, self.done = cell, time.monotonic(), {}
        self.handle = display({"text/plain": "starts ..."}, raw=True, display_id=True)

    @classmethod
    def here(cls) -> CellLine | None:
        """Return the line of the cell that runs; None outside of a notebook."""
        module = sys.modules.get("IPython")
        shell = module.get_ipython() if module else None
        if shell is None or not hasattr(shell, "kernel"):
            return None
        if cls.current is None or cls.current.cell != shell.execution_count:
            cls.current = cls(shell.execution_count)
        return cls.current

    def show(self, text: str) -> None:
        """Write the line over."""
        self.handle.update({"text/plain": text}, raw=True)

    def close(self, what: str, n: int) -> None:
        """Add what a bar has counted to the line that stays."""
        self.done[what] = self.done.get(what, 0) + n
        counted = ", ".join(f"{n:,} {what}" for what, n in self.done.items())
        self.show(f"{counted}; {time.monotonic() - self.started:.0f} s")


class Bar(tqdm):
    """A tqdm bar that notes what it counts, how many of how many, and items per second."""

    noted, shown = 0.0, 0.0

    def display(self, *args: Any, **more: Any) -> Any:
        """Show the bar, and note it at most once in `EVERY_S`."""
        if os.environ.get(NOTE) and time.monotonic() - self.noted > EVERY_S:
            self.noted = time.monotonic()
            self._note(Path(os.environ[NOTE]))
        line = CellLine.here()
        if line is None:
            return super().display(*args, **more)
        if time.monotonic() - self.shown > EVERY_S:
            self.shown = time.monotonic()
            line.show(str(self))
        return True

    def close(self) -> None:
        """End the bar; in a notebook its count stays in the cell's line."""
        line = None if self.disable else CellLine.here()
        if line is None:
            return super().close()
        self.disable = True  # what tqdm would still write goes to standard error
        self._decr_instances(self)
        unit = "" if self.unit == "it" else f"{self.unit}s"
        line.close(unit or (self.desc or "items").rstrip(": "), self.n)
        return None

    def _note(self, path: Path) -> None:
        about = self.format_dict
        rate = about["rate"] or (self.n - self.initial) / max(about["elapsed"], 1e-9)
        note = {"what": (self.desc or "").rstrip(": "), "n": self.n, "total": self.total}
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk stops the work, not its bar
            partial.write_text(json.dumps({**note, "rate": rate}), encoding="utf-8")
            os.replace(partial, path)
