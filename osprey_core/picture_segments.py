"""The segments of one opened picture, and what of a name they show: how many things, and whether any.

See `counting` for how segments and the language model's own answer are weighed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osprey_core.config import CountingConfig
from osprey_core.counting import (
    MOST_WEIGHED,
    counted,
    is_likely_there,
    is_thing,
    likely_number,
    told_number,
    told_presence,
    whether,
)
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.whole_picture import AskedThing, without_region
from osprey_core.language.wording import is_uncounted, plural, with_article
from osprey_core.language.yes_or_no import REPLIES, probability_of_yes, yes_log_odds
from osprey_core.region_model import NamedRegion
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask

SEGMENTS_AT_ONCE = 8
"""That are read together; between them a question can be stopped."""


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
    ) -> str | None:
        """One sentence that answers a question about the number or the presence of things; "" if it was stopped.

        None where no segment was found: then the language model alone has something to say.

        Args:
            question: that `asked` was read from, for the language model's own answer.
        """
        found = self.found(should_stop)
        if found is None:
            return ""
        segments = found[: config.most_segments]
        if not segments:
            return None
        if not asked.noun:
            return _tell_things(reader, segments, should_stop)
        named = _named(reader, asked.noun, segments, should_stop)
        if named is None:
            return ""
        told = told_number if asked.wants_number else told_presence
        if not _is_there(reader, asked.noun, segments, named, config):
            return told(asked.noun, 0)
        wanted = np.flatnonzero(named >= config.least_named)
        number = counted([segments[place].mask() for place in wanted], named[wanted].tolist())
        answers = [told_number(asked.noun, possible) for possible in range(MOST_WEIGHED + 1)]
        how_many = without_region(question) if asked.wants_number else f"How many {plural(asked.noun)} are there?"
        own = reader.picture_likelihoods(how_many, answers, True)
        return told(asked.noun, likely_number(number, own, config))


def _named(
    reader: Reader, noun: str, segments: Sequence[CodedMask], should_stop: Callable[[], bool]
) -> NDArray[np.float64] | None:
    """(Q,), the probability with which each segment is called so; None if it was stopped."""
    forms = [noun] if is_uncounted(noun) else [*dict.fromkeys((noun, plural(noun)))]
    named = np.zeros(len(segments))
    for start in range(0, len(segments), SEGMENTS_AT_ONCE):
        if should_stop():
            return None
        batch = slice(start, start + SEGMENTS_AT_ONCE)
        masks = [coded.mask() for coded in segments[batch]]
        named[batch] = np.exp(reader.region_likelihoods(QUESTIONS["category"], masks, forms, True)).max(axis=1)
    return named


def _tell_things(reader: Reader, segments: Sequence[CodedMask], should_stop: Callable[[], bool]) -> str:
    """How many things of any kind segments show."""
    things, scores = [], []
    for coded in segments:
        if should_stop():
            return ""
        mask = coded.mask()
        for guess in reader.name(mask).guesses[:1]:
            if is_thing(guess.name, guess.confidence, float(mask.mean())):
                things.append(mask)
                scores.append(guess.confidence)
    return told_number("thing", counted(things, scores))


def _is_there(
    reader: Reader, noun: str, segments: Sequence[CodedMask], named: NDArray[np.float64], config: CountingConfig
) -> bool:
    """Whether there is a thing of the name, by how likely segments are called so (Q,) and the model's own yes."""
    agreed = 0.0
    if config.agreed_weight:
        is_one = f"Is <region1> {noun if is_uncounted(noun) else with_article(noun)}?"
        (replies,) = reader.region_likelihoods(is_one, [segments[int(named.argmax())].mask()], REPLIES, False)
        agreed = float(probability_of_yes(replies))
    replies = reader.picture_likelihoods(whether(noun), REPLIES, False)
    return is_likely_there(float(named.max()), agreed, float(yes_log_odds(replies)), config)
