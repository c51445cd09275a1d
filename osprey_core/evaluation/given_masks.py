"""Figures of labelling when the masks are given: panoptic quality, mean IoU and average precision.

Every annotated segment is one prompt, as in the papers' open-vocabulary tables, so that only the class can be wrong.
This module sees classes, areas and scores only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RECALLS = np.linspace(0, 1, 101)
"""COCO's recall thresholds."""


@dataclass(frozen=True, eq=False)
class LabelledSegment:
    """One segment with its true class and a model's scores."""

    truth: int
    """Place of the true class in the vocabulary."""
    area: int
    """Pixels."""
    scores: NDArray[np.float32]
    """(C,), of each class; the largest is the model's answer."""

    @property
    def answer(self) -> int:
        """Place of the class that the model says."""
        return int(self.scores.argmax())


def panoptic_quality(segments: Sequence[LabelledSegment], classes: int) -> float:
    """PQ (Kirillov et al., 2019): mean over the classes that occur of TP / (TP + FP / 2 + FN / 2).

    With given masks a segment matches itself with IoU 1 if its class is right, so that the segmentation quality is 1. A
    wrong class is a miss of the true class and a false positive of the one that was said.
    """
    right, said, true = _counts(segments, classes, weights=np.ones(len(segments)))
    occurring = said + true > 0
    return float(np.mean(2 * right[occurring] / (said + true)[occurring])) if occurring.any() else float("nan")


def mean_iou(segments: Sequence[LabelledSegment], classes: int) -> float:
    """mIoU over pixels: mean, over the classes that are true somewhere, of intersection over union in all pictures."""
    right, said, true = _counts(segments, classes, weights=np.array([segment.area for segment in segments]))
    occurring = true > 0
    return float(np.mean(right[occurring] / (said + true - right)[occurring])) if occurring.any() else float("nan")


def average_precision(segments: Sequence[LabelledSegment], things: Sequence[int]) -> float:
    """AP of things as COCO computes it: every segment stands for every class with its score.

    Given masks overlap fully with themselves and not with others, so that AP is the same at every IoU threshold. It is
    the mean, over the classes of `things` that occur among the segments, of the interpolated precision at 101 recalls.
    Segments of stuff take no part.
    """
    wanted = set(things)
    own = [segment for segment in segments if segment.truth in wanted]
    values = []
    for place in sorted({segment.truth for segment in own}):
        scores = np.array([segment.scores[place] for segment in own])
        hits = np.array([segment.truth == place for segment in own])[np.argsort(-scores, kind="mergesort")]
        found = hits.cumsum()
        precision = found / np.arange(1, len(hits) + 1)
        best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
        reached = np.searchsorted(found / hits.sum(), _RECALLS, side="left")
        values.append(float(best_from_here[reached].mean()))  # every recall is reached: all segments are ranked
    return float(np.mean(values)) if values else float("nan")


def accuracy(segments: Sequence[LabelledSegment]) -> float:
    """Share of segments whose class is right."""
    return float(np.mean([segment.answer == segment.truth for segment in segments])) if segments else float("nan")


def _counts(
    segments: Sequence[LabelledSegment], classes: int, weights: NDArray[np.floating] | NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per class (C,): what is said rightly, what is said, what is true."""
    answers = np.array([segment.answer for segment in segments], dtype=int)
    truths = np.array([segment.truth for segment in segments], dtype=int)
    said = np.bincount(answers, weights, classes)
    true = np.bincount(truths, weights, classes)
    right = np.bincount(truths[answers == truths], np.asarray(weights)[answers == truths], classes)
    return right.astype(np.float64), said.astype(np.float64), true.astype(np.float64)
