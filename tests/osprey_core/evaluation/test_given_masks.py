"""Figures with given masks agree with hand-made cases and with plain definitions on pixels."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_masks

from osprey_core.evaluation.given_masks import (
    LabelledSegment,
    accuracy,
    average_precision,
    mean_iou,
    panoptic_quality,
)
from osprey_core.evaluation.labels_command import labelled, main
from osprey_core.training.scenes.photographs import read_photographs
from osprey_core.vocabularies import load_vocabulary
from tests import fakes
from tests.clip import write_clip


def segment(truth: int, answer: int, area: int = 1, classes: int = 3, score: float = 1.0) -> LabelledSegment:
    scores = np.zeros(classes, np.float32)
    scores[answer] = score
    return LabelledSegment(truth, area, scores)


def test_all_right_is_one_and_all_wrong_is_zero() -> None:
    right = [segment(place, place) for place in (0, 1, 1, 2)]
    assert (panoptic_quality(right, 3), mean_iou(right, 3), average_precision(right, [0, 1, 2])) == (1, 1, 1)
    wrong = [segment(0, 1), segment(1, 0)]
    assert (panoptic_quality(wrong, 3), mean_iou(wrong, 3), accuracy(wrong)) == (0, 0, 0)


def test_panoptic_quality_by_hand() -> None:
    """Class 0: one right, one missed. Class 1: one right, one false positive. Class 2 occurs only as an answer."""
    segments = [segment(0, 0), segment(0, 1), segment(1, 1), segment(1, 2)]
    class_0, class_1, class_2 = 1 / (1 + 0.5), 1 / (1 + 0.5 + 0.5), 0.0
    assert panoptic_quality(segments, 3) == pytest.approx((class_0 + class_1 + class_2) / 3)


def test_mean_iou_counts_pixels() -> None:
    rng = np.random.default_rng(0)
    segments = [segment(int(rng.integers(4)), int(rng.integers(4)), int(rng.integers(1, 50)), 4) for _ in range(30)]
    truth = np.concatenate([np.full(one.area, one.truth) for one in segments])
    said = np.concatenate([np.full(one.area, one.answer) for one in segments])
    ious = [((truth == c) & (said == c)).sum() / ((truth == c) | (said == c)).sum() for c in range(4)]
    assert mean_iou(segments, 4) == pytest.approx(np.mean(ious))


def test_average_precision_by_hand() -> None:
    """Ranked hit, miss, hit: precision 1 up to recall 1/2, then 2/3."""
    rows = [(0, 0.9), (1, 0.8), (0, 0.7)]
    segments = [LabelledSegment(truth, 1, np.array([score, 0.0], np.float32)) for truth, score in rows]
    expected = (51 * 1 + 50 * 2 / 3) / 101
    assert average_precision(segments, [0]) == pytest.approx(1.0), "the other class is no thing: it takes no part"
    both = average_precision(segments, [0, 1])
    # Class 1 is scored 0 everywhere: its one segment stands second in the given order.
    assert both == pytest.approx((expected + 1 / 2) / 2)


def test_nothing_is_no_number() -> None:
    assert all(map(math.isnan, (panoptic_quality([], 3), mean_iou([], 3), average_precision([], [0]), accuracy([]))))


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """One picture with a thing, a stretch of stuff, a crowd, and a category that COCO does not have."""
    fakes.picture().save(tmp_path / "one.png")
    annotations = []
    for number, (name, crowd) in enumerate((("red", 0), ("blue", 0), ("green", 1), ("red", 0)), 1):
        rle = coco_masks.encode(np.asfortranarray(fakes.shape(name).astype(np.uint8)))
        box = [float(value) for value in coco_masks.toBbox(rle)]
        coded = {"size": rle["size"], "counts": rle["counts"].decode()}
        entry = {"id": number, "image_id": 1, "category_id": number, "bbox": box, "iscrowd": crowd}
        annotations.append({**entry, "segmentation": coded, "area": float(coco_masks.area(rle))})
    names = ["dog", "sky-other-merged", "cat", "unicorn"]
    categories = [{"id": number, "name": name, "isthing": int(number != 2)} for number, name in enumerate(names, 1)]
    images = [{"id": 1, "file_name": "one.png", "width": 360, "height": 270}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "file.json").write_text(json.dumps(content))
    return tmp_path


def test_segments_of_the_vocabulary_are_labelled(annotated: Path) -> None:
    vocabulary = load_vocabulary("coco")
    photographs = read_photographs(annotated / "file.json", annotated)
    scores = np.zeros(133, np.float32)
    segments = list(labelled(photographs, vocabulary, lambda image, masks: [scores for _ in masks]))
    assert [vocabulary.names[one.truth] for one in segments] == ["dog", "sky-other-merged"]
    assert [one.area for one in segments] == [int(fakes.shape(name).sum()) for name in ("red", "blue")]


def test_the_command_measures_a_clip(
    annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "mine.txt").write_text("dog\nsky-other-merged\n")
    words = [
        "labels",
        "--coco",
        annotated / "file.json",
        "--pictures",
        annotated,
        "--clip",
        write_clip(tmp_path / "clip"),
    ]
    out = tmp_path / "new" / "figures.json"
    more = ["--size", 64, "--vocabulary", tmp_path / "mine.txt", "--device", "cpu", "--out", out, "--json"]
    assert main([str(word) for word in (*words, *more)]) == 0
    figures = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == figures
    assert (figures["pictures"], figures["segments"]) == (1, 2)
    # Two segments of two classes: none, one or both are right.
    assert figures["accuracy"] in (0, 0.5, 1)
    assert figures["PQ"] == pytest.approx({0: 0, 0.5: 1 / 3, 1: 1}[figures["accuracy"]])
    assert main([str(word) for word in (*words, "--vocabulary", "cityscapes", "--size", 64)]) == 2
