"""How answers to yes/no questions begin, and what their likelihoods say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_YES, _NO = ("Yes", "Yes,"), ("No", "No,")
REPLIES = (*_YES, *_NO)
"""Both forms of each are tried: tokenizers may join the comma to the word."""


def yes_log_odds(likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds (…,) of yes against no, at most 60 either way.

    likelihoods: (…, 4), logarithms of the probabilities of beginning with each of `REPLIES`.
    """
    yes, no = likelihoods[..., : len(_YES)].max(axis=-1), likelihoods[..., len(_YES) :].max(axis=-1)
    return np.asarray(np.clip(yes - no, -60, 60))


def probability_of_yes(likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same as a probability, 0..1."""
    return np.asarray(1 / (1 + np.exp(-yes_log_odds(likelihoods))))
