"""Which pairs a training run uses, and which way round: the ablations of the data."""

from __future__ import annotations

from collections.abc import Iterable

from codealign.errors import CodealignError
from codealign.params import Training
from codealign.params.training import Preference
from codealign.records import Pair, seed_of


def used_pairs(pairs: Iterable[Pair], settings: Training, seed: int) -> list[Pair]:
    """Return the pairs that these settings train on, in their order.

    Parameters
    ----------
    settings : `pairs` keeps so many, drawn by their ids, so that a smaller draw lies within a
        larger one; `placebo` (alignment only) exchanges chosen and rejected of about half.
    seed : of both draws.

    Raises
    ------
    CodealignError
        There are fewer pairs than `settings.pairs`.
    """
    used = list(pairs)
    if settings.pairs > len(used):
        raise CodealignError(
            f"training: {settings.pairs} pairs wanted and {len(used)} there; lower `pairs`, or "
            "raise prefs.seeds"
        )
    if settings.pairs:
        drawn = sorted(used, key=lambda pair: seed_of("used", seed, pair.id))[: settings.pairs]
        kept = {pair.id for pair in drawn}
        used = [pair for pair in used if pair.id in kept]
    if isinstance(settings, Preference) and settings.placebo:
        heads = [seed_of("placebo", seed, pair.id) % 2 for pair in used]
        used = [p if stays else p.exchanged() for p, stays in zip(used, heads, strict=True)]
    return used
