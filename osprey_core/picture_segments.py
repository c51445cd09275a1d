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

    @property
    def memory_bytes(self) -> int:
        """Bytes of what was found."""
        return sum(len(coded.counts) for coded in self._found or ())

    def found(self, should_stop: Callable[[], bool]) -> tuple[CodedMask, ...] | None:
        """All of them, the largest first; None if it was stopped."""
        while not self._finding.acquire(timeout=0.1):  # somebody else's question about the same picture
            if should_stop():
                return None
        try:
            if should_stop():
                return None
            if self._found is None:
                self._found = tuple(CodedMask.of(mask) for mask in self._find())
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
        regions = [coded.mask() for coded in found[: config.most_segments]]
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
        if asked.wants_number and not config.number_of_what_is_there:
            least = 0
        elif _is_there(reader, asked, regions, named, config):
            least = 1
        else:
            return (told_number if asked.wants_number else told_presence)(asked.noun, 0)
        if not asked.wants_number:
            return told_presence(asked.noun, max(number, 1))
        answers = [told_number(asked.noun, possible) for possible in range(MOST_WEIGHED + 1)]
        own = reader.picture_likelihoods(question, answers, True)
        return told_number(asked.noun, likely_number(number, own, config, least))


def _is_there(
    reader: Reader, asked: AskedThing, regions: Sequence[Mask], named: NDArray[np.float64], config: CountingConfig
) -> bool:
    """Whether there is a thing of the name, by how likely segments are called so (Q,) and the model's own yes."""
    one, best, agreed = with_article(asked.noun), float(named.max(initial=0)), 0.0
    if regions and config.agreed_weight:
        region = regions[int(named.argmax())]
        (replies,) = reader.region_likelihoods(f"Is <region1> {one}?", [region], _REPLIES, False)
        agreed = 1 / (1 + math.exp(-_yes_against_no(replies)))
    replies = reader.picture_likelihoods(f"Is there {one} in the picture?", _REPLIES, False)
    return is_likely_there(best, agreed, _yes_against_no(replies), config)


def _yes_against_no(logarithms: NDArray[np.float64]) -> float:
    """Log odds of "yes", from the logarithms of the probabilities of `_REPLIES`; at most 60 either way."""
    yes, no = logarithms[: len(YES)].max(), logarithms[len(YES) :].max()
    return float(np.clip(yes - no, -60, 60))
