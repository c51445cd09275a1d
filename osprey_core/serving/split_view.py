"""A picture whose questions are embedded in one place and answered in another: the `RegionView` of such models."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from osprey_core.errors import InputError
from osprey_core.language.embedded_question import EmbeddedQuestion
from osprey_core.language.generation import AnswerStream
from osprey_core.language.prompts import QUESTIONS, STOP_STRINGS, Turn
from osprey_core.language.tokens import TextTokenizer
from osprey_core.language.turn_order import asked_at, moment_asked
from osprey_core.region_model import STYLES, Abilities, RegionToken
from osprey_core.serving.pumped import pumped

REGIONS_TOGETHER = 16
"""Regions of one `describe` that are asked about at a time; the engine decodes them together."""

SPLIT_ABILITIES = Abilities(likelihood=False, confidence=False, features=False)
"""The likelihood of given answers, and what is computed from it, needs the language model's logits at hand."""


@dataclass(frozen=True, eq=False)
class AskedQuestion:
    """The arguments of `RegionView.stream`, as a value that can be sent to another process."""

    question: str
    regions: tuple[np.ndarray, ...] = ()
    history: tuple[Turn | tuple[str, str], ...] = ()
    about: tuple[int, ...] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """`max_new_tokens`, `temperature`, `top_p` and `seed`, as far as they were given."""
    without: tuple[RegionToken, ...] = ()
    said: tuple[int, ...] = ()
    """Ids with which the answer has begun."""

    def arguments(self) -> dict[str, Any]:
        """As arguments of `View.embed`."""
        told = {name: getattr(self, name) for name in ("question", "regions", "history", "about", "without", "said")}
        return {**told, **self.settings}


class SplitView(ABC):
    """Asks and describes; subclasses embed and decode. Threads may share it."""

    size_hw: tuple[int, int]
    """Height and width of the picture in pixels."""

    @property
    @abstractmethod
    def _tokenizer(self) -> TextTokenizer:
        """That of the model."""

    @abstractmethod
    def _embed(self, asked: AskedQuestion) -> EmbeddedQuestion:
        """The question as the language model reads it. Raises what `View.embed` raises."""

    @abstractmethod
    def _decode(
        self, asked: AskedQuestion, embedded: EmbeddedQuestion, should_stop: Callable[[], bool]
    ) -> Generator[int]:
        """Token ids of the answer, see `LanguageEngine.decode`."""

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
        without: Collection[RegionToken] = (),
    ) -> AnswerStream:
        """Answer a question about regions, piece by piece; arguments and errors are those of `View.stream`.

        The question is embedded when the first piece is asked for, so that it can be stopped meanwhile. Errors are
        raised there, and the stream knows `prompt_tokens`, `trimmed_turns` and `settings` from then on.
        """
        asked = AskedQuestion(
            question,
            tuple(np.asarray(mask) for mask in regions),
            tuple(history),
            None if about is None else tuple(about),
            {"max_new_tokens": max_new_tokens, "temperature": temperature, "top_p": top_p, "seed": seed},
            tuple(without),
        )
        moment = moment_asked()

        def tokens(should_stop: Callable[[], bool]) -> Generator[int]:
            with asked_at(moment):
                embedded = self._embedded(asked, should_stop)
            if embedded is None:
                return
            stream.prompt_tokens, stream.trimmed_turns = embedded.prompt_tokens, embedded.trimmed_turns
            stream.settings = embedded.requested
            yield from self._decode(asked, embedded, should_stop)

        stream = AnswerStream(tokens, self._tokenizer, STOP_STRINGS, prompt_tokens=0)
        return stream

    def _embedded(self, asked: AskedQuestion, should_stop: Callable[[], bool]) -> EmbeddedQuestion | None:
        """As `_embed`, in a thread of its own; None soon after `should_stop` is True, however long it takes."""
        moment = moment_asked()

        def embed(asked: AskedQuestion) -> EmbeddedQuestion:
            with asked_at(moment):
                return self._embed(asked)

        if should_stop():
            return None
        with closing(pumped(map(embed, [asked]), should_stop, lambda: None)) as arriving:
            return next(arriving, None)

    def describe(
        self, regions: Iterable[np.ndarray] | None = None, style: str = "short", **settings: Any
    ) -> Iterator[tuple[int, str]]:
        """Place and description of every region, as each is complete; some are asked about at the same time.

        Raises InputError for an unknown style, and what `stream` raises.
        """
        if style not in STYLES:
            raise InputError("engine.style_unknown", style=repr(style))
        return self._described(iter(enumerate(regions or ())), QUESTIONS[style], settings)

    def _described(
        self, regions: Iterator[tuple[int, np.ndarray]], question: str, settings: dict[str, Any]
    ) -> Iterator[tuple[int, str]]:
        streams: list[AnswerStream] = []
        over = threading.Event()

        def answer(mask: np.ndarray) -> str:
            if over.is_set():
                return ""
            stream = self.stream(question, [mask], **settings)
            streams.append(stream)
            if over.is_set():  # possibly too late for those who stop the streams
                stream.stop()
            return "".join(stream)

        with ThreadPoolExecutor(REGIONS_TOGETHER, "describing") as threads:
            running: dict[Future[str], int] = {}
            try:
                while True:
                    for place, mask in islice(regions, REGIONS_TOGETHER - len(running)):
                        running[threads.submit(answer, mask)] = place
                    if not running:
                        return
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        yield running.pop(done), done.result()
            finally:
                over.set()
                for stream in streams:
                    stream.stop()
