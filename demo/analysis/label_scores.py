"""Label scores: how likely the model is to answer with each of a person's labels, for each region.

Where a CLIP was loaded, its scores of the same labels stand beside; of a model without likelihoods, they stand alone.

Independent of Gradio components.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from demo.jobs.requests import AnalysisRequest, AnalysisResult, OpenClip, Step, as_steps
from demo.session.regions import chosen_regions
from demo.session.session import Analysis, Session, new_analysis
from demo.session.typed_labels import read_labels
from demo.shared.running_jobs import Ticket
from osprey_core.errors import InputError
from osprey_core.region_model import Abilities
from osprey_core.regions.rle import CodedMask

if TYPE_CHECKING:
    from osprey_core.analysis.clip_labels import ClipLabelScores
    from osprey_core.analysis.label_likelihood import LabelScores


@dataclass(frozen=True)
class RegionLabelScores(AnalysisResult):
    """Label scores of the region at index `place` of the request."""

    place: int
    scores: LabelScores


@dataclass(frozen=True)
class RegionClipScores(AnalysisResult):
    """A CLIP's scores of the labels, of the region at index `place` of the request."""

    place: int
    scores: ClipLabelScores


@dataclass(frozen=True)
class LabelScoresRequest(AnalysisRequest):
    """Score the same labels for each of several regions, by the model and by the CLIP, as far as there are both."""

    needs = "likelihood"
    uses_clip = True

    regions: tuple[CodedMask, ...]
    labels: tuple[str, ...]
    rank_by: Literal["sum", "mean"]

    def results(self, view: Any, ticket: Ticket, clip: OpenClip) -> Iterator[AnalysisResult | Step]:
        if getattr(view.model, "abilities", Abilities()).likelihood:
            from osprey_core.analysis import label_likelihood  # slow to import; the model has been loaded by now

            for place, region in enumerate(self.regions):
                if ticket.stopped:
                    return
                scores = label_likelihood.score_labels(view, region.mask(), self.labels, rank_by=self.rank_by)
                yield RegionLabelScores(place, scores)
        if not ticket.stopped:
            yield from self._by_clip(clip())

    def _by_clip(self, view: Any) -> Iterator[AnalysisResult | Step]:
        """The CLIP's scores of all regions; nothing without a CLIP. view: the picture as the CLIP has opened it."""
        if view is None:
            return
        from osprey_core.analysis.clip_labels import score_labels_in_steps

        steps = score_labels_in_steps(view, [region.mask() for region in self.regions], self.labels)
        scores = yield from as_steps(steps)
        for place, region_scores in enumerate(scores):
            yield RegionClipScores(place, region_scores)


def new_label_scores(session: Session, labels: Any, which: Any = "all", rank_by: Any = "sum") -> Analysis:
    """An analysis that scores labels for regions. labels: text with one label per line or comma, or a list of texts.

    Raises InputError if there are no such regions or too few labels.
    """
    if rank_by not in ("sum", "mean"):
        raise InputError("page.unknown_choice")
    regions = chosen_regions(session, which)
    different_labels = read_labels(labels)
    assert session.picture is not None
    request = LabelScoresRequest(session.picture, tuple(region.mask for region in regions), different_labels, rank_by)
    return new_analysis("labels", tuple(region.snapshot() for region in regions), (request,))
