"""Generation with transformers in this process: one batched loop, fast on a CPU too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from codealign.errors import CodealignError
from codealign.generate import Completing, Completion, cut_at_stop, windows
from codealign.generate.cache import (
    drop_rows,
    is_roomy,
    repeat_rows,
    roomy_cache,
    use_grouped_attention,
)
from codealign.params import Generation
from codealign.text import answer_text, chat_prompt, decode, encode, end_tokens, special_stops

if TYPE_CHECKING:
    from numpy.random import Generator

STOP_EVERY = 4  # steps between searches for stop strings; a late find only costs those steps
SHARED = 16  # tokens that prompts must have in common at their beginning to be read once for all
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
        fits = [job for job in jobs if len(ids[job.prompt]) < self.context]
        # Prompts of like length pad little; the longest first, so that memory that does not suffice
        # shows at once. Id and index make the order one, whatever order the jobs came in.
        fits.sort(key=lambda job: (-len(ids[job.prompt]), job.id, job.index))
        for start in range(0, len(fits), settings.batch_size):
            some = fits[start : start + settings.batch_size]
            batch = _Batch(self, [ids[job.prompt] for job in some], settings, stop)
            for row, tokens in batch.run([job.seed for job in some]):
                yield self._completion(some[row], tokens, batch.ends, stop)

    def _completion(
        self, job: Completing, tokens: list[int], ends: frozenset[int], stop: Sequence[str]
    ) -> Completion:
        ended = bool(tokens) and tokens[-1] in ends
        text = answer_text(self.tokenizer, job.prompt, tokens[:-1] if ended else tokens)
        cut = cut_at_stop(text, stop)
        finish = "stop" if ended or cut is not None else "length"
        return Completion(job.id, job.index, text if cut is None else cut, finish, len(tokens))


class _Batch:
    """The state of one batch; rows are numbered as given, `alive` holds those still written."""

    def __init__(
        self,
        engine: LocalEngine,
        prompts: list[list[int]],
        settings: Generation,
        stop: Sequence[str],
    ) -> None:
        self.engine, self.prompts, self.settings, self.stop = engine, prompts, settings, stop
        self.device = engine.model.device
        self.ends = engine.ends | special_stops(engine.tokenizer, stop)
        self.end_ids = torch.tensor(sorted(self.ends), device=self.device)
        self.alive = list(range(len(prompts)))
        self.written: list[list[int]] = [[] for _ in prompts]

    @torch.inference_mode()
    def run(self, seeds: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Yield each row, as it ends, with its new tokens (an end token included)."""
        self.random, left = generators(seeds), set(self.alive)
        steps = self.settings.max_new_tokens
        logits = self._read_prompts(steps)
        for step in range(steps):
            tokens = self._choose(logits)
            for row, token in zip(self.alive, tokens.tolist(), strict=True):
                self.written[row].append(token)
            tokens = self._drop_finished(tokens, step)
            if step + 1 == steps:
                self.alive = []
            for row in sorted(left.difference(self.alive)):
                yield row, self.written[row]
            left.intersection_update(self.alive)
            if not self.alive:
                return
            logits = self._step(tokens)

    def _choose(self, logits: torch.Tensor) -> torch.Tensor:
        """Choose a token per row; what rounding could decide, from the row computed alone."""
        how = self.settings.temperature, self.settings.top_p
        random = [self.random[row] for row in self.alive]
        noise = gumbel(random, logits.shape[1]) if self.settings.temperature else None
        tokens, doubtful = pick(logits, noise, *how)
        # Batch and padding change the last bits of the logits. The same noise on logits that no
        # neighbour touched gives one token in every batch; half precision is too coarse for it.
        for place in doubtful.nonzero().squeeze(1).tolist() if self.engine.exact else ():
            own = None if noise is None else noise[place, None]
            tokens[place] = pick(self._alone(self.alive[place]), own, *how).tokens[0]
        return tokens

    def _alone(self, row: int) -> torch.Tensor:
        """Return the logits [1, vocabulary] of a row's next token, without batch and padding."""
        ids = torch.tensor([[*self.prompts[row], *self.written[row]]], device=self.device)
        return self.engine.model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1]

    def _read_prompts(self, steps: int) -> torch.Tensor:
        """Read the prompts; return the logits of every row's next token.

        What all begin with is read once, then the rest of each distinct prompt once, left-padded.
        Sets the cache, `mask` [rows, prompt + steps] (1 where there is a token) and `position`.
        """
        # n samples of a prompt stand in one batch: it is read once and its cache is repeated.
        distinct = list(dict.fromkeys(map(tuple, self.prompts)))
        which = torch.tensor([distinct.index(tuple(p)) for p in self.prompts], device=self.device)
        self.cache = roomy_cache(self.engine.model.config)
        shared = shared_length(distinct) if is_roomy(self.cache) else 0
        longest = max(map(len, distinct))
        ids = torch.full((len(distinct), longest), _pad(self.engine), dtype=torch.long)
        mask = torch.ones(len(distinct), longest + steps, dtype=torch.long)
        # Padded between the shared beginning and the rest: all rows then end in one column.
        for row, prompt in enumerate(distinct):
            rest = longest - len(prompt) + shared
            ids[row, :shared] = torch.tensor(prompt[:shared])
            ids[row, rest:] = torch.tensor(prompt[shared:])
            mask[row, shared:rest] = 0
        ids, mask, self.width = ids.to(self.device), mask.to(self.device), longest
        positions = (mask[:, :longest].cumsum(1) - 1).clamp(min=0)
        if shared:
            self._forward(ids[:1, :shared], mask[:1, :shared], positions[:1, :shared])
            repeat_rows(self.cache, torch.zeros_like(ids[:, 0]))
        logits = self._forward(ids[:, shared:], mask[:, :longest], positions[:, shared:])
        repeat_rows(self.cache, which)
        self.mask, self.position = mask[which], positions[which, -1]
        return logits[which]

    def _step(self, tokens: torch.Tensor) -> torch.Tensor:
        self.width += 1
        self.position = self.position + 1
        return self._forward(tokens[:, None], self.mask[:, : self.width], self.position[:, None])

    def _forward(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        return self.engine.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]

    def _drop_finished(self, tokens: torch.Tensor, step: int) -> torch.Tensor:
        """Drop rows at an end token, at the end of the context or behind a stop string."""
        # The token just chosen goes to position + 1; another one must have a place behind it.
        finished = torch.isin(tokens, self.end_ids) | (self.position + 2 >= self.engine.context)
        if self.stop and step % STOP_EVERY == STOP_EVERY - 1:  # decoding costs more than a late end
            stopped = [self._has_stop(row) for row in self.alive]
            finished = finished | torch.tensor(stopped, device=self.device)
        if not finished.any():
            return tokens
        if finished.all():  # an empty batch has no cache to cut
            self.alive = []
            return tokens
        keep = drop_rows(self.cache, finished)
        self.alive = [self.alive[i] for i in keep.tolist()]
        self.mask, self.position = self.mask[keep], self.position[keep]
        return tokens[keep]

    def _has_stop(self, row: int) -> bool:
        """Tell whether a stop string ends among the last tokens (each is at least one byte)."""
        reach = STOP_EVERY + max(len(s.encode()) for s in self.stop)
        tail = decode(self.engine.tokenizer, self.written[row][-reach:])
        return any(s in tail for s in self.stop)


def shared_length(prompts: Sequence[tuple[int, ...]]) -> int:
    """Return how many tokens all prompts begin with, if reading them once pays, else 0.

    Of each prompt at least one token is left to be read by itself.
    """
    shared = min(len(os.path.commonprefix(prompts)), min(map(len, prompts)) - 1)
    return shared if len(prompts) > 1 and shared >= SHARED else 0


def _pad(engine: LocalEngine) -> int:
    pad = engine.tokenizer.pad_token_id
    return min(engine.ends, default=0) if pad is None else pad


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
