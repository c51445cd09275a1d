"""The analysis panel below the picture: its component, and analyses as JSON for its script.

The panel has one tab for each kind of analysis; the analyses themselves are made elsewhere.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demo.analysis import similarity_maps
from demo.analysis.label_scores import RegionClipScores, RegionLabelScores
from demo.analysis.samples import MAX_SAMPLES
from demo.analysis.similarity_maps import LevelMap
from demo.i18n.switching import in_words
from demo.jobs.analyses import AnswerVariant
from demo.session.services import Services
from demo.session.session import Analysis, RegionSnapshot, Session
from demo.shared.scripts import script, text_of
from osprey_core.draw import overlays
from osprey_core.regions import mentions
from osprey_core.regions.colors import PALETTE

if TYPE_CHECKING:
    from osprey_core.analysis.clip_labels import ClipLabelScores
    from osprey_core.analysis.label_likelihood import LabelScores

KINDS = ("labels", "without", "samples", "inside", "models")
SHOWN_LABELS = 50
"""Number of a region's best labels that are sent to the browser."""
SHOWN_CLIP_LABELS = 5
"""Number of the CLIP's best labels that are sent to the browser whatever the model makes of them."""
_COLORS = 9


def build_analysis(services: Services, takes_questions: bool = True) -> gr.HTML:
    """The panel, hidden until there is a picture; it triggers `begin_look` and `stop_look`.

    takes_questions: whether the model reads questions; without, only labels by the CLIP and two models are shown.
    """
    kinds = [kind for kind in KINDS if takes_questions or (kind == "labels" and services.clip) or kind == "models"]
    compares = services.second is not None
    analyses: dict[str, Any] = dict.fromkeys(map(property_of, KINDS))
    panel = gr.HTML(
        None,
        elem_id="closer",
        html_template='<section class="osp-closer" hidden></section>',
        css_template=text_of("analysis/analysis.css"),
        js_on_load=script("analysis/analysis.js", ("begin_look", "stop_look")),
        apply_default_css=False,
        kinds=kinds,
        visible=compares or kinds != ["models"],
        colors=len(PALETTE),
        heat=overlays.heat_colors(_COLORS),
        most=MAX_SAMPLES,
        compares=compares,
        **analyses,
    )
    return in_words(panel, words="analysis")


def property_of(kind: str) -> str:
    """The component's property that holds the analysis of this kind."""
    return f"look_{kind}"


def analysis_payload(session: Session, analysis: Analysis, image: NDArray[np.uint8] | None = None) -> dict[str, Any]:
    """An analysis as the panel shows it. image: uint8 (H, W, 3), needed for similarity maps."""
    if analysis.kind == "labels":
        parts = _label_parts(analysis)
    else:
        parts = [_part_of(analysis, part, image) for part in analysis.parts]
    return {
        "id": analysis.id,
        "picture": session.picture.digest if session.picture else None,
        "state": analysis.state,
        "asked": [{"number": region.number, "key": region.mask.digest} for region in analysis.regions],
        "question": mentions.split(analysis.question),
        "parts": parts,
    }


def _part_of(analysis: Analysis, part: Any, image: NDArray[np.uint8] | None) -> dict[str, Any]:
    if isinstance(part, AnswerVariant):
        return _variant_of(analysis, part)
    assert isinstance(part, LevelMap)
    assert image is not None
    return _map_of(analysis.regions[0], part, image)


def _label_parts(analysis: Analysis) -> list[dict[str, Any]]:
    """The scores of each region that has some, in the order of the analysis's regions."""
    by_model = {part.place: part.scores for part in analysis.parts if isinstance(part, RegionLabelScores)}
    by_clip = {part.place: part.scores for part in analysis.parts if isinstance(part, RegionClipScores)}
    return [
        _labels_of(analysis.regions[place], by_model.get(place), by_clip.get(place))
        for place in sorted({*by_model, *by_clip})
    ]


def _labels_of(region: RegionSnapshot, scores: LabelScores | None, clip: ClipLabelScores | None) -> dict[str, Any]:
    """Labels of a region, best first: by the model where it has told its scores, else by the CLIP."""
    leading = scores or clip
    assert leading is not None
    shown = [score.label for score in leading.ranked[:SHOWN_LABELS]]
    if clip is not None:
        best = {score.label for score in clip.ranked[:SHOWN_CLIP_LABELS]}.difference(shown)
        shown += [score.label for score in leading.ranked if score.label in best]
    told = {score.label: score for score in scores.ranked} if scores is not None else {}
    seen = clip.by_label if clip is not None else {}
    return {
        "number": region.number,
        "labels": [
            {
                "label": label,
                "share": told[label].share if told else None,
                "log": round(told[label].log_likelihood, 2) if told else None,
                "clip": seen[label].share if seen else None,
                "cosine": round(seen[label].cosine, 3) if seen else None,
            }
            for label in shown
        ],
        "onList": leading.on_list,
        "unsure": leading.is_uncertain,
        "close": leading.has_rivals,
        "off": leading.is_off_list,
        "clipBest": clip.ranked[0].label if clip is not None else None,
    }


def _variant_of(analysis: Analysis, variant: AnswerVariant) -> dict[str, Any]:
    places = analysis.requests[0].numbers
    return {
        "how": variant.how,
        "model": variant.model,
        "seed": variant.seed,
        "answer": mentions.answer_pieces(variant.answer, places),
        "done": variant.stats is not None,
        "tokens": variant.stats.new_tokens if variant.stats else None,
    }


def _hundredths(heat: NDArray[np.float32]) -> NDArray[np.int8]:
    """Cosines in hundredths, row by row: the values that the page shows under the pointer."""
    hundredths: NDArray[np.int8] = np.rint(100 * np.clip(np.nan_to_num(heat), -1, 1)).astype(np.int8)
    return hundredths


def _map_of(region: RegionSnapshot, level_map: LevelMap, image: NDArray[np.uint8]) -> dict[str, Any]:
    jpeg = base64.b64encode(similarity_maps.drawn(image, region, level_map)).decode()
    heat = level_map.heat
    low, high = float(heat.min()), float(heat.max())
    return {
        "level": level_map.level,
        "size": [int(heat.shape[1]), int(heat.shape[0])],
        "low": round(low, 2) if math.isfinite(low) else 0,
        "high": round(high, 2) if math.isfinite(high) else 0,
        "seen": bool(heat.any()),
        "values": base64.b64encode(_hundredths(heat).tobytes()).decode(),
        "url": f"data:image/jpeg;base64,{jpeg}",
    }
