"""How much pairs labelled by hidden tests can teach: what a model answers most likely.

Greedy decoding gives the most likely answer. A pair whose instruction it gets right already holds a
slip of sampling as its rejected side; one that it gets wrong can teach, if any sample is right.
"""

from __future__ import annotations

from codealign.generate import Engine
from codealign.params import Generation
from nano.lab.measure import SAMPLED, answered

# The pipeline samples, and refuses to draw equal answers; at this temperature they nearly are.
GREEDY = Generation(temperature=0.01, max_new_tokens=256, batch_size=128)


def room(engine: Engine, chat: bool, count: int, n: int = 8, seed: int = 0) -> dict[str, int]:
    """Return counts of instructions: with a pair, and whether greedy decoding gets them right.

    Parameters as those of `measure.answered`.
    """
    greedy = {a.text: a.right[0] for a in answered(engine, chat, count, 2, GREEDY, seed)}
    samples = {a.text: a.right for a in answered(engine, chat, count, n, SAMPLED, seed)}
    both = samples.keys() & greedy.keys()
    paired = [text for text in both if 0 < sum(samples[text]) < n]
    wrong = [text for text in both if not greedy[text]]
    return {
        "instructions": len(both),
        "with a pair": len(paired),
        "of these right when greedy": sum(greedy[text] for text in paired),
        "wrong when greedy": len(wrong),
        "of these with a right sample": sum(any(samples[text]) for text in wrong),
    }
