"""What a model is asked, and the pieces in which it answers: plain values that can be sent to another process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from demo.session.conversation import told_to_model
from demo.session.pictures import required_picture
from demo.session.session import AnswerMeasures, ChatTurn, Picture, RegionSnapshot, Session
from demo.shared.running_jobs import Ticket
from osprey_core.language import prompts
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.rle import CodedMask

RegionToken = Literal["mask", "pos"]


@dataclass(frozen=True)
class QuestionRequest:
    """All that is needed to answer one question; holds no person and can be sent to another process."""

    picture: Picture
    question: str
    regions: tuple[CodedMask, ...]
    """In the order in which the conversation came to them; `<region1>` in the question is the first."""
    numbers: tuple[int, ...]
    """The numbers that these regions have on the page."""
    history: tuple[prompts.Turn, ...]
    settings: SamplingSettings
    about: tuple[int, ...] = ()
    """Places, from 1, of the regions that the question means without mentioning them."""
    without: tuple[RegionToken, ...] = ()
    """Tokens of the regions that are switched off."""
    second: bool = False
    """Whether the second model is asked."""


@dataclass(frozen=True)
class CaptionsRequest:
    """All that is needed to describe many regions of one picture; can be sent to another process."""

    picture: Picture
    regions: tuple[CodedMask, ...]
    style: str
    settings: SamplingSettings


@dataclass(frozen=True)
class SegmentCaption:
    """The description of one region, by its place (from 0) in the request."""

    place: int
    text: str


@dataclass(frozen=True)
class AnalysisResult:
    """One result of an `AnalysisRequest`; its kinds add what it holds."""


@dataclass(frozen=True)
class AnalysisRequest:
    """Anything else that a model is asked about one picture; its kinds can be sent to another process."""

    picture: Picture

    def results(self, view: Any, ticket: Ticket) -> Iterator[AnalysisResult]:
        """What is found with the opened picture, as soon as it is; ends early once the ticket is stopped."""
        raise NotImplementedError


AnyRequest = QuestionRequest | CaptionsRequest | AnalysisRequest
Piece = str | AnswerMeasures | SegmentCaption | AnalysisResult


def request_of(session: Session, turn: ChatTurn, settings: SamplingSettings) -> QuestionRequest:
    """What the model is asked for this turn of the session.

    The model's regions are those that the conversation has spoken of, as they were then: a region refined since is
    another one to the model, a deleted one remains what earlier answers were about.
    """
    picture = required_picture(session)
    places: dict[RegionSnapshot, int] = {}
    earlier = [each for each in session.transcript if each.id != turn.id and each.answer]
    *history, current = told_to_model([*earlier, turn], places)
    return QuestionRequest(
        picture,
        current.question,
        tuple(region.mask for region in places),
        tuple(region.number for region in places),
        tuple(history),
        settings,
        current.about or (),
    )
