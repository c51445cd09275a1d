"""Scales of confidence: fitted to what was right, for each network by itself where a model has two."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from osprey_core.config import OspreyConfig, PhotographsConfig
from osprey_core.evaluation.confidence import (
    DRAWN,
    PHOTOGRAPHED,
    ProbableName,
    _write,
    asked_mask,
    summarise_confidence,
)
from osprey_core.evaluation.questions import Question
from tests.tiny import tiny_config


def names_of(kind: str, probability: float, share_right: float, count: int = 200) -> list[ProbableName]:
    rng = np.random.default_rng(0)
    spread = np.clip(probability + rng.normal(0, 0.02, count), 0.01, 0.99)
    first = 0 if kind == PHOTOGRAPHED else 10**9
    return [
        ProbableName(kind, first + place // 4, float(p), bool(rng.random() < share_right))
        for place, p in enumerate(spread)
    ]


def test_each_kind_has_its_own_scale_where_a_network_answers_about_each() -> None:
    """Both kinds come with a probability of 0.9; half of the photographed names are right, nearly all drawn ones."""
    names = [*names_of(PHOTOGRAPHED, 0.9, 0.5), *names_of(DRAWN, 0.9, 0.95)]
    apart, joint = summarise_confidence(names, [], apart=True), summarise_confidence(names, [])
    assert set(apart["scales"]) == {PHOTOGRAPHED, DRAWN}
    assert set(joint["scales"]) == {"all"}
    for kind in (PHOTOGRAPHED, DRAWN):
        assert apart["kinds"][kind]["error"] < 0.1
        assert joint["kinds"][kind]["error"] > 0.15
    assert apart["kinds"][PHOTOGRAPHED]["error before"] == pytest.approx(0.4, abs=0.1)


def test_confidence_tells_known_things_from_unknown_ones() -> None:
    names = [*names_of(DRAWN, 0.95, 0.97), *names_of(DRAWN, 0.3, 0.2)]
    unknown = names_of(DRAWN, 0.2, 0.0)
    found = summarise_confidence(names, unknown)["unknown"]
    assert found["count"] == 200
    assert found["auroc known against unknown"] > 0.9
    assert found["mean confidence"] < 0.3


def test_scales_are_written_where_their_network_reads_them(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    path = tmp_path / "config.json"
    config = tiny_config()
    path.write_text(json.dumps({**config.to_dict(), "photographs": {}}))
    _write(str(tmp_path), {PHOTOGRAPHED: (0.5, -1.0), DRAWN: (2.0, 0.25)}, 0.4)
    read = OspreyConfig.from_dict(json.loads(path.read_text()))
    assert (read.confidence.slope, read.confidence.offset, read.confidence.unsure_below) == (2.0, 0.25, 0.4)
    assert read.photographs == PhotographsConfig(confidence=type(read.confidence)(0.5, -1.0, 0.4))
    assert read.of_photographs.confidence.slope == 0.5


@pytest.mark.parametrize(
    ("text", "place"), [("What is it?", 0), ("Name <region2>.", 1), ("Is <region1> left of it?", 0)]
)
def test_the_region_that_a_question_mentions_is_named(text: str, place: int) -> None:
    masks = tuple(np.full((2, 2), bool(number)) for number in range(2))
    assert asked_mask(Question("category", text, masks, (), "a", ("a",))) is masks[place]
