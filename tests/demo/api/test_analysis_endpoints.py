"""The closer looks over HTTP with gradio_client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from osprey_core.analysis import clip_labels
from osprey_core.analysis.feature_similarity import similarity_maps
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.regions.rle import decode_rle
from osprey_core.vocabularies import load_vocabulary
from tests import fakes
from tests.clip import loaded_clip
from tests.tiny import tiny_osprey

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models() -> tuple[Any, fakes.FakeModel]:
    """A complete small model, whose answers are short, and one that tells what it was asked."""
    return tiny_osprey(context=256), fakes.FakeModel(name="another")


@pytest.fixture(scope="module")
def address(models: tuple[Any, fakes.FakeModel], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tiny, other = models
    folder = tmp_path_factory.mktemp("none")
    with fakes.served(tiny, fakes.FakeSegmenter(), folder, second=other, clip=loaded_clip()) as address:
        yield address


@pytest.fixture
def client(address: str, tmp_path: Path) -> Client:
    """Red is region 1, blue region 2."""
    fakes.picture().save(tmp_path / "mine.png")
    client = Client(address, verbose=False)
    client.predict(handle_file(str(tmp_path / "mine.png")), api_name="/open_picture")
    for x, y in ((80, 100), (250, 110)):
        client.predict(x, y, "new", api_name="/segment_point")
    return client


def test_labels_are_judged(client: Client, models: tuple[Any, fakes.FakeModel]) -> None:
    view = models[0].open(fakes.picture())
    found = client.predict(["a cat", "dog"], "all", "mean", api_name="/judge")
    for region, name in zip(found, ("red", "blue"), strict=True):
        assert (decode_rle(region["rle"]) == fakes.shape(name)).all()
        expected = score_labels(view, fakes.shape(name), ["a cat", "dog"], rank_by="mean")
        assert [one["label"] for one in region["labels"]] == [one.label for one in expected.ranked]
        assert [one["share"] for one in region["labels"]] == pytest.approx([one.share for one in expected.ranked])
        assert region["uncertain"] == expected.is_uncertain
        (seen,) = clip_labels.score_labels(loaded_clip().open(fakes.picture()), [fakes.shape(name)], ["a cat", "dog"])
        assert {one["label"]: one["clip_share"] for one in region["labels"]} == pytest.approx(
            {score.label: score.share for score in seen.ranked}, abs=1e-5
        )
        assert region["clip_on_list"] == pytest.approx(seen.on_list, abs=1e-5)


def test_everything_is_labelled_by_the_clip(client: Client) -> None:
    finds = client.predict("own: dog, stone wall, sea", api_name="/describe_everything")
    assert [find["index"] for find in finds] == [0, 1, 2]
    clip = loaded_clip()
    view = clip.open(fakes.picture())
    masks = [scored.mask for scored in fakes.FakeSegmenter().open(np.array(fakes.picture())).everything()]
    for find, scores in zip(finds, clip_labels.score_labels(view, masks, ["dog", "stone wall", "sea"]), strict=True):
        assert find["caption"] == find["name"] == scores.ranked[0].label
        assert find["confidence"] == pytest.approx(scores.ranked[0].share * scores.on_list, abs=1e-3)
    assert {find["caption"] for find in client.predict("cityscapes", api_name="/describe_everything")} <= set(
        load_vocabulary("cityscapes").names
    )


def test_everything_is_described_by_both_models(client: Client, models: tuple[Any, fakes.FakeModel]) -> None:
    models[1].unable = "blue"
    try:
        finds = client.predict("category", api_name="/describe_everything")
    finally:
        models[1].unable = "nothing"
    assert [find["index"] for find in finds] == [0, 1, 2]
    areas = [scored.mask.sum() for scored in fakes.FakeSegmenter().open(np.array(fakes.picture())).everything()]
    for find, area in zip(finds, areas, strict=True):
        assert find["compared"].pop("model") == "another"
        if area == fakes.shape("blue").sum():
            assert find["compared"] == {"error": "The answer of another was cut off; try again."}
        else:
            assert f"area={area} " in find["compared"]["caption"]


def test_the_maps_of_a_region(client: Client, models: tuple[Any, fakes.FakeModel]) -> None:
    found = client.predict(1, api_name="/similarity")
    expected = similarity_maps(models[0].open(fakes.picture()), fakes.shape("red"))
    assert [one["level"] for one in found] == list(expected)
    for one in found:
        assert np.array(one["heat"]) == pytest.approx(expected[one["level"]], abs=1e-4)
        assert one["size_hw"] == list(expected[one["level"]].shape)
        assert one["region"]["number"] == 1


def test_answers_with_and_without_the_region_and_several_samples(client: Client) -> None:
    found = client.predict("What?", 0, 1, 4, None, api_name="/ablation")
    assert [one["without"] for one in found] == [[], ["mask", "pos"], ["mask"], ["pos"]]
    found = client.predict("What?", 3, 0.9, 1, 4, 5, api_name="/samples")
    assert [one["seed"] for one in found] == [5, 6, 7]
    again = client.predict("What?", 3, 0.9, 1, 4, 5, api_name="/samples")
    assert again == found


def test_two_models_are_compared(client: Client, models: tuple[Any, fakes.FakeModel]) -> None:
    found = client.predict("What is @1?", 0, 1, 8, None, api_name="/compare_models")
    assert [one["model"] for one in found] == [models[0].name, "another"]
    assert "area=8000" in found[1]["answer"]


@pytest.mark.parametrize(
    ("endpoint", "arguments", "sentence"),
    [
        ("/describe_everything", ("own: dog",), "at least two different labels"),
        ("/judge", (["one"], "all", "sum"), "at least two different labels"),
        ("/judge", (["one", "two"], "some", "sum"), "no such choice"),
        ("/judge", (["one", "two"], "all", "best"), "no such choice"),
        ("/similarity", (9,), "no such choice"),
        ("/samples", ("What?", 99, 0.9, 1, 4, 5), "2 to 8 samples"),
        ("/ablation", ("What is @7?", 0, 1, 4, None), "no region @7"),
    ],
)
def test_mistakes_are_one_sentence(client: Client, endpoint: str, arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        client.predict(*arguments, api_name=endpoint)
