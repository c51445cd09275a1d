"""The segments of one opened picture, and what of a name they show: how many things, and whether any.

See `counting` for how segments and the language model's own answer are weighed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from osprey_core.counting import (
    MOST_SEGMENTS,
    MOST_WEIGHED,
    counted,
    counted_things,
    is_likely_there,
    likely_number,
    told_number,
    told_presence,
)
from osprey_core.language.prompts import NO, QUESTIONS, YES
from osprey_core.language.whole_picture import AskedThing
from osprey_core.language.wording import plural, with_article
from osprey_core.region_model import NamedRegion
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask

_REPLIES = (*YES, *NO)


class Reader(Protocol):
    """What is asked of an opened picture; see `View`."""

    def name(self, mask: np.ndarray, question: str = ..., guesses: int = ...) -> NamedRegion: ...

    def answer_likelihoods(
        self, question: str, regions: Sequence[np.ndarray], answers: Sequence[str], whole: bool = ...
    ) -> NDArray[np.float64]: ...

    def picture_likelihoods(self, question: str, answers: Sequence[str], whole: bool = ...) -> NDArray[np.float64]: ...


class PictureSegments:
    """What a segmenter finds in one picture, looked for when it is first asked for. Threads may share it."""

    def __init__(self, find: Callable[[], Sequence[Mask]]) -> None:
        """`find`: the segments bool (H, W) of the picture's own size, the largest first."""
        self._find = find
        self._finding = threading.Lock()
        self._found: tuple[CodedMask, ...] | None = None

    def tell(self, view: Reader, question: str, asked: AskedThing, should_stop: Callable[[], bool]) -> str:
        """One sentence that answers a question about the number or the presence of things; "" if it was stopped.

        Args:
            question: that `asked` was read from, for the language model's own answer.
        """
        while not self._finding.acquire(timeout=0.1):  # somebody else's question about the same picture
            if should_stop():
                return ""
        try:
            if self._found is None:
                self._found = tuple(CodedMask.of(mask) for mask in self._find()[:MOST_SEGMENTS])
        finally:
            self._finding.release()
        regions = [coded.mask() for coded in self._found]
        if not asked.noun:
            names = []
            for region in regions:
                if should_stop():
                    return ""
                guess = view.name(region, QUESTIONS["category"], 1).guesses[:1]
                names.append((guess[0].name, guess[0].confidence) if guess else ("", 0.0))
            return told_number("thing", counted_things(regions, names))
        if should_stop():
            return ""
        forms = [*dict.fromkeys((asked.noun, plural(asked.noun)))]
        named = np.exp(view.answer_likelihoods(QUESTIONS["category"], regions, forms)).max(axis=1)  # (Q,)
        number = counted(regions, named)
        if asked.wants_number:
            answers = [told_number(asked.noun, possible) for possible in range(MOST_WEIGHED + 1)]
            return told_number(asked.noun, likely_number(number, view.picture_likelihoods(question, answers)))
        agreed = 0.0
        if regions:
            is_one = f"Is <region1> {with_article(asked.noun)}?"
            best = regions[int(named.argmax())]
            agreed = 1 / (
                1 + math.exp(-_yes_against_no(view.answer_likelihoods(is_one, [best], _REPLIES, whole=False)[0]))
            )
        own_log_odds = _yes_against_no(view.picture_likelihoods(question, _REPLIES, whole=False))
        is_there = is_likely_there(float(named.max(initial=0)), agreed, own_log_odds)
        return told_presence(asked.noun, max(number, 1) if is_there else 0)


def _yes_against_no(logarithms: NDArray[np.float64]) -> float:
    """Log odds of "yes", from the logarithms of the probabilities of `_REPLIES`; at most 60 either way."""
    yes, no = logarithms[: len(YES)].max(), logarithms[len(YES) :].max()
    return float(np.clip(yes - no, -60, 60))
