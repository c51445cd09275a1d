"""The protocol of whoever answers questions about regions: open a picture once, then ask.

`engine.Osprey` is one implementation; others need no tensors. What a model can do is in its `Abilities`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from PIL import Image

from osprey_core.config import GenerationDefaults
from osprey_core.language.prompts import Turn
from osprey_core.language.sampling import SamplingSettings

Style = Literal["short", "detailed", "category"]
"""The published questions that describe a region."""

LABELS = "labels"
"""A model that names regions by a CLIP alone: "labels" with COCO's vocabulary, "labels:lvis", or "labels:FILE"."""

STYLES: tuple[Style, ...] = get_args(Style)

RegionToken = Literal["mask", "pos"]
"""The two tokens of a region: "mask" says what is there, "pos" where."""


@dataclass(frozen=True)
class Abilities:
    """What a model can be asked for. By default everything that Osprey can."""

    questions: bool = True
    """Free questions; without it only the style "category"."""
    turns: bool = True
    """Questions that refer to earlier turns."""
    max_regions: int | None = None
    """Regions in one question; None for any number."""
    likelihood: bool = True
    """The likelihood of given answers (`View.read`)."""
    confidence: bool = True
    """Names with confidences (`View.name`)."""
    features: bool = True
    """Maps of feature similarity, and region tokens that can be switched off."""
    token_likelihoods: bool = False
    """How likely each token of an answer was (`top_logprobs` of `View.stream`)."""
    english_only: bool = False
    """Whether it can read no other language than English."""
    together: bool = True
    """Whether it describes many regions together; without it each is an answer of its own."""


def is_label_model(name: str) -> bool:
    """Whether this names a model that is a CLIP alone."""
    return name == LABELS or name.startswith(f"{LABELS}:")


def label_model_name(vocabulary: str) -> str:
    """The name of the model that is a CLIP alone, with the classes of this vocabulary or file."""
    return f"{LABELS}:{vocabulary}"


class Guess(NamedTuple):
    """One name for a region."""

    name: str
    probability: float
    """0..1, that the model answers exactly so."""
    confidence: float
    """0..1, how often a name of this probability is right, measured on things that were never trained on."""


class NamedRegion(NamedTuple):
    """A region's name and the next guesses, the likeliest first; none where the model had only long answers."""

    guesses: tuple[Guess, ...]
    unsure_below: float
    finer: str = ""
    """What kind of the first name's thing it perhaps is ("golden retriever" of a dog), where that is likely."""

    @property
    def is_unsure(self) -> bool:
        """Whether the name should be given as a question, with the next guesses beside it."""
        return not self.guesses or self.guesses[0].confidence < self.unsure_below

    def in_answer(self, answer: str) -> NamedRegion | None:
        """The same guesses with the one that an answer uses in front; None if it uses none of them.

        An answer uses a name if its words are in it, next to each other; of several names, the longest one counts.
        """
        words = _words(answer)
        used = [guess for guess in self.guesses if _holds(words, _words(guess.name))]
        if not used:
            return None
        first = max(used, key=lambda guess: len(_words(guess.name)))
        others = tuple(guess for guess in self.guesses if guess != first)
        finer = self.finer if first == self.guesses[0] else ""
        return self._replace(guesses=(first, *others), finer=finer)

    def measures(self) -> dict[str, Any]:
        """The entries of `io.record.AnswerMeasures` that hold the name, the next two guesses and their confidences."""
        values: dict[str, Any] = {"unsure_below": self.unsure_below, "finer_name": self.finer}
        if self.guesses:
            values |= {"first_guess": self.guesses[0].name, "confidence": self.guesses[0].confidence}
        for place, guess in zip(("second", "third"), self.guesses[1:], strict=False):
            values |= {f"{place}_guess": guess.name, f"{place}_confidence": guess.confidence}
        return values


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _holds(words: list[str], name: list[str]) -> bool:
    """Whether the words of a name follow each other somewhere among the words."""
    ends = range(len(name), len(words) + 1)
    return bool(name) and any(words[end - len(name) : end] == name for end in ends)


class AnswerPieces(Protocol):
    """An answer that is being written: iterate it for text, call `stop()` from any thread.

    `finish_reason` and the measures are final once the iteration has ended.
    """

    prompt_tokens: int
    trimmed_turns: int
    new_tokens: int
    settings: SamplingSettings | None

    @property
    def finish_reason(self) -> str | None:
        """ "eos", "stop_string", "length" or "stopped"; None while the answer is written."""
        ...

    @property
    def seconds_to_first_token(self) -> float:
        """From the start of the iteration to the first piece; 0 while there is none."""
        ...

    @property
    def tokens_per_second(self) -> float:
        """Rate after the first piece."""
        ...

    def __iter__(self) -> Iterator[str]: ...

    def stop(self) -> None:
        """End the answer soon. The text so far stays."""
        ...


class RegionView(Protocol):
    """A picture opened by a model. Any number of people and threads may ask about it."""

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        ...

    def ask(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
    ) -> str:
        """Answer a question about regions, see `View.stream`. Raises InputError for what the model cannot do."""
        ...

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
    ) -> AnswerPieces:
        """As `ask`, piece by piece."""
        ...

    def describe(
        self,
        regions: Iterable[np.ndarray] | None = None,
        style: str = "short",
        *,
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Iterator[tuple[int, str]]:
        """Place (from 0) and description of each region, as each is complete."""
        ...


class RegionModel(Protocol):
    """A model that answers questions about regions of pictures."""

    @property
    def name(self) -> str:
        """What the person called it."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What it can be asked for."""
        ...

    @property
    def generation_defaults(self) -> GenerationDefaults:
        """Its own sampling settings."""
        ...

    def open(self, image: Image.Image | np.ndarray) -> Any:
        """Open a picture, which may be slow. Returns a `RegionView`. Raises InputError if it cannot be read."""
        ...
