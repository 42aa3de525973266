"""Generation with transformers in this process: one batched loop, fast on a CPU too."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from codealign.errors import CodealignError
from codealign.generate import Completing, Completion, cut_at_stop, windows
from codealign.generate.cache import (
    drop_rows,
    is_roomy,
    join_rows,
    position_bytes,
    repeat_rows,
    roomy_cache,
    trim_rows,
    use_grouped_attention,
)
from codealign.params import Generation
from codealign.text import answer_text, chat_prompt, decode, encode, end_tokens, special_stops

if TYPE_CHECKING:
    from numpy.random import Generator
    from transformers import DynamicCache

STOP_EVERY = 4  # steps between searches for stop strings; a late find only costs those steps
SHARED = 16  # tokens that prompts must have in common at their beginning to be read once for all
JOIN_SHARE = 1 / 4  # of a batch that is free before rows join: each time costs a step of its own
WINDOW = 16  # batches read ahead and sorted by length


class LocalEngine:
    """Completes prompts with a loaded model.

    Parameters
    ----------
    model, tokenizer : from `models.load(..., training=False)`.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        use_grouped_attention(model)
        self.context: int = model.config.max_position_embeddings
        self.ends = end_tokens(tokenizer, model.generation_config.eos_token_id)
        self.exact: bool = model.dtype == torch.float32  # else rounding is too coarse to make up
        self.weight_bytes = sum(w.numel() * w.element_size() for w in model.parameters())

    def chat(self, content: str) -> str:
        """Return the prompt text for one user message, in the model's chat format."""
        return chat_prompt(self.tokenizer, content)

    def complete(
        self, jobs: Iterable[Completing], settings: Generation, stop: Sequence[str]
    ) -> Iterator[Completion]:
        """Yield each completion when it ends; longest prompts first in each window."""
        for window in windows(jobs, WINDOW * settings.batch_size):
            yield from self._complete_window(window, settings, stop)

    def _complete_window(
        self, jobs: list[Completing], settings: Generation, stop: Sequence[str]
    ) -> Iterator[Completion]:
        ids = {job.prompt: encode(self.tokenizer, job.prompt) for job in jobs}
        if empty := [job.id for job in jobs if not ids[job.prompt]]:
            raise CodealignError(f"generate: empty prompt in request {empty[0]}")
        for job in jobs:
            if len(ids[job.prompt]) >= self.context:
                yield Completion(job.id, job.index, "", "overflow")
        rows = [_Row(job, ids[job.prompt]) for job in jobs if len(ids[job.prompt]) < self.context]
        # Prompts of like length pad little; the longest first, so that memory that does not suffice
        # shows at once. Id and index make the order one, whatever order the jobs came in.
        rows.sort(key=lambda row: (-len(row.prompt), row.job.id, row.job.index))
        batch = _Batch(self, settings, stop)
        for row in batch.run(rows):
            yield self._completion(row.job, row.written, batch.ends, stop)

    def _completion(
        self, job: Completing, tokens: list[int], ends: frozenset[int], stop: Sequence[str]
    ) -> Completion:
        ended = bool(tokens) and tokens[-1] in ends
        text = answer_text(self.tokenizer, job.prompt, tokens[:-1] if ended else tokens)
        cut = cut_at_stop(text, stop)
        finish = "stop" if ended or cut is not None else "length"
        return Completion(job.id, job.index, text if cut is None else cut, finish, len(tokens))


class _Row:
    """A completion on its way."""

    def __init__(self, job: Completing, prompt: list[int]) -> None:
        self.job, self.prompt = job, prompt
        self.written: list[int] = []  # an end token included
        (self.random,) = generators([job.seed])


class _Batch:
    """The rows that are written together; those that end make room for the next ones."""

    def __init__(self, engine: LocalEngine, settings: Generation, stop: Sequence[str]) -> None:
        self.engine, self.settings, self.stop = engine, settings, stop
        self.ends = engine.ends | special_stops(engine.tokenizer, stop)
        self.end_ids = torch.tensor(sorted(self.ends), device=engine.model.device)
        self.rows: list[_Row] = []
        self.read: _Read | None = None  # of no row nothing is kept
        self.last: list[int] = []  # the prompt of the row that joined last

    @torch.inference_mode()
    def run(self, rows: Iterable[_Row]) -> Iterator[_Row]:
        """Yield each row as it ends."""
        waiting, logits = deque(rows), None
        while waiting or self.rows:
            if self._has_room(waiting):
                count = min(self.settings.batch_size - len(self.rows), len(waiting))
                logits = self._join([waiting.popleft() for _ in range(count)], logits)
            tokens = self._choose(logits)
            for row, token in zip(self.rows, tokens.tolist(), strict=True):
                row.written.append(token)
            finished = self._finished(tokens)
            yield from (row for row, ended in zip(self.rows, finished, strict=True) if ended)
            tokens = self._drop(finished, tokens)
            if self.rows:
                logits = self._step(tokens)

    def _has_room(self, waiting: Sequence[_Row]) -> bool:
        """Tell whether the next rows should join now.

        A step reads the weights, whatever the number of rows, and the keys and values of every
        row, padding included. So rows join where the weights outweigh the padding that it costs,
        in large models and small batches; elsewhere when no row is left. What their prompts share
        with those before them, a whole batch would read once: they wait for one if to read it
        again is more than half of what the free places could write.
        """
        free = self.settings.batch_size - len(self.rows)
        if self.read is None:
            return True
        if not waiting or free < self.settings.batch_size * JOIN_SHARE:
            return False
        prompt = waiting[0].prompt
        again = len(os.path.commonprefix([self.last, prompt]))
        if not is_roomy(self.read.cache) or 2 * again > free * self.settings.max_new_tokens:
            return False
        # Longest prompts come first, so that no row needs padding for those that join.
        padding = min(free, len(waiting)) * (self.read.width - self.read.unused - len(prompt))
        return padding * position_bytes(self.read.cache) <= self.engine.weight_bytes

    def _join(self, rows: list[_Row], logits: Tensor | None) -> Tensor:
        """Read the prompts of new rows and set them behind the others; return all rows' logits."""
        prompts, steps = [row.prompt for row in rows], self.settings.max_new_tokens
        if self.read is not None:
            self.read.trim()  # before there is anything of the new ones: no memory for both
        read, new = read_prompts(self.engine, prompts, steps)
        if self.read is not None:
            read.join(self.read, steps)
            new = torch.cat([new, logits])
        self.read, self.rows, self.last = read, rows + self.rows, rows[-1].prompt
        return new

    def _choose(self, logits: Tensor) -> Tensor:
        """Choose a token per row; what rounding could decide, from the row computed alone."""
        how = self.settings.temperature, self.settings.top_p
        random = [row.random for row in self.rows]
        noise = gumbel(random, logits.shape[1]) if self.settings.temperature else None
        tokens, doubtful = pick(logits, noise, *how)
        # Batch and padding change the last bits of the logits. The same noise on logits that no
        # neighbour touched gives one token in every batch; half precision is too coarse for it.
        for place in doubtful.nonzero().squeeze(1).tolist() if self.engine.exact else ():
            own = None if noise is None else noise[place, None]
            tokens[place] = pick(self._alone(self.rows[place]), own, *how).tokens[0]
        return tokens

    def _alone(self, row: _Row) -> Tensor:
        """Return the logits [1, vocabulary] of a row's next token, without batch and padding."""
        model = self.engine.model
        ids = torch.tensor([[*row.prompt, *row.written]], device=model.device)
        return model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1]

    def _finished(self, tokens: Tensor) -> list[bool]:
        """Say of each row whether it is at an end token or limit, or behind a stop string."""
        # The token just chosen goes to position + 1; another one must have a place behind it.
        full = self.read.position + 2 >= self.engine.context
        ended = (torch.isin(tokens, self.end_ids) | full).tolist()
        return [
            end or len(row.written) == self.settings.max_new_tokens or self._has_stop(row)
            for row, end in zip(self.rows, ended, strict=True)
        ]

    def _has_stop(self, row: _Row) -> bool:
        """Tell whether a stop string ends among the last tokens (each is at least one byte)."""
        if not self.stop or len(row.written) % STOP_EVERY:  # decoding costs more than a late end
            return False
        reach = STOP_EVERY + max(len(s.encode()) for s in self.stop)
        tail = decode(self.engine.tokenizer, row.written[-reach:])
        return any(s in tail for s in self.stop)

    def _drop(self, finished: list[bool], tokens: Tensor) -> Tensor:
        """Drop finished rows; return the tokens of the others."""
        if not any(finished):
            return tokens
        if all(finished):  # an empty batch has no cache to cut
            self.rows, self.read = [], None
            return tokens[:0]
        keep = self.read.drop(torch.tensor(finished, device=tokens.device))
        self.rows = [self.rows[i] for i in keep.tolist()]
        return tokens[keep]

    def _step(self, tokens: Tensor) -> Tensor:
        """Read each row's last token; return the logits of its next one [rows, vocabulary]."""
        self.read.width += 1
        self.read.position = self.read.position + 1
        return self.read.forward(self.engine.model, tokens[:, None], self.read.position[:, None])


@dataclass
class _Read:
    """What a model has read of some rows.

    Parameters
    ----------
    cache : keys and values of `width` columns, the same for all rows.
    mask : [rows, width and the steps to come], 1 where a row's token is or will be.
    position : of each row's last token [rows].
    unused : columns at the beginning that no row has a token in; rows that are dropped leave them.
    """

    cache: DynamicCache
    mask: Tensor
    width: int
    position: Tensor
    unused: int = 0

    def forward(self, model: Any, ids: Tensor, positions: Tensor) -> Tensor:
        """Read `ids` [rows, new] into the last columns; return the next token's logits."""
        return model(
            input_ids=ids,
            attention_mask=self.mask[:, : self.width],
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]

    def drop(self, finished: Tensor) -> Tensor:
        """Drop the rows where `finished` [rows] is set; return the order of those kept."""
        keep = drop_rows(self.cache, finished)
        self.mask, self.position = self.mask[keep], self.position[keep]
        self.unused = int(self.mask.any(0).nonzero()[0])
        return keep

    def trim(self) -> None:
        """Give up the memory of dropped rows and of columns that no row has a token in."""
        trim_rows(self.cache, self.unused)
        self.mask, self.width = self.mask[:, self.unused :], self.width - self.unused
        self.unused = 0

    def join(self, others: _Read, steps: int) -> None:
        """Take in other rows behind these; all then end in one column, `steps` more may follow.

        The others' cache is empty afterwards: two whole ones would not fit.
        """
        join_rows(self.cache, others.cache)
        masks = self.mask[:, : self.width], others.mask[:, : others.width]
        self.width = max(mask.shape[1] for mask in masks)
        padded = [pad(mask, (self.width - mask.shape[1], 0), value=0) for mask in masks]
        self.mask = pad(torch.cat(padded), (0, steps), value=1)
        self.position = torch.cat([self.position, others.position])


def read_prompts(engine: LocalEngine, prompts: list[list[int]], steps: int) -> tuple[_Read, Tensor]:
    """Read the prompts; return what was read, and the logits of every row's next token.

    What all begin with is read once, then the rest of each distinct prompt once, left-padded.
    """
    # n samples of a prompt stand together: it is read once and its cache is repeated.
    device = engine.model.device
    distinct = list(dict.fromkeys(map(tuple, prompts)))
    which = torch.tensor([distinct.index(tuple(p)) for p in prompts], device=device)
    cache = roomy_cache(engine.model.config)
    shared = shared_length(distinct) if is_roomy(cache) else 0
    longest = max(map(len, distinct))
    pad = engine.tokenizer.pad_token_id
    pad = min(engine.ends, default=0) if pad is None else pad
    ids = torch.full((len(distinct), longest), pad, dtype=torch.long)
    mask = torch.ones(len(distinct), longest + steps, dtype=torch.long)
    # Padded between the shared beginning and the rest: all rows then end in one column.
    for row, prompt in enumerate(distinct):
        rest = longest - len(prompt) + shared
        ids[row, :shared] = torch.tensor(prompt[:shared])
        ids[row, rest:] = torch.tensor(prompt[shared:])
        mask[row, shared:rest] = 0
    ids, mask = ids.to(device), mask.to(device)
    positions = (mask[:, :longest].cumsum(1) - 1).clamp(min=0)
    read = _Read(cache, mask[:1], shared, positions[:1, -1])
    if shared:
        read.forward(engine.model, ids[:1, :shared], positions[:1, :shared])
        repeat_rows(cache, torch.zeros_like(ids[:, 0]))
    read = _Read(cache, mask, longest, positions[:, -1])
    logits = read.forward(engine.model, ids[:, shared:], positions[:, shared:])
    repeat_rows(cache, which)
    return _Read(cache, mask[which], longest, read.position[which]), logits[which]


def shared_length(prompts: Sequence[tuple[int, ...]]) -> int:
    """Return how many tokens all prompts begin with, if reading them once pays, else 0.

    Of each prompt at least one token is left to be read by itself.
    """
    shared = min(len(os.path.commonprefix(prompts)), min(map(len, prompts)) - 1)
    return shared if len(prompts) > 1 and shared >= SHARED else 0


# Choosing the next token: greedy, or by the Gumbel-max trick.

# Measured in float32, another batch and padding (benchmarks/generation_speed.py): logits differ by
# up to 3e-5 on nano, sums of probabilities by up to 5e-6.
LOGIT_SLACK = 1e-3
SLACK = 5e-5


def generators(seeds: Sequence[int]) -> list[Generator]:
    """Return a source of random numbers for each row, which depends on its seed alone."""
    import numpy as np

    return [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]


def gumbel(rows: Sequence[Generator], vocabulary: int) -> Tensor:
    """Draw standard Gumbel numbers, float64 [rows, vocabulary], the next ones of each row."""
    import numpy as np

    exponential = np.empty((len(rows), vocabulary))
    for row, out in zip(rows, exponential, strict=True):
        row.standard_exponential(out=out)
    return torch.from_numpy(exponential).log_().neg_()  # -ln of an exponential number is Gumbel


class Pick(NamedTuple):
    """Token ids [rows], and whether rounding could have given another one [rows]."""

    tokens: Tensor
    doubtful: Tensor


def pick(logits: Tensor, noise: Tensor | None, temperature: float, top_p: float) -> Pick:
    """Choose one token per row.

    Parameters
    ----------
    logits : [rows, vocabulary].
    noise : Gumbel numbers [rows, vocabulary]; None when greedy.
    temperature : unused when greedy, which takes the most likely token (the first of equals).
    top_p : below 1, only the nucleus is drawn from (Holtzman et al. 2020).

    Returns
    -------
    The token of the largest logit / temperature + noise, which is a draw from the softmax of
    logits / temperature (Maddison et al. 2014). Doubtful where logits that differ by the rounding
    of another batch (`LOGIT_SLACK`, and `SLACK` at the nucleus' border) might have given another.
    The inverse of the cumulative distribution would need one number per row instead of one per
    token, but the rounding of a sum of probabilities outweighs whole tokens of the tail: with a
    vocabulary of 49,152 nearly one draw in a hundred was doubtful (benchmarks/README.md).
    """
    if noise is None:
        near = logits >= logits.max(-1, keepdim=True).values - LOGIT_SLACK
        return Pick(logits.argmax(-1), near.sum(-1) > 1)
    scores = logits.double() / temperature
    doubtful = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    if top_p < 1:
        kept, doubtful = nucleus(scores.softmax(-1), top_p)
        scores = scores.masked_fill(kept == 0, -torch.inf)
    values, tokens = (scores + noise.to(scores.device)).topk(2, dim=-1)
    return Pick(tokens[:, 0], doubtful | (values.diff(dim=-1)[:, 0] > -LOGIT_SLACK / temperature))


def nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """Zero all but the fewest most likely tokens that hold `top_p` together (not renormalised).

    Also returns the rows in which rounding could change which tokens these are: [rows].
    """
    ordered, order = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered  # so the token that crosses the border is kept
    kept = ordered.masked_fill(before >= top_p, 0)
    doubtful = ((before - top_p).abs() < SLACK).logical_and(ordered > SLACK).any(-1)
    count = (kept > 0).sum(-1, keepdim=True).clamp(max=ordered.shape[-1] - 1)
    # Rounding decides, too, between nearly equal tokens on either side of the border.
    last, following = ordered.gather(-1, count - 1), ordered.gather(-1, count)
    tied = (last > SLACK) & (last - following < LOGIT_SLACK * last)
    return kept.new_zeros(kept.shape).scatter(-1, order, kept), doubtful | tied.squeeze(-1)
