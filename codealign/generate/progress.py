"""Progress of a generation: completions done, rate, tokens per second, time left."""

from __future__ import annotations

from typing import Any

from codealign.generate import Completion
from codealign.progress import Bar


class Progress(Bar):
    """A progress bar on standard error that counts completions, and shows tokens per second.

    Parameters
    ----------
    total, initial, desc : as for tqdm; `total` completions are wanted, `initial` were there before.
    """

    def __init__(self, total: int | None, desc: str, initial: int = 0, **more: Any) -> None:
        self.tokens = 0
        super().__init__(total=total, desc=desc, initial=initial, leave=False, **more)

    def took(self, completion: Completion) -> None:
        """Count one completion."""
        self.tokens += completion.tokens
        elapsed = max(self.format_dict["elapsed"], 1e-9)
        self.set_postfix_str(f"{self.tokens / elapsed:,.0f} tokens/s", refresh=False)
        self.update()
