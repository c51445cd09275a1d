"""How many things of a name a picture shows, and whether any, from its segments and what the language model reads.

A small language model names a region far better than it counts in a thousand image tokens. So the segments that it
calls so are counted, and its own answer about the whole picture is weighed in. Pure arithmetic: segments, names and
likelihoods come from a model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from osprey_core.config import CountingConfig
from osprey_core.language.wording import NUMBERS, is_plural, is_uncounted, plural, with_article
from osprey_core.regions.distinct import DistinctRegions
from osprey_core.regions.masks import Mask, area

MOST_WEIGHED = 10
"""The largest number for which the language model's own answer is asked; of more it has seen few."""

_SAME_THING = 0.3  # two segments that share more than this much of the smaller one show the same thing
_LARGEST = 0.6  # share of the picture; larger segments are what lies behind the things
_NEVER_NAMED = 1e-9
_LEAST_SURE = 0.5  # of a thing of any kind
_SMALLEST = 0.002  # share of the picture, of a thing of any kind

_BEHIND = frozenset({
    "background", "ceiling", "dirt", "door", "fence", "floor", "grass", "gravel", "hills", "mountain", "pavement",
    "road", "rock", "sand", "sea", "sky", "snow", "trees", "wall", "water", "window",
})  # fmt: skip
"""What lies behind the things of a picture."""


def counted(regions: Sequence[Mask], scores: Sequence[float]) -> int:
    """How many things segments show that are called by one name: those that share much count once.

    Args:
        regions: bool (H, W), segments that are called so.
        scores: (Q,), how surely each is, 0..1.
    """
    places = [place for place, region in enumerate(regions) if 0 < area(region) < _LARGEST * region.size]
    things = DistinctRegions([regions[place] for place in places], [scores[place] for place in places], _SAME_THING)
    return len(things.kept())


def likely_number(found: int, own: NDArray[np.float64], config: CountingConfig) -> int:
    """How many there are most likely, at least one, after `found` segments that show one each.

    Each thing has its segment or not, and further segments show none: the binomial and the geometric distribution.

    Args:
        own: (MOST_WEIGHED + 1,), logarithms of the probabilities of the language model's own answers 0, 1, …; that of 0
            does not count.
    """
    if found > MOST_WEIGHED:
        return found
    weighed = [
        config.own_answer * own[number] + math.log(probability(found, number, config)) for number in range(1, len(own))
    ]
    return 1 + int(np.argmax(weighed))


def probability(found: int, number: int, config: CountingConfig) -> float:
    """Of so many segments where there are so many things, 0..1."""
    return sum(
        math.comb(number, right) * config.found**right * (1 - config.found) ** (number - right)
        * (1 - config.further) * config.further ** (found - right)
        for right in range(min(number, found) + 1)
    )  # fmt: skip


def is_thing(name: str, confidence: float, share: float) -> bool:
    """Whether a segment is named a thing, and surely: not what lies behind the things ("sky").

    Args:
        share: of the picture that it covers, 0..1.
    """
    return confidence >= _LEAST_SURE and name not in _BEHIND and share >= _SMALLEST


def is_likely_there(named: float, agreed: float, own_log_odds: float, config: CountingConfig) -> bool:
    """Whether there is a thing of a name.

    Args:
        named: the largest probability with which a segment is called so, 0..1.
        agreed: of that segment, with which the model says yes to whether it is one, 0..1; 0 where there is no segment.
        own_log_odds: of the language model's own "yes" about the whole picture against its "no".
    """
    of_segments = config.named_weight * math.log(named + _NEVER_NAMED) + config.agreed_weight * agreed
    return of_segments + config.own_weight * own_log_odds + config.offset > 0


def told_number(noun: str, number: int) -> str:
    """ "There are two dogs in the picture." """
    if number == 1:
        return f"There is one {noun} in the picture."
    return f"There are {_in_words(number)} {plural(noun)} in the picture."


def told_presence(noun: str, number: int) -> str:
    """ "Yes, there is a dog.", or that there is none."""
    is_or_are = "are" if is_plural(noun) else "is"
    if number == 0:
        return f"No, there {is_or_are} no {noun} in the picture."
    if is_uncounted(noun):
        return f"Yes, there {is_or_are} {noun}."
    if number == 1:
        return f"Yes, there is {with_article(noun)}."
    return f"Yes, there are {_in_words(number)} {plural(noun)}."


def whether(noun: str) -> str:
    """ "Is there a dog in the picture?" """
    if is_uncounted(noun):
        return f"{'Are' if is_plural(noun) else 'Is'} there {noun} in the picture?"
    return f"Is there {with_article(noun)} in the picture?"


def _in_words(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else str(number)
