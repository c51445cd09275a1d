"""How likely the tokens of an answer were, as the model gave them before temperature and top-p."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the page knows these values without loading torch
    import torch

MOST_ALTERNATIVES = 20
"""Alternatives that can be asked for at each token."""


class TokenLikelihood(NamedTuple):
    """One token of an answer."""

    token: int
    logprob: float
    """Natural logarithm of its probability."""
    alternatives: tuple[tuple[int, float], ...]
    """The likeliest tokens at its place with theirs, best first, as many as were asked for."""


def token_likelihood(token: int, logits: torch.Tensor, alternatives: int) -> TokenLikelihood:
    """Of the chosen token and the likeliest ones, from the logits (V,) that it was chosen by."""
    logprobs = logits.float().log_softmax(dim=-1)
    best = logprobs.topk(min(alternatives, len(logprobs)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return TokenLikelihood(token, float(logprobs[token]), tuple(pairs))


class SpelledToken(NamedTuple):
    """As `TokenLikelihood`, in the bytes that the tokens stand for: possibly parts of a character."""

    spelling: bytes
    logprob: float
    alternatives: tuple[tuple[bytes, float], ...]


def spelled(likelihood: TokenLikelihood, spell: Callable[[int], bytes]) -> SpelledToken:
    """The likelihood with spelled tokens; the end, which has no spelling, as `</s>`."""
    alternatives = tuple((spell(token) or b"</s>", logprob) for token, logprob in likelihood.alternatives)
    return SpelledToken(spell(likelihood.token), likelihood.logprob, alternatives)
