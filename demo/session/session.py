"""What one person is doing: picture, regions, conversation, undo. One frozen value, changed by making a new one.

Knows nothing of Gradio, models or segmenters. Masks are kept run-length coded, so a long undo history of a large
photograph stays small.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any, Literal

from osprey_core.io.record import AnswerMeasures
from osprey_core.io.record import RecordedPicture as Picture
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.rle import CodedMask

UNDO_DEPTH = 30

TurnState = Literal["waiting", "complete", "length", "stopped"]


@dataclass(frozen=True)
class SegmentPrompt:
    """What the segmenter was told about a region: clicks and a box, in picture pixels."""

    points_xy: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    """1 for “this belongs to it”, 0 for “this does not”; as many as points."""
    box_xyxy: tuple[float, float, float, float] | None = None

    def with_point(self, x: float, y: float, label: int) -> SegmentPrompt:
        return replace(self, points_xy=(*self.points_xy, (x, y)), labels=(*self.labels, label))


@dataclass(frozen=True)
class MaskEdit:
    """Pixels added to or taken from a region by hand, after the segmenter's work."""

    adds: bool
    mask: CodedMask


@dataclass(frozen=True)
class Region:
    """One region: its number (from 1, never given to another region that the chat speaks of) and its pixels.

    `prompt` and `edits` say how the pixels came about, so that a further click can refine them.
    """

    number: int
    mask: CodedMask
    prompt: SegmentPrompt | None = None
    edits: tuple[MaskEdit, ...] = ()
    extent: int = 0
    """Which of the segmenter's masks for this prompt it is: 0 is the best, others are a part or a larger whole."""
    name: str = ""
    """What the person calls it; the model is not told."""
    hidden: bool = False
    """Not drawn over the picture, so that what lies under it can be seen and clicked."""

    def snapshot(self) -> RegionSnapshot:
        """The region's number and pixels as they are now."""
        return RegionSnapshot(self.number, self.mask)


@dataclass(frozen=True)
class RegionSnapshot:
    """A region as it was when a question was asked about it."""

    number: int
    mask: CodedMask


@dataclass(frozen=True)
class ChatTurn:
    """One question and its answer.

    `typed` is what the person wrote, mentions and all; `implied` says that no region was mentioned, so that the
    selected one, the first and only of `regions`, is meant.
    """

    id: int
    typed: str
    regions: tuple[RegionSnapshot, ...]
    implied: bool
    answer: str = ""
    state: TurnState = "waiting"
    stats: AnswerMeasures | None = None
    settings: SamplingSettings | None = None
    """How the answer was decoded, the seed included; known once the model is asked."""
    places: tuple[int, ...] = ()
    """The page's numbers of the model's region1, region2 …, known once the model is asked."""
    model: str = ""
    """Name of the model that was asked."""
    liked: bool | None = None
    """What the person thinks of the answer; None if they have not said."""
    replaces: ChatTurn | None = None
    """The turn in whose place this one was asked, while it waits: it comes back if this one comes to nothing."""

    def settled(self) -> ChatTurn:
        """A waiting turn once nobody writes on: stopped, or what it was to replace if nothing has come in its place."""
        if self.replaces is not None and not self.answer:
            return self.replaces
        return replace(self, state="stopped", replaces=None)


@dataclass(frozen=True)
class Segment:
    """One of all things that the segmenter finds in a picture, and how sure it is of it, 0..1."""

    mask: CodedMask
    score: float


@dataclass(frozen=True)
class Captions:
    """What the model says of every segment of the picture; `rows` are (place among the segments, words)."""

    id: int
    style: str
    total: int
    rows: tuple[tuple[int, str], ...] = ()
    state: Literal["running", "complete", "stopped"] = "running"


@dataclass(frozen=True)
class Analysis:
    """An analysis of what the model makes of some regions: what it asks the model, and what has been found so far."""

    id: int
    kind: str
    """Which analysis it is; a session keeps the last one of each kind."""
    regions: tuple[RegionSnapshot, ...]
    """The regions it is about, as they were when it was begun."""
    requests: tuple[Any, ...]
    """What the model is asked, one after the other; see `demo.jobs.requests`."""
    parts: tuple[Any, ...] = ()
    """What has been found; see `demo.jobs.analyses`."""
    question: str = ""
    """What the person typed, where there is a question."""
    state: Literal["waiting", "running", "complete", "stopped"] = "waiting"


_job_ids = itertools.count(1)


def new_turn(typed: str, regions: tuple[RegionSnapshot, ...], implied: bool) -> ChatTurn:
    """A turn that waits for its answer, with an id no other turn of this process has."""
    return ChatTurn(next(_job_ids), typed, regions, implied)


def new_captions(style: str, total: int) -> Captions:
    """Captions that are still to be written, with an id that no turn has either."""
    return Captions(next(_job_ids), style, total)


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


@dataclass(frozen=True)
class Session:
    """Everything the page knows about one person. Selected is None exactly if there are no regions."""

    picture: Picture | None = None
    regions: tuple[Region, ...] = ()
    selected: int | None = None
    transcript: tuple[ChatTurn, ...] = ()
    undo: tuple[_Undo, ...] = ()
    captions: Captions | None = None
    analyses: tuple[Analysis, ...] = ()
    """At most one of each kind."""

    def region(self, number: int | None) -> Region | None:
        """The region with this number, if there is one."""
        return next((region for region in self.regions if region.number == number), None)

    def shows(self, digest: str | None) -> bool:
        """Whether this picture, by its digest, is the one that is open; what was done on another means nothing now."""
        return digest == (self.picture.digest if self.picture is not None else None)

    @property
    def next_number(self) -> int:
        """One more than any number that a region has or that the conversation uses."""
        used = [region.number for region in self.regions]
        used += [region.number for turn in self.transcript for region in turn.regions]
        return max(used, default=0) + 1

    @property
    def waiting(self) -> ChatTurn | None:
        """The turn whose answer is still being written, if any; it is always the last one."""
        return self.transcript[-1] if self.transcript and self.transcript[-1].state == "waiting" else None

    def with_regions(self, regions: tuple[Region, ...], selected: int | None) -> Session:
        """Regions and selection changed, undoably."""
        undo = (*self.undo, _Undo(self.regions, self.selected))[-UNDO_DEPTH:]
        return replace(self, regions=regions, selected=selected, undo=undo)

    def with_region(self, region: Region) -> Session:
        """This region added, or put in place of the one with its number, and selected."""
        others = self.region(region.number)
        if others is None:
            return self.with_regions((*self.regions, region), region.number)
        changed = tuple(region if old.number == region.number else old for old in self.regions)
        return self.with_regions(changed, region.number)

    def undone(self) -> Session:
        """As before the last change of regions; itself if there was none."""
        if not self.undo:
            return self
        last = self.undo[-1]
        return replace(self, regions=last.regions, selected=last.selected, undo=self.undo[:-1])

    def analysis(self, kind: str) -> Analysis | None:
        """The last analysis of this kind, if there was one."""
        return next((analysis for analysis in self.analyses if analysis.kind == kind), None)

    def with_analysis(self, analysis: Analysis) -> Session:
        """This analysis in place of the last one of its kind."""
        return replace(self, analyses=(*(other for other in self.analyses if other.kind != analysis.kind), analysis))

    def with_turn(self, turn: ChatTurn) -> Session:
        return replace(self, transcript=(*self.transcript, turn))

    def with_turn_changed(self, turn_id: int, **changes: Any) -> Session:
        """The turn with this id changed; itself if it is gone (new picture, cleared chat)."""
        turns = tuple(replace(turn, **changes) if turn.id == turn_id else turn for turn in self.transcript)
        return replace(self, transcript=turns)

    def without_turn(self, turn_id: int) -> Session:
        return replace(self, transcript=tuple(turn for turn in self.transcript if turn.id != turn_id))

    def settled(self) -> Session:
        """As it is once nobody writes on: answer, captions and analyses that were under way count as stopped."""
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
        """Without a turn that came to nothing; the turn that it was to replace is there again."""
        kept = tuple(turn if turn.id != turn_id else turn.replaces for turn in self.transcript)
        return replace(self, transcript=tuple(turn for turn in kept if turn is not None))
