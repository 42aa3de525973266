"""Progress of a generation: completions done, rate, tokens a second, time left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tqdm import tqdm

from codealign.generate import Completion


def shown(
    completions: Iterable[Completion], total: int, label: str, done: int = 0
) -> Iterator[Completion]:
    """Yield the completions and keep a progress bar on standard error.

    Parameters
    ----------
    total : completions wanted in all; `done` of them were there before.
    label : stands before the bar.
    """
    tokens = 0
    with tqdm(total=total, initial=done, desc=label, leave=False) as bar:
        for completion in completions:
            tokens += completion.tokens
            elapsed = max(bar.format_dict["elapsed"], 1e-9)
            bar.set_postfix_str(f"{tokens / elapsed:,.0f} tokens/s", refresh=False)
            bar.update()
            yield completion
