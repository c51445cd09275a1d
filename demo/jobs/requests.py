"""Requests to a model and the pieces of its answers, as plain values that can be sent to another process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from demo.session.conversation import told_to_model
from demo.session.pictures import required_picture
from demo.session.session import AnswerMeasures, ChatTurn, Picture, RegionSnapshot, Session
from demo.shared.running_jobs import Ticket
from osprey_core.i18n import Message
from osprey_core.language import prompts
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.token_likelihood import SpelledToken
from osprey_core.region_model import NamedRegion
from osprey_core.regions.rle import CodedMask
from osprey_core.vocabularies import Vocabulary

T = TypeVar("T")
RegionToken = Literal["mask", "pos"]


@dataclass(frozen=True)
class QuestionRequest:
    """All that is needed to answer one question; holds no session and can be sent to another process."""

    picture: Picture
    question: str
    regions: tuple[CodedMask, ...]
    """In the order of their first mention in the conversation; `<region1>` in the question is the first."""
    numbers: tuple[int, ...]
    """The numbers of these regions on the page."""
    history: tuple[prompts.Turn, ...]
    settings: SamplingSettings
    about: tuple[int, ...] = ()
    """Places (from 1) of the regions that the question is about without a mention."""
    without: tuple[RegionToken, ...] = ()
    """Tokens of the regions that are switched off."""
    compares_tokens: bool = False
    """Whether it is compared with answers without some tokens; refused where no token tells the answer."""
    second: bool = False
    """Whether the second model is asked."""
    named: CodedMask | None = None
    """The only region that the question is about: if the answer is a name, it gets a confidence. None for no name."""
    top_logprobs: int | None = None
    """How many alternatives are told of each token, with its likelihood; None tells none."""


@dataclass(frozen=True)
class CaptionsRequest:
    """All that is needed to describe many regions of one picture; can be sent to another process."""

    picture: Picture
    regions: tuple[CodedMask, ...]
    style: str
    settings: SamplingSettings
    vocabulary: Vocabulary | None = None
    """Classes that the CLIP chooses from, in the place of the model; `style` is not used then."""
    second: bool = False
    """Whether the second model is asked. A region that it cannot describe costs no other its caption."""


@dataclass(frozen=True)
class TokensTold:
    """How likely further tokens of an answer were, in order."""

    tokens: tuple[SpelledToken, ...]


@dataclass(frozen=True)
class SegmentCaption:
    """The caption of one region, by its place (from 0) in the request."""

    place: int
    text: str


@dataclass(frozen=True)
class SegmentFailure:
    """Why the second model could not describe one region, by its place (from 0) in the request."""

    place: int
    reason: Message


@dataclass(frozen=True)
class SegmentName:
    """How sure the name in a caption is, by the region's place (from 0) in the request."""

    place: int
    named: NamedRegion


@dataclass(frozen=True)
class Step:
    """How far a long preparation is; the words of a large vocabulary take minutes on a processor."""

    done: int
    total: int


def as_steps(steps: Generator[tuple[int, int], None, T]) -> Generator[Step, None, T]:
    """The steps (done, total) of a long preparation as pieces; returns what the preparation returns."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        yield Step(*step)


OpenClip = Callable[[], Any]
"""Returns the picture as opened by the CLIP; None where there is no CLIP, or where loading it failed."""


@dataclass(frozen=True)
class AnalysisResult:
    """One result of an `AnalysisRequest`; subclasses add its fields."""


@dataclass(frozen=True)
class AnalysisRequest:
    """Base of all other requests about one picture; subclasses can be sent to another process."""

    needs: ClassVar[Literal["likelihood", "features"] | None] = None
    """Which of a model's `Abilities` it needs."""
    uses_clip: ClassVar[bool] = False
    """Whether it also asks the CLIP, where there is one; the CLIP then stands in for what a model is not able to."""

    picture: Picture

    def results(self, view: Any, ticket: Ticket, clip: OpenClip) -> Iterator[AnalysisResult | Step]:
        """Yield results computed on the encoded picture `view`; ends early once the ticket is stopped.

        clip: opens the picture with the CLIP; see `OpenClip`.
        """
        raise NotImplementedError


AnyRequest = QuestionRequest | CaptionsRequest | AnalysisRequest
Piece = str | AnswerMeasures | TokensTold | SegmentCaption | SegmentFailure | SegmentName | AnalysisResult | Step


def request_of(session: Session, turn: ChatTurn, settings: SamplingSettings) -> QuestionRequest:
    """The model request for this turn of the session.

    The model's regions are those of all turns so far, with the pixels they had then: a region that was refined since
    counts as another region, and a deleted one remains in the list.
    """
    picture = required_picture(session)
    places: dict[RegionSnapshot, int] = {}
    earlier = [other for other in session.transcript if other.id != turn.id and other.answer]
    *history, current = told_to_model([*earlier, turn], places)
    return QuestionRequest(
        picture,
        current.question,
        tuple(region.mask for region in places),
        tuple(region.number for region in places),
        tuple(history),
        settings,
        current.about or (),
        named=turn.regions[0].mask if len(turn.regions) == 1 else None,
    )
