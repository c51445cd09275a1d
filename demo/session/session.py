"""The state of one picture: regions, conversation, undo history, as one frozen value. A change makes a new value.

Independent of Gradio, models and segmenters. Masks are run-length coded, so that a long undo history of a large
photograph stays small.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any, Literal

from demo.i18n import language
from osprey_core.i18n import Message
from osprey_core.io.record import AnswerMeasures
from osprey_core.io.record import RecordedPicture as Picture
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import NamedRegion
from osprey_core.regions.rle import CodedMask
from osprey_core.segment.parts import Window

UNDO_DEPTH = 30

ExtentName = Literal["part", "thing", "whole"]
"""How large one of the segmenter's masks for a prompt is beside the others."""
TurnState = Literal["waiting", "complete", "length", "stopped"]


@dataclass(frozen=True)
class SegmentPrompt:
    """The segmenter's prompt for a region: clicks and a box, in picture pixels."""

    points_xy: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    """One for each point: 1 if it belongs to the region, 0 if it does not."""
    box_xyxy: tuple[float, float, float, float] | None = None
    window_xyxy: Window | None = None
    """The part of the picture that a person had enlarged, if any: a thing in it is looked for there first."""

    def with_point(self, x: float, y: float, label: int) -> SegmentPrompt:
        return replace(self, points_xy=(*self.points_xy, (x, y)), labels=(*self.labels, label))


@dataclass(frozen=True)
class MaskEdit:
    """Pixels added to (`adds`) or removed from a region by hand."""

    adds: bool
    mask: CodedMask
    corners: tuple[tuple[float, float], ...] = ()
    """Of the outline that the pixels lie in, in picture pixels, if they were drawn by one."""


@dataclass(frozen=True)
class Region:
    """One region: its number (from 1; never reused while a region or the chat uses it) and its mask.

    `prompt` and `edits` record how the mask was made, so that a further click can refine it.
    """

    number: int
    mask: CodedMask
    prompt: SegmentPrompt | None = None
    edits: tuple[MaskEdit, ...] = ()
    extent: int = 0
    """Index of this mask among the segmenter's masks for the prompt: 0 is the best, others are a part or a whole."""
    extent_names: tuple[ExtentName, ...] = ()
    """Names of the segmenter's masks for the prompt, best first; fewer than two if there is no other extent."""
    name: str = ""
    """Its name, given by the person or taken from a short answer; the model does not get it."""
    named_by: Literal["", "person", "model"] = ""
    """Who gave the name, or removed it; a region that nobody has named gets one from the first short answer."""
    hidden: bool = False
    """Not drawn over the picture, so that what lies under it can be seen and clicked."""

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Corners that can still be moved: of the outline drawn last, if the whole region was drawn by hand."""
        return self.edits[-1].corners if self.edits and self.prompt is None else ()

    def snapshot(self) -> RegionSnapshot:
        """The region's current number and mask."""
        return RegionSnapshot(self.number, self.mask)


@dataclass(frozen=True)
class RegionSnapshot:
    """A region's number and mask when a question was asked about it."""

    number: int
    mask: CodedMask


@dataclass(frozen=True)
class ChatTurn:
    """One question and its answer.

    `typed` is the question as typed, with its mentions; `implied` says that it has none and is about the selected
    region, the only one in `regions`.
    """

    id: int
    typed: str
    regions: tuple[RegionSnapshot, ...]
    implied: bool
    answer: str = ""
    state: TurnState = "waiting"
    stats: AnswerMeasures | None = None
    settings: SamplingSettings | None = None
    """Sampling settings of the answer, with its seed; set when the model is asked."""
    places: tuple[int, ...] = ()
    """The page's numbers of the model's region1, region2 …; set when the model is asked."""
    model: str = ""
    """Name of the model that was asked."""
    is_unreadable: bool = False
    """Whether the question is in a language that this model cannot read."""
    liked: bool | None = None
    """The person's rating of the answer; None if not rated."""
    replaces: ChatTurn | None = None
    """While the turn waits: the turn that it replaces, restored if this one fails before its answer has any text."""

    def settled(self) -> ChatTurn:
        """This waiting turn, interrupted: marked as stopped, or the turn it replaces if it has no text yet."""
        if self.replaces is not None and not self.answer:
            return self.replaces
        return replace(self, state="stopped", replaces=None)


@dataclass(frozen=True)
class Segment:
    """One segment that the segmenter finds in a picture, with the segmenter's confidence, 0..1."""

    mask: CodedMask
    score: float


@dataclass(frozen=True)
class SecondCaptions:
    """What the second model says of the same segments; `rows` are (index of the segment, caption)."""

    model: str
    """Its name."""
    rows: tuple[tuple[int, str], ...] = ()
    failures: tuple[tuple[int, Message | str], ...] = ()
    """(index of a segment that it could not describe, why); the reason is a text where it comes from a file."""

    @property
    def done(self) -> int:
        """How many segments it has tried."""
        return len(self.rows) + len(self.failures)

    def reasons(self) -> dict[int, str]:
        """By the index of the segment: why it could not be described, in the current language."""
        code = language.current()
        return {index: reason if isinstance(reason, str) else reason.render(code) for index, reason in self.failures}


@dataclass(frozen=True)
class Captions:
    """The model's captions of the picture's segments; `rows` are (index of the segment, caption)."""

    id: int
    style: str
    total: int
    rows: tuple[tuple[int, str], ...] = ()
    names: tuple[tuple[int, NamedRegion], ...] = ()
    """(index of the segment, the name in its caption with its confidence and the next guesses)."""
    state: Literal["running", "complete", "stopped"] = "running"
    segments: tuple[Segment, ...] = ()
    """The segments, by index."""
    preparing: tuple[int, int] | None = None
    """How many of how many words of a vocabulary are known to the CLIP, while it reads them."""
    model: str = ""
    """Name of the model that wrote `rows`."""
    second: SecondCaptions | None = None
    """What the second model says, if it was asked too."""

    @property
    def is_whole(self) -> bool:
        """Whether every segment has been described, by both models where both were asked."""
        return len(self.rows) == self.total and (self.second is None or self.second.done == self.total)


@dataclass(frozen=True)
class Analysis:
    """An analysis of regions: its requests to the model, and its results so far."""

    id: int
    kind: str
    """The kind of analysis; a session keeps the last one of each kind."""
    regions: tuple[RegionSnapshot, ...]
    """The regions it is about, as they were when it began."""
    requests: tuple[Any, ...]
    """Requests to the model, in order; see `demo.jobs.requests`."""
    parts: tuple[Any, ...] = ()
    """Results so far; see `demo.jobs.analyses`."""
    question: str = ""
    """The question as typed, for kinds that ask one."""
    state: Literal["waiting", "running", "complete", "stopped"] = "waiting"


_job_ids = itertools.count(1)


def new_job_id() -> int:
    """An id for a job that belongs to no session."""
    return next(_job_ids)


def new_turn(typed: str, regions: tuple[RegionSnapshot, ...], implied: bool) -> ChatTurn:
    """A turn that waits for its answer, with an id no other turn of this process has."""
    return ChatTurn(next(_job_ids), typed, regions, implied)


def new_captions(style: str, total: int, segments: tuple[Segment, ...] = (), model: str = "") -> Captions:
    """Captions that are still to be written, with an id that no turn has either."""
    return Captions(next(_job_ids), style, total, segments=segments, model=model)


def new_analysis(
    kind: str,
    regions: tuple[RegionSnapshot, ...],
    requests: tuple[Any, ...],
    parts: tuple[Any, ...] = (),
    question: str = "",
) -> Analysis:
    """An analysis that is still to be carried out, with an id that nothing else has."""
    return Analysis(next(_job_ids), kind, regions, requests, parts, question)


@dataclass(frozen=True)
class _Undo:
    regions: tuple[Region, ...]
    selected: int | None
    transcript: tuple[ChatTurn, ...] | None = None
    """The conversation, if the change was one of the conversation."""


@dataclass(frozen=True)
class Session:
    """Everything the page knows about one person. Selected is None exactly if there are no regions."""

    picture: Picture | None = None
    regions: tuple[Region, ...] = ()
    selected: int | None = None
    transcript: tuple[ChatTurn, ...] = ()
    undo: tuple[_Undo, ...] = ()
    redo: tuple[_Undo, ...] = ()
    captions: Captions | None = None
    analyses: tuple[Analysis, ...] = ()
    """At most one of each kind."""

    def region(self, number: int | None) -> Region | None:
        """The region with this number, if there is one."""
        return next((region for region in self.regions if region.number == number), None)

    def twin_of(self, mask: CodedMask, apart_from: int | None = None) -> Region | None:
        """The region with exactly this mask, if there is one; the region numbered `apart_from` does not count."""
        return next(
            (region for region in self.regions if region.mask == mask and region.number != apart_from),
            None,
        )

    def shows(self, digest: str | None) -> bool:
        """Whether the session's picture has this digest; gestures made on another picture are ignored."""
        return digest == (self.picture.digest if self.picture is not None else None)

    @property
    def next_number(self) -> int:
        """One more than the largest number of any region, in the list or in the conversation."""
        used = [region.number for region in self.regions]
        used += [region.number for turn in self.transcript for region in turn.regions]
        return max(used, default=0) + 1

    @property
    def waiting(self) -> ChatTurn | None:
        """The turn whose answer is queued or being written, if any; it is always the last one."""
        return self.transcript[-1] if self.transcript and self.transcript[-1].state == "waiting" else None

    def with_regions(self, regions: tuple[Region, ...], selected: int | None) -> Session:
        """Replace regions and selection, and record the old ones for undo."""
        undo = (*self.undo, _Undo(self.regions, self.selected))[-UNDO_DEPTH:]
        return replace(self, regions=regions, selected=selected, undo=undo, redo=())

    def with_transcript(self, transcript: tuple[ChatTurn, ...]) -> Session:
        """Replace the conversation, and record the old one for undo."""
        undo = (*self.undo, _Undo(self.regions, self.selected, self.transcript))[-UNDO_DEPTH:]
        return replace(self, transcript=transcript, undo=undo, redo=())

    def with_region(self, region: Region) -> Session:
        """Add this region, or replace the one with its number, and select it."""
        if self.region(region.number) is None:
            return self.with_regions((*self.regions, region), region.number)
        changed = tuple(region if old.number == region.number else old for old in self.regions)
        return self.with_regions(changed, region.number)

    def undone(self) -> Session:
        """Undo the last recorded change of regions or conversation; returns itself if there was none.

        Questions that were asked since stay, after those that come back.
        """
        if not self.undo:
            return self
        last = self.undo[-1]
        session = replace(self, undo=self.undo[:-1], redo=(*self.redo, self._now(last)))
        if last.transcript is None:
            return replace(session, regions=last.regions, selected=last.selected)
        back = tuple(turn.settled() if turn.state == "waiting" else turn for turn in last.transcript)
        known = {turn.id for turn in back}
        return replace(session, transcript=(*back, *(turn for turn in self.transcript if turn.id not in known)))

    def redone(self) -> Session:
        """Make the change that was undone last again; returns itself if there was none."""
        if not self.redo:
            return self
        last = self.redo[-1]
        session = replace(self, redo=self.redo[:-1], undo=(*self.undo, self._now(last)))
        if last.transcript is None:
            return replace(session, regions=last.regions, selected=last.selected)
        return replace(session, transcript=last.transcript)

    def _now(self, other: _Undo) -> _Undo:
        """What the next undo or redo brings back in place of `other`."""
        return _Undo(self.regions, self.selected, None if other.transcript is None else self.transcript)

    def analysis(self, kind: str) -> Analysis | None:
        """The last analysis of this kind, if there was one."""
        return next((analysis for analysis in self.analyses if analysis.kind == kind), None)

    def with_analysis(self, analysis: Analysis) -> Session:
        """Add this analysis; it replaces the last one of its kind."""
        return replace(self, analyses=(*(other for other in self.analyses if other.kind != analysis.kind), analysis))

    def with_turn(self, turn: ChatTurn) -> Session:
        redo = tuple(entry for entry in self.redo if entry.transcript is None)
        return replace(self, transcript=(*self.transcript, turn), redo=redo)

    def with_turn_changed(self, turn_id: int, **changes: Any) -> Session:
        """Change the turn with this id; no effect if it no longer exists (new picture, cleared chat)."""
        turns = tuple(replace(turn, **changes) if turn.id == turn_id else turn for turn in self.transcript)
        return replace(self, transcript=turns)

    def without_turn(self, turn_id: int) -> Session:
        return replace(self, transcript=tuple(turn for turn in self.transcript if turn.id != turn_id))

    def settled(self) -> Session:
        """The session with its unfinished answer, captions and analyses marked as stopped."""
        turns = tuple(turn.settled() if turn.state == "waiting" else turn for turn in self.transcript)
        captions = self.captions
        if captions is not None and captions.state == "running":
            captions = replace(captions, state="stopped")
        analyses = tuple(
            analysis if analysis.state == "complete" else replace(analysis, state="stopped")
            for analysis in self.analyses
        )
        return replace(self, transcript=turns, captions=captions, analyses=analyses)

    def with_turn_taken_back(self, turn_id: int) -> Session:
        """Remove a turn that failed; the turn that it replaces, if any, is restored."""
        turns = tuple(turn if turn.id != turn_id else turn.replaces for turn in self.transcript)
        return replace(self, transcript=tuple(turn for turn in turns if turn is not None))
