"""Endpoints that analyse what the model makes of regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.analysis.ablation import SWITCHED_OFF, new_ablation
from demo.analysis.label_scores import RegionClipScores, RegionLabelScores, new_label_scores
from demo.analysis.model_comparison import new_model_comparison
from demo.analysis.samples import new_samples
from demo.analysis.similarity_maps import new_similarity_maps
from demo.api.caller_identity import Callers
from demo.api.checked_inputs import number, sampling, whole, words
from demo.api.results import errors_as_sentences, listed, mask_result, snapshot_result
from demo.find.search import DEFAULT_THRESHOLD, found_in, new_search, searched_masks
from demo.jobs import analyses
from demo.jobs.analyses import AnswerVariant
from demo.jobs.decoding import Decode
from demo.session.services import Services
from demo.session.session import Analysis, Session
from osprey_core.analysis.label_results import label_results


@dataclass(frozen=True)
class AnalysisEndpoints:
    """What programs call; the docstrings are what callers read."""

    services: Services
    callers: Callers
    decode: Decode

    def judge(
        self, request: gr.Request, labels: Any, regions: str = "all", rank_by: str = "sum", session: str = ""
    ) -> Iterator[Any]:
        """Score labels for regions by the model's own likelihood of answering with each of them, and by a CLIP.

        Parameters:
            labels: two or more words or phrases, written as the model writes them.
            regions: "all" that are shown, or "selected" for the one that was marked last.
            rank_by: "sum" by the probability of the whole label; "mean" per token, which is fairer to long labels.
            session: what open_picture returned.
        Returns:
            of each region: number, name, area, box_xyxy, rle; labels, best first, each with its share of the list's
            probability (0 to 1) and log_likelihood; on_list, the probability that the model says any of them;
            uncertain, whether the best one should not be trusted. Where a CLIP is loaded, each label also has
            clip_share and clip_cosine, and the region clip_on_list; of a CLIP alone, only these and uncertain.
        """
        with errors_as_sentences():
            which, rank = words(regions, "regions") or "all", words(rank_by, "rank_by") or "sum"
            make = lambda s: new_label_scores(s, listed(labels), which, rank)  # noqa: E731
            yield from self._carried_out(request, session, make, _judged)

    def find(
        self, request: gr.Request, phrase: str, threshold: float = DEFAULT_THRESHOLD, session: str = ""
    ) -> Iterator[Any]:
        """Find what a phrase names among all that stands out in the picture; nothing becomes a region by this.

        Parameters:
            phrase: one or a few words, such as "red car" or "speech bubbles".
            threshold: the least score, 0 to 1; lower for more finds that are less sure.
            session: what open_picture returned.
        Returns:
            of each find, best first: index (for take_segment), score from 0 to 1, area, box_xyxy, rle; empty if nothing
            in the picture fits.
        """
        with errors_as_sentences():
            least, wanted = number(threshold, "threshold"), words(phrase, "phrase")
            make = lambda s: new_search(self.services, s, wanted)  # noqa: E731
            yield from self._carried_out(request, session, make, lambda s, analysis: _found(s, least))

    def ablation(
        self,
        request: gr.Request,
        question: str,
        temperature: float = 0.0,
        top_p: float = 1.0,
        max_new_tokens: int = 1024,
        seed: int | None = None,
        session: str = "",
    ) -> Iterator[Any]:
        """Answer one question with the region and without it: what stays the same without it is a guess.

        The question is asked by itself, without earlier ones. Settings are those of ask.

        Parameters:
            question: as for ask.
            temperature: 0 for the likeliest answer, up to 2 for variety.
            top_p: keep to the likeliest words that make up this share, above 0 and up to 1.
            max_new_tokens: the longest answer.
            seed: repeats an answer of a temperature above 0.
            session: what open_picture returned.
        Returns:
            four answers, each with what was switched off: nothing, "mask" and "pos" (the region is not there), "mask"
            (only where it is), "pos" (only what is there).
        """
        with errors_as_sentences():
            settings = sampling(temperature, top_p, max_new_tokens, seed)
            yield from self._carried_out(
                request, session, lambda s: new_ablation(s, words(question, "question"), settings), _ablated
            )

    def samples(
        self,
        request: gr.Request,
        question: str,
        count: int = 4,
        temperature: float = 0.8,
        top_p: float = 1.0,
        max_new_tokens: int = 1024,
        seed: int | None = None,
        session: str = "",
    ) -> Iterator[Any]:
        """Answer one question several times: what changes from one answer to the next, the model is not sure of.

        The question is asked by itself, without earlier ones.

        Parameters:
            question: as for ask.
            count: how many answers, 2 to 8.
            temperature: above 0 and up to 2.
            top_p: keep to the likeliest words that make up this share, above 0 and up to 1.
            max_new_tokens: the longest answer.
            seed: of the first answer; the others take the numbers that follow. Without it they begin anywhere.
            session: what open_picture returned.
        Returns:
            of each answer: seed and answer.
        """
        with errors_as_sentences():
            settings = sampling(temperature, top_p, max_new_tokens, seed)
            asked, times = words(question, "question"), whole(count, "count")
            make = lambda s: new_samples(s, asked, times, temperature, settings)  # noqa: E731
            yield from self._carried_out(request, session, make, _sampled)

    def compare_models(
        self,
        request: gr.Request,
        question: str,
        temperature: float = 0.0,
        top_p: float = 1.0,
        max_new_tokens: int = 1024,
        seed: int | None = None,
        session: str = "",
    ) -> Iterator[Any]:
        """Answer one question by both models, where the program was started with two.

        The question is asked by itself, without earlier ones.

        Parameters:
            question: as for ask.
            temperature: 0 for the likeliest answer, up to 2 for variety.
            top_p: keep to the likeliest words that make up this share, above 0 and up to 1.
            max_new_tokens: the longest answer.
            seed: repeats an answer of a temperature above 0.
            session: what open_picture returned.
        Returns:
            of each answer: model and answer.
        """
        with errors_as_sentences():
            settings = sampling(temperature, top_p, max_new_tokens, seed)
            make = lambda s: new_model_comparison(self.services, s, words(question, "question"), settings)  # noqa: E731
            yield from self._carried_out(request, session, make, _compared)

    def similarity(self, request: gr.Request, number: int, session: str = "") -> Iterator[Any]:
        """Where each level of the encoder finds the picture like a region.

        Parameters:
            number: the region's number; 0 for the one that was marked last.
            session: what open_picture returned.
        Returns:
            of each level, from fine to coarse: level, region (number, name, area, box_xyxy, rle), size_hw, and heat:
            rows of cosines from -1 to 1, the picture's upper left corner first.
        """
        with errors_as_sentences():
            which = (whole(number, "number") if number is not None else 0) or "selected"
            yield from self._carried_out(request, session, lambda s: new_similarity_maps(s, which), _mapped)

    def _carried_out(
        self,
        request: gr.Request,
        session: str,
        make: Callable[[Session], Analysis],
        result_of: Callable[[Session, Analysis], list[dict[str, Any]]],
    ) -> Iterator[Any]:
        """Begin an analysis and yield its partial results, ending with the complete one."""
        workspace = self.callers.workspace(session, request)
        begun = analyses.begin(workspace, make)
        for analysis in analyses.carry_out(self.services, workspace, begun.id, self.decode):
            yield self.callers.told(result_of(workspace.session, analysis), request)


def _judged(session: Session, analysis: Analysis) -> list[dict[str, Any]]:
    by_model = {part.place: part.scores for part in analysis.parts if isinstance(part, RegionLabelScores)}
    by_clip = {part.place: part.scores for part in analysis.parts if isinstance(part, RegionClipScores)}
    return [
        {**_region(session, analysis, place), **label_results(by_model.get(place), by_clip.get(place))}
        for place in sorted({*by_model, *by_clip})
    ]


def _found(session: Session, threshold: float) -> list[dict[str, Any]]:
    found, masks = found_in(session), searched_masks(session)
    indices = found.at(threshold) if found is not None else ()
    return [{"index": index, "score": found.scores[index], **mask_result(masks[index])} for index in indices if found]


def _ablated(session: Session, analysis: Analysis) -> list[dict[str, Any]]:
    return [{"without": list(SWITCHED_OFF[part.how]), "answer": part.answer} for part in _begun(analysis)]


def _sampled(session: Session, analysis: Analysis) -> list[dict[str, Any]]:
    return [{"seed": part.seed, "answer": part.answer} for part in _begun(analysis)]


def _compared(session: Session, analysis: Analysis) -> list[dict[str, Any]]:
    return [{"model": part.model, "answer": part.answer} for part in _begun(analysis)]


def _mapped(session: Session, analysis: Analysis) -> list[dict[str, Any]]:
    region = _region(session, analysis, 0)
    return [
        {
            "level": part.level,
            "region": region,
            "size_hw": list(part.heat.shape),
            "heat": [[round(float(value), 4) for value in row] for row in part.heat],
        }
        for part in analysis.parts
    ]


def _begun(analysis: Analysis) -> list[AnswerVariant]:
    """The answers that are complete or being written."""
    return [part for part in analysis.parts if part.answer or part.stats is not None]


def _region(session: Session, analysis: Analysis, place: int) -> dict[str, Any]:
    """The region at index `place` of an analysis, as it was when the analysis began, with its current name."""
    snapshot = analysis.regions[place]
    region = session.region(snapshot.number)
    name = region.name if region is not None else ""
    return snapshot_result(snapshot, name)
