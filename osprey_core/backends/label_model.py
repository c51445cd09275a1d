"""A model without a language model: it names regions by a CLIP and a vocabulary, and answers nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from osprey_core.analysis.clip_labels import GUESSES, named_region
from osprey_core.analysis.open_vocabulary import BACKGROUND, ClassScores, ClipView, OpenVocabulary, class_scores
from osprey_core.backends.text_stream import TextStream
from osprey_core.config import GenerationDefaults
from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import Abilities, NamedRegion
from osprey_core.regions.mentions import REGION_TAG
from osprey_core.vocabularies import Vocabulary, vocabulary_of


class LabelModel:
    """A `RegionModel` that says which class of a vocabulary a region is."""

    abilities = Abilities(
        questions=False, turns=False, max_regions=1, likelihood=False, confidence=True, features=False
    )
    generation_defaults = GenerationDefaults(temperature=0.0, max_new_tokens=32)
    is_embedded = False

    def __init__(self, name: str, clip: OpenVocabulary, vocabulary: Vocabulary) -> None:
        self.name = name
        self.clip = clip
        self.classes = clip.embed(vocabulary)
        self.background = clip.embed(vocabulary_of(BACKGROUND, "background"))

    @property
    def device(self) -> str:
        """Device of the weights."""
        return self.clip.device

    @property
    def dtype(self) -> str:
        """Precision of the weights."""
        return self.clip.dtype

    def open(self, image: Image.Image | np.ndarray) -> LabelView:
        """Encode a picture once. Raises InputError if it cannot be read."""
        return LabelView(self, self.clip.open(image))


class LabelView:
    """A picture opened by a `LabelModel`. Immutable, so threads may share it."""

    def __init__(self, model: LabelModel, clip: ClipView) -> None:
        self.model = model
        self.clip = clip

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self.clip.size_hw

    def ask(self, question: str, regions: Sequence[np.ndarray] = (), *arguments: Any, **settings: Any) -> str:
        """The blocking form of `stream`."""
        return "".join(self.stream(question, regions, *arguments, **settings))

    def stream(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
    ) -> TextStream:
        """The class of the region that the published category question asks for; earlier turns change nothing.

        Raises InputError for any other question, for none or several regions, and for masks that cannot be used.
        """
        settings = SamplingSettings(temperature, top_p, max_new_tokens, seed)
        region = regions[self._asked(question, len(regions), about)]
        scores = self._scores([region])
        return TextStream(lambda stream: iter((scores.best(0)[0][0],)), settings)

    def describe(
        self, regions: Iterable[np.ndarray] | None = None, style: str = "short", **settings: Any
    ) -> Iterator[tuple[int, str]]:
        """Place and class of every region, in one matrix product. Raises InputError unless style is "category"."""
        if style != "category":
            raise InputError("label_model.category_only", model=self.model.name)
        masks = list(regions or ())
        scores = self._scores(masks)
        return iter([(place, scores.best(place)[0][0]) for place in range(len(masks))])

    def name(self, mask: np.ndarray, guesses: int = GUESSES) -> NamedRegion:
        """The region's class with its probability, and the next ones."""
        return named_region(self._scores([mask]), 0, guesses)

    def _asked(self, question: str, count: int, about: Sequence[int] | None) -> int:
        """Place of the region that the question is about."""
        numbers = [int(number) for number in REGION_TAG.findall(question)]
        plain = " ".join(REGION_TAG.sub("<region1>", question).split())
        if plain != QUESTIONS["category"]:
            raise InputError("label_model.category_only", model=self.model.name)
        number = numbers[0] if numbers else (about or [1])[0]
        if not 1 <= number <= count:
            raise InputError("question.mentions_beyond", number=number, count=count)
        return number - 1

    def _scores(self, regions: Sequence[np.ndarray]) -> ClassScores:
        model = self.model
        return class_scores(self.clip.embed(regions), model.classes, model.clip.network.scale, model.background)
