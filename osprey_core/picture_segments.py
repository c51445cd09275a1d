"""The segments of one opened picture, and what of a name they show: how many things, and whether any.

See `counting` for how segments and the language model's own answer are weighed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osprey_core.config import CountingConfig
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

SEGMENTS_AT_ONCE = 8
"""That are read together; between them a question can be stopped."""

_REPLIES = (*YES, *NO)


@dataclass(frozen=True)
class Reader:
    """What an opened picture's model is asked for. Masks are bool (h, w) of any size, stretched over the picture."""

    name: Callable[[Mask], NamedRegion]
    region_likelihoods: Callable[[str, Sequence[Mask], Sequence[str], bool], NDArray[np.float64]]
    """As `View.answer_likelihoods`: question, masks, answers, whether they have to end so."""
    picture_likelihoods: Callable[[str, Sequence[str], bool], NDArray[np.float64]]
    """As `View.picture_likelihoods`."""


class PictureSegments:
    """What a segmenter finds in one picture, looked for when it is first asked for. Threads may share it."""

    def __init__(self, find: Callable[[], Sequence[Mask]]) -> None:
        """`find`: the segments bool (h, w) of a size of their own, stretched over the picture, the largest first."""
        self._find = find
        self._finding = threading.Lock()
        self._found: tuple[CodedMask, ...] | None = None

    def found(self, should_stop: Callable[[], bool]) -> tuple[CodedMask, ...] | None:
        """At most `MOST_SEGMENTS`, the largest first; None if it was stopped."""
        while not self._finding.acquire(timeout=0.1):  # somebody else's question about the same picture
            if should_stop():
                return None
        try:
            if should_stop():
                return None
            if self._found is None:
                self._found = tuple(CodedMask.of(mask) for mask in self._find()[:MOST_SEGMENTS])
            return self._found
        finally:
            self._finding.release()

    def tell(
        self,
        reader: Reader,
        question: str,
        asked: AskedThing,
        config: CountingConfig,
        should_stop: Callable[[], bool],
    ) -> str:
        """One sentence that answers a question about the number or the presence of things; "" if it was stopped.

        Args:
            question: that `asked` was read from, for the language model's own answer.
        """
        found = self.found(should_stop)
        if found is None:
            return ""
        regions = [coded.mask() for coded in found]
        if not asked.noun:
            names = []
            for region in regions:
                if should_stop():
                    return ""
                guess = reader.name(region).guesses[:1]
                names.append((guess[0].name, guess[0].confidence) if guess else ("", 0.0))
            return told_number("thing", counted_things(regions, names))
        forms = [*dict.fromkeys((asked.noun, plural(asked.noun)))]
        named = np.zeros(len(regions))
        for start in range(0, len(regions), SEGMENTS_AT_ONCE):
            if should_stop():
                return ""
            batch = slice(start, start + SEGMENTS_AT_ONCE)
            likelihoods = reader.region_likelihoods(QUESTIONS["category"], regions[batch], forms, True)
            named[batch] = np.exp(likelihoods).max(axis=1)
        number = counted(regions, named, config)
        if asked.wants_number:
            answers = [told_number(asked.noun, possible) for possible in range(MOST_WEIGHED + 1)]
            own = reader.picture_likelihoods(question, answers, True)
            return told_number(asked.noun, likely_number(number, own, config))
        agreed = 0.0
        if regions:
            is_one = f"Is <region1> {with_article(asked.noun)}?"
            (replies,) = reader.region_likelihoods(is_one, [regions[int(named.argmax())]], _REPLIES, False)
            agreed = 1 / (1 + math.exp(-_yes_against_no(replies)))
        own_log_odds = _yes_against_no(reader.picture_likelihoods(question, _REPLIES, False))
        is_there = is_likely_there(float(named.max(initial=0)), agreed, own_log_odds, config)
        return told_presence(asked.noun, max(number, 1) if is_there else 0)


def _yes_against_no(logarithms: NDArray[np.float64]) -> float:
    """Log odds of "yes", from the logarithms of the probabilities of `_REPLIES`; at most 60 either way."""
    yes, no = logarithms[: len(YES)].max(), logarithms[len(YES) :].max()
    return float(np.clip(yes - no, -60, 60))
