"""A search in the picture: which of its segments a phrase fits, as an analysis; and taking the finds as regions.

Independent of Gradio components.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo.jobs.requests import AnalysisRequest, AnalysisResult, OpenClip, Step
from demo.session.pictures import required_picture
from demo.session.segments import find_everything
from demo.session.services import Services
from demo.session.session import Analysis, MaskEdit, Region, Session, new_analysis
from demo.shared.running_jobs import Ticket
from osprey_core.errors import InputError
from osprey_core.regions.region import clean_name
from osprey_core.regions.rle import CodedMask

DEFAULT_THRESHOLD = 0.5
"""The score from which on a segment counts as found, unless the person moves the slider."""

KIND = "find"
"""The analysis's kind."""


@dataclass(frozen=True)
class FoundSegments(AnalysisResult):
    """What a phrase fits, at any threshold."""

    phrase: str
    """As it was searched, without "find all the"."""
    scores: tuple[float, ...]
    """0..1, of every segment."""
    steps: tuple[tuple[float, tuple[int, ...]], ...]
    """Every threshold at which the finds change, falling, with the indices of the segments found from there on."""

    def at(self, threshold: float) -> tuple[int, ...]:
        """Indices of the segments found at this threshold, best first."""
        return next((found for lowest, found in reversed(self.steps) if lowest >= threshold), ())


@dataclass(frozen=True)
class FindRequest(AnalysisRequest):
    """Score every segment for a phrase: by the CLIP where there is one, else by the model."""

    uses_clip = True

    regions: tuple[CodedMask, ...]
    phrase: str

    def results(self, view: Any, ticket: Ticket, clip: OpenClip) -> Iterator[AnalysisResult | Step]:
        from osprey_core.analysis.find import find  # slow to import; the model has been loaded by now

        finds = find(view, [region.mask() for region in self.regions], self.phrase, clip())
        if not ticket.stopped:
            yield FoundSegments(finds.phrase, finds.scores, finds.steps)


def new_search(services: Services, session: Session, typed: str) -> Analysis:
    """An analysis that searches everything that the segmenter finds. Raises InputError without picture or phrase."""
    picture = required_picture(session)
    phrase = " ".join(typed.split())
    if not phrase:
        raise InputError("find.phrase_empty")
    segments = find_everything(services, session)
    request = FindRequest(picture, tuple(segment.mask for segment in segments), phrase)
    return new_analysis(KIND, (), (request,), question=phrase)


def found_in(session: Session) -> FoundSegments | None:
    """The finds of the session's last search; None if there was none or it is not done."""
    analysis = session.analysis(KIND)
    return next((part for part in analysis.parts if isinstance(part, FoundSegments)), None) if analysis else None


def searched_masks(session: Session) -> tuple[CodedMask, ...]:
    """The segments of the session's last search, by index."""
    analysis = session.analysis(KIND)
    return analysis.requests[0].regions if analysis else ()


def take_found(session: Session, analysis_id: int, threshold: float) -> Session:
    """Every find at this threshold as a new region, named by the phrase; those that are regions already are left out.

    Raises InputError if that search is not the last one, or nothing is left to take.
    """
    analysis, found = session.analysis(KIND), found_in(session)
    if analysis is None or found is None or analysis.id != analysis_id:
        raise InputError("page.unknown_choice")
    known = {region.mask.digest for region in session.regions}
    masks = [searched_masks(session)[index] for index in found.at(threshold)]
    wanted = [mask for mask in masks if mask.digest not in known]
    if not wanted:
        raise InputError("page.nothing_to_take")
    name = clean_name(found.phrase)
    new = tuple(
        Region(number, mask, edits=(MaskEdit(True, mask),), name=name)
        for number, mask in enumerate(wanted, session.next_number)
    )
    return session.with_regions((*session.regions, *new), new[0].number)
