"""Regions and words get the vectors that open_clip itself computes, and are compared as the papers say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from osprey_core.analysis import open_vocabulary
from osprey_core.analysis.open_vocabulary import (
    TEMPLATES,
    EmbeddedVocabulary,
    OpenVocabulary,
    class_scores,
    geometric_ensemble,
)
from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError
from osprey_core.model import clip
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.vocabularies import Vocabulary, VocabularyClass, vocabulary_of
from tests.clip import MODEL_CFG, seeded_clip, write_clip

PICTURE = np.random.default_rng(0).integers(0, 255, (90, 130, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> OpenVocabulary:
    return OpenVocabulary.from_pretrained(str(folder), "cpu", image_size=128, cache_folder=tmp_path_factory.mktemp("c"))


def test_a_mask_over_the_whole_picture_gives_open_clips_image_vector(model: OpenVocabulary) -> None:
    with torch.inference_mode():
        pixels = image_to_tensor(PICTURE, 128)[None]
        expected = seeded_clip().encode_image(pixels, normalize=True)
    ours = model.open(PICTURE).embed([np.ones((90, 130), bool)])
    assert torch.allclose(ours, expected, atol=1e-5)
    assert float(expected.std()) > 0.01


def test_texts_get_open_clips_vectors(model: OpenVocabulary) -> None:
    texts = ["a dog", "the sea", "x " * 200, "é 描述", ""]
    ids = open_clip.get_tokenizer("ViT-B-32")(texts)
    with torch.inference_mode():
        expected = seeded_clip().encode_text(ids, normalize=True)
    ours = model.embed_texts(texts, ["{}"])
    assert torch.allclose(ours, expected, atol=1e-5)
    assert float((expected[0] - expected[1]).norm()) > 0.1


def test_templates_are_averaged_as_vectors_of_length_one(model: OpenVocabulary) -> None:
    ids = open_clip.get_tokenizer("ViT-B-32")([template.format("red car") for template in TEMPLATES])
    with torch.inference_mode():
        expected = F.normalize(seeded_clip().encode_text(ids, normalize=True).mean(0), dim=-1)
    assert len(TEMPLATES) == 14
    assert torch.allclose(model.embed_texts(["red car"])[0], expected, atol=1e-5)


def test_a_region_is_the_heads_answer_to_the_mean_of_its_cells(model: OpenVocabulary) -> None:
    mask = np.zeros((90, 130), bool)
    mask[10:40, 70:125] = True
    network = seeded_clip().visual
    with torch.inference_mode():
        res5 = network.trunk.forward_features(image_to_tensor(PICTURE, 128)[None])  # (1, C, 4, 4)
        grid = F.interpolate(torch.from_numpy(mask)[None, None].float(), res5.shape[-2:], mode="bilinear")[0, 0] > 0
        mean = res5[0][:, grid].mean(1)
        expected = F.normalize(network.head(network.trunk.head(mean[None, :, None, None])), dim=-1)
    assert 0 < int(grid.sum()) < 16
    assert torch.allclose(model.open(PICTURE).embed([mask]), expected, atol=1e-5)


def test_many_regions_are_those_of_one_at_a_time(model: OpenVocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = [np.zeros((90, 130), bool) for _ in range(5)]
    for place, mask in enumerate(masks):
        mask[place * 10 : place * 10 + 30, place * 20 : place * 20 + 25] = True
    stack = torch.from_numpy(np.stack(masks))
    view = model.open(PICTURE)
    single = view.embed(masks)
    monkeypatch.setattr(clip, "MASKS_AT_ONCE", 2)
    with torch.inference_mode():
        together = model.network.embed_regions(model.network.res5(image_to_tensor(PICTURE, 128)[None]), stack)
    assert torch.allclose(single, together, atol=1e-5)
    assert view.embed([]).shape == (0, 48)


def test_chunks_of_texts_change_nothing(model: OpenVocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["dog", "a very long name of a thing that nobody sees", "sea", "car"]
    whole = model.embed_texts(texts, ["a {}"])
    monkeypatch.setattr(clip, "TEXTS_AT_ONCE", 2)
    assert torch.allclose(model.embed_texts(texts, ["a {}"]), whole, atol=1e-5)


def test_a_tiny_region_does_not_vanish(model: OpenVocabulary) -> None:
    big = np.zeros((900, 1300, 3), np.uint8)
    mask = np.zeros((900, 1300), bool)
    mask[1, 1] = True  # between the sampled pixels of a 4 x 4 grid
    vector = model.open(big).embed([mask])
    assert torch.isfinite(vector).all()
    assert float(vector.norm()) == pytest.approx(1, abs=1e-5)


def test_an_empty_mask_is_refused(model: OpenVocabulary) -> None:
    with pytest.raises(InputError):
        model.open(PICTURE).embed([np.zeros((90, 130), bool)])


def test_scores_are_the_softmax_over_the_best_word_of_each_class() -> None:
    vocabulary = Vocabulary("v", (VocabularyClass("dog", ("dog", "puppy")), VocabularyClass("sky", ("sky",))))
    vectors = F.normalize(torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]), dim=-1)
    background = EmbeddedVocabulary(vocabulary_of(["nothing"]), F.normalize(torch.tensor([[1.0, 1, 1]]), dim=-1))
    regions = F.normalize(torch.tensor([[0.1, 0.9, 0.2], [0, 0, 1.0]]), dim=-1)
    scores = class_scores(regions, EmbeddedVocabulary(vocabulary, vectors), 10.0, background)
    first = regions[0].numpy()
    assert scores.cosines[0] == pytest.approx([first[1], first[2]], abs=1e-6)
    logits = 10 * np.array([first[1], first[2], first.sum() / np.sqrt(3)])
    expected = np.exp(logits) / np.exp(logits).sum()
    assert scores.probabilities[0] == pytest.approx(expected[:2], abs=1e-5)
    assert scores.best(1)[0][0] == "sky"
    assert class_scores(regions, EmbeddedVocabulary(vocabulary, vectors), 10.0).probabilities.sum(1) == pytest.approx(1)


def test_the_geometric_ensemble_has_its_ends_and_middle() -> None:
    one, other = np.array([[0.5, 0.5]], np.float32), np.array([[0.9, 0.1]], np.float32)
    assert geometric_ensemble(one, other, 0) == pytest.approx(one)
    assert geometric_ensemble(one, other, 1) == pytest.approx(other)
    middle = geometric_ensemble(one, other, 0.5)
    assert middle[0, 0] / middle[0, 1] == pytest.approx(3)  # sqrt(0.9 / 0.1)


def test_the_scale_is_at_most_a_hundred(model: OpenVocabulary) -> None:
    assert model.network.scale == pytest.approx(float(seeded_clip().logit_scale.detach().exp()))
    network = clip.build_clip(model.network.config)
    with torch.no_grad():
        network.logit_scale.fill_(9.0)
    assert network.scale == 100


def test_a_vocabulary_is_embedded_once_and_kept_by_its_content(
    model: OpenVocabulary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = OpenVocabulary("again", model.network, 128, cache_folder=tmp_path)
    first = kept.embed(vocabulary_of(["dog", "sea"]))
    files = list(tmp_path.iterdir())
    assert len(files) == 1
    calls: list[Any] = []
    computed = OpenVocabulary.embed_texts

    def noted(*arguments: Any) -> torch.Tensor:
        calls.append(arguments)
        return computed(*arguments)

    monkeypatch.setattr(OpenVocabulary, "embed_texts", noted)
    assert torch.equal(kept.embed(vocabulary_of(["dog", "sea"])).vectors, first.vectors)
    assert not calls
    kept.embed(vocabulary_of(["dog", "car"]))
    kept.embed(vocabulary_of(["dog", "sea"]), ["{}"])
    assert len(calls) == 2
    files[0].write_bytes(b"damaged")
    assert torch.equal(kept.embed(vocabulary_of(["dog", "sea"])).vectors, first.vectors)
    assert len(calls) == 3


def test_other_weights_are_other_vectors(model: OpenVocabulary, folder: Path, tmp_path: Path) -> None:
    tensors = load_file(folder / "open_clip_model.safetensors")
    tensors["ln_final.bias"] = tensors["ln_final.bias"] + 1
    (tmp_path / "open_clip_config.json").write_text((folder / "open_clip_config.json").read_text())
    save_file(tensors, tmp_path / "open_clip_model.safetensors")
    other = OpenVocabulary.from_pretrained(str(tmp_path), "cpu", cache_folder=tmp_path / "cache")
    assert other.text_digest != model.text_digest
    assert other.image_size == open_vocabulary.DEFAULT_SIZE


@pytest.mark.parametrize("size", [0, 63, 500, 4096, -32])
def test_an_impossible_input_size_is_refused(model: OpenVocabulary, size: int) -> None:
    with pytest.raises(InputError) as refusal:
        OpenVocabulary("x", model.network, size)
    assert refusal.value.code == "open_vocabulary.image_size_invalid"


@pytest.mark.parametrize("templates", [[], ["no place"], ["{} and {}"]])
def test_templates_need_one_place(model: OpenVocabulary, templates: list[str]) -> None:
    with pytest.raises(InputError):
        model.embed_texts(["dog"], templates)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vision_cfg": {"image_size": 224, "layers": 12, "width": 768}}, "open_vocabulary.tower_unsupported"),
        ({"text_cfg": {"hf_model_name": "roberta-base"}}, "open_vocabulary.tower_unsupported"),
        ({"text_cfg": None}, "open_vocabulary.config_invalid"),
        ({"embed_dim": 10**9}, "open_vocabulary.config_invalid"),
        ({"embed_dim": 64}, "open_vocabulary.weights_mismatch"),
    ],
)
def test_other_models_are_refused_with_a_sentence(folder: Path, tmp_path: Path, change: dict, code: str) -> None:
    config = {"model_cfg": {**MODEL_CFG, **change}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "open_clip_model.safetensors").symlink_to(folder / "open_clip_model.safetensors")
    with pytest.raises(CheckpointError) as refusal:
        OpenVocabulary.from_pretrained(str(tmp_path), "cpu")
    assert refusal.value.code == code


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError) as refusal:
        OpenVocabulary.from_pretrained(str(tmp_path), "cpu")
    assert refusal.value.code == "checkpoint.config_missing"
