"""What a model would answer, and how probable each answer is: the likeliest first pieces, each finished greedily.

All guesses are read in one pass a step, laid one behind another, each seeing the prompt and itself alone. It knows
neither pictures nor what the probabilities are used for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from transformers import LlamaForCausalLM

from osprey_core.cache.prefix_attention import KeyValues
from osprey_core.language.prompt_pass import PromptPass


@dataclass(frozen=True)
class GuessedIds:
    """One answer as ids without its end, and the logarithm of the probability of exactly this answer."""

    ids: tuple[int, ...]
    log_probability: float


@torch.inference_mode()
def guess_answers(
    llm: LlamaForCausalLM,
    prefix: KeyValues,
    own: KeyValues,
    logits: torch.Tensor,
    eos_id: int,
    count: int,
    max_tokens: int,
    run: Callable[[Callable[[], torch.Tensor]], torch.Tensor] = lambda step: step(),
    reader: PromptPass | None = None,
) -> list[GuessedIds]:
    """Short answers to a prompt that was read, the likeliest first.

    Args:
        llm: a language model that has gone through `use_prefix_attention`.
        prefix, own, logits: as in `engine.ReadPrompt`: keys and values of the prompt, and (V,) of what comes next.
        count: first pieces that are followed; the answers are at most as many.
        max_tokens: answers that do not end within so many ids are left out.
        run: calls each of the language model's passes, where it has to be called.
        reader: of this model; None for a new one.
    """
    reader = PromptPass(llm) if reader is None else reader
    first = torch.log_softmax(logits.float(), -1)
    values, ids = first.topk(min(count, len(first)))
    open_guesses = [GuessedIds((int(i),), float(v)) for i, v in zip(ids, values, strict=True) if int(i) != eos_id]
    ended: list[GuessedIds] = []
    for _ in range(max_tokens):
        if not open_guesses:
            break
        beginnings = [guess.ids for guess in open_guesses]
        following = torch.log_softmax(run(partial(_next_logits, reader, prefix, own, beginnings)).float(), -1)
        values, ids = following.max(-1)
        grown = []
        for guess, value, token in zip(open_guesses, values.tolist(), ids.tolist(), strict=True):
            log_probability = guess.log_probability + value
            if token == eos_id:
                ended.append(GuessedIds(guess.ids, log_probability))
            else:
                grown.append(GuessedIds((*guess.ids, token), log_probability))
        open_guesses = grown
    return sorted(ended, key=lambda guess: -guess.log_probability)


@torch.inference_mode()
def likeliest_answers(
    reader: PromptPass,
    prefix: KeyValues,
    own: KeyValues,
    logits: torch.Tensor,
    eos_id: int,
    width: int,
    max_tokens: int,
    run: Callable[[Callable[[], torch.Tensor]], torch.Tensor] = lambda step: step(),
    should_stop: Callable[[], bool] = lambda: False,
) -> list[GuessedIds]:
    """The likeliest answers to a prompt that was read, found by a beam search; the likeliest first.

    Args:
        reader: of the model, which has gone through `use_prefix_attention`.
        prefix, own, logits, eos_id, run: as for `guess_answers`.
        width: beginnings that are followed, and answers at most.
        max_tokens: answers that do not end within so many ids are left out.
        should_stop: whether to end early, with what has been found.
    """
    begun, ended = [GuessedIds((), 0.0)], list[GuessedIds]()
    following = torch.log_softmax(logits.float(), -1)[None]
    for _ in range(max_tokens + 1):
        values, ids = following.topk(min(width, following.shape[-1]))
        grown = [
            GuessedIds((*one.ids, token), one.log_probability + value)
            for one, of_one, tokens in zip(begun, values.tolist(), ids.tolist(), strict=True)
            for value, token in zip(of_one, tokens, strict=True)
        ]
        ended += [GuessedIds(one.ids[:-1], one.log_probability) for one in grown if one.ids[-1] == eos_id]
        ended = sorted(ended, key=lambda one: -one.log_probability)[:width]
        begun = sorted((one for one in grown if one.ids[-1] != eos_id), key=lambda one: -one.log_probability)[:width]
        worst = ended[-1].log_probability if len(ended) == width else -math.inf
        begun = [one for one in begun if one.log_probability > worst]  # what goes on only becomes less likely
        if not begun or should_stop():
            break
        following = torch.log_softmax(
            run(partial(_next_logits, reader, prefix, own, [one.ids for one in begun])).float(), -1
        )
    return ended


def calibrated(probability: float, slope: float, offset: float) -> float:
    """A probability in [0, 1] brought to another scale: its log odds times `slope` plus `offset`."""
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    log_odds = slope * math.log(clipped / (1 - clipped)) + offset
    return 1 / (1 + math.exp(-min(max(log_odds, -60.0), 60.0)))  # beyond, the exponential overflows


def _next_logits(
    reader: PromptPass, prefix: KeyValues, own: KeyValues, answers: Sequence[tuple[int, ...]]
) -> torch.Tensor:
    """(B, V): what follows each of some beginnings, all behind the same prompt."""
    behind, device = own[0][0].shape[2], own[0][0].device
    owner = torch.tensor([place for place, ids in enumerate(answers) for _ in ids], device=device)
    steps = [place for ids in answers for place in range(len(ids))]
    step = torch.tensor(steps, device=device)
    seen = (owner[:, None] == owner) & (step[:, None] >= step)  # (T, T), query by key
    seen = torch.cat([seen.new_ones(len(owner), behind), seen], dim=1)  # (T, behind + T)
    first = prefix[0][0].shape[2] + behind
    last = torch.tensor([len(ids) for ids in answers]).cumsum(0) - 1
    return reader.logits_of(
        [token for ids in answers for token in ids], [first + place for place in steps], seen, prefix, own, last
    )
