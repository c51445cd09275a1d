"""Labelling with given masks: `python -m osprey_core.evaluation labels MODEL --coco FILE --pictures FOLDER`.

MODEL is an Osprey, whose likelihood of each class ranks them, or "labels" for a CLIP alone. The file is in COCO's shape
with masks (or COCO panoptic converted to it); its categories are found in the vocabulary by their names.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.analysis.open_vocabulary import BACKGROUND, DEFAULT_SIZE, OpenVocabulary, class_scores
from osprey_core.engine import Osprey
from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.given_masks import (
    LabelledSegment,
    accuracy,
    average_precision,
    mean_iou,
    panoptic_quality,
)
from osprey_core.evaluation.photograph_options import (
    add_photograph_options,
    joined,
    photographs_by_file,
    tell_figures,
)
from osprey_core.runtime.clip_loading import CLIP
from osprey_core.training.scenes.photographs import Photograph
from osprey_core.vocabularies import Vocabulary, load_vocabulary, vocabulary_of

log = logging.getLogger(__name__)

LABELS = "labels"

Scorer = Callable[[np.ndarray, Sequence[np.ndarray]], list[NDArray[np.float32]]]
"""From a picture uint8 (H, W, 3) and masks bool (H, W) to the scores (C,) of each mask."""


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation labels", description=__doc__)
    parser.add_argument("model", help='"labels", "nano", a folder or a Hub name')
    add_photograph_options(parser, required=True)
    parser.add_argument("--vocabulary", default="coco", help="coco, lvis, ade20k, cityscapes or a file")
    parser.add_argument("--clip", default=CLIP, help="the CLIP of the model labels: a folder or a Hub name")
    parser.add_argument("--size", type=int, default=DEFAULT_SIZE, help="side of the CLIP's input in pixels")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        figures = _evaluate(options)
        log.info("%s", "\n".join(f"{name}: {value}" for name, value in figures.items()))
        tell_figures(options, figures)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def labelled(photographs: Sequence[Photograph], vocabulary: Vocabulary, scorer: Scorer) -> Iterator[LabelledSegment]:
    """Every outlined segment whose category is in the vocabulary, with the model's scores; crowds are left out."""
    places = {name: place for place, name in enumerate(vocabulary.names)}
    for photograph in photographs:
        regions = [
            region
            for region in photograph.regions
            if region.rle is not None and not region.is_crowd and region.category in places
        ]
        masks = [region.mask(photograph.size_hw) for region in regions]
        kept = [(region, mask) for region, mask in zip(regions, masks, strict=True) if mask.any()]
        if not kept:
            continue
        scores = scorer(photograph.image(), [mask for _, mask in kept])
        for (region, mask), row in zip(kept, scores, strict=True):
            yield LabelledSegment(places[region.category], int(mask.sum()), row)


def likelihood_scorer(model: Osprey, vocabulary: Vocabulary) -> Scorer:
    """Scores by the likelihood with which a language model calls a region by a class's words: of each, the best."""
    texts = list(dict.fromkeys(vocabulary.texts))

    def score(image: np.ndarray, masks: Sequence[np.ndarray]) -> list[NDArray[np.float32]]:
        view = model.open(image)
        rows = []
        for mask in masks:
            shares = {one.label: one.share for one in score_labels(view, mask, texts).ranked}
            best = [max(shares[text] for text in entry.texts) for entry in vocabulary.classes]
            rows.append(np.array(best, dtype=np.float32))
        return rows

    return score


def clip_scorer(clip: OpenVocabulary, vocabulary: Vocabulary) -> Scorer:
    """Scores by a CLIP's probabilities."""
    classes, background = clip.embed(vocabulary), clip.embed(vocabulary_of(BACKGROUND, "background"))

    def score(image: np.ndarray, masks: Sequence[np.ndarray]) -> list[NDArray[np.float32]]:
        regions = clip.open(image).embed(masks)
        return list(class_scores(regions, classes, clip.network.scale, background).probabilities)

    return score


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    vocabulary = load_vocabulary(options.vocabulary)
    photographs = joined(photographs_by_file(options))
    if options.model == LABELS:
        encoder = OpenVocabulary.from_pretrained(options.clip, options.device, image_size=options.size)
        scorer = clip_scorer(encoder, vocabulary)
    else:
        scorer = likelihood_scorer(Osprey.from_pretrained(options.model, options.device), vocabulary)
    segments = list(labelled(tqdm(photographs, desc="pictures", mininterval=10), vocabulary, scorer))
    if not segments:
        raise InputError(
            "evaluation.labels_foreign", path=", ".join(map(str, options.coco)), vocabulary=vocabulary.name
        )
    things = [place for place, entry in enumerate(vocabulary.classes) if entry.is_thing]
    return {
        "model": options.model,
        "vocabulary": vocabulary.name,
        "pictures": len(photographs),
        "segments": len(segments),
        "PQ": panoptic_quality(segments, len(vocabulary.classes)),
        "mIoU": mean_iou(segments, len(vocabulary.classes)),
        "AP": average_precision(segments, things),
        "accuracy": accuracy(segments),
    }
