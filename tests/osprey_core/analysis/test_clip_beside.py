"""The CLIP beside an Osprey: its image side is the checkpoint's own where that holds the head, else the CLIP's file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from osprey_core.analysis.open_vocabulary import OpenVocabulary
from osprey_core.backends.loading import load_clip_beside
from osprey_core.config import OspreyConfig
from osprey_core.engine import Osprey
from osprey_core.model.clip import ClipNetwork
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.runtime import clip_loading
from tests.clip import seeded_clip, write_clip
from tests.tiny import tiny_config, tiny_osprey

PICTURE = np.random.default_rng(0).integers(0, 255, (90, 130, 3), dtype=np.uint8)
WHOLE = np.ones((90, 130), bool)
TOWER = "model.vision_tower.vision_tower."


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(OspreyConfig, "from_published", classmethod(lambda cls, values: tiny_config()))


def published(folder: Path, clip: Any, with_head: bool = True) -> Osprey:
    """A small Osprey, loaded from the published layout, whose vision tower is this CLIP's."""
    names = {"vision_tower.": None, "mm_projector.": "model.mm_projector.", "llm.": ""}
    tensors = {}
    for name, tensor in tiny_osprey().network.state_dict().items():
        kind = next((prefix for prefix in names if name.startswith(prefix)), "")
        if kind and names[kind] is None:
            continue
        tensors[f"{names[kind]}{name.removeprefix(kind)}" if kind else name] = tensor
    for name, tensor in clip.visual.state_dict().items():
        if with_head or not (name.startswith(("head.", "trunk.head."))):
            tensors[f"{TOWER}visual.{name}"] = tensor
    folder.mkdir()
    tiny_osprey().save(folder)
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "osprey"}))
    return Osprey.from_pretrained(str(folder), "cpu")


def other_clip() -> Any:
    """A CLIP of the same shapes with other weights."""
    clip = open_clip.model.CLIP(
        48,
        {"timm_model_name": "convnext_atto", "timm_pool": "", "timm_proj": "mlp", "image_size": 64},
        {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    )
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, tensor in clip.visual.named_parameters():
            noise = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(
                0.3 + 0.05 * noise if name.endswith("gamma") else tensor + 0.3 * tensor.std().nan_to_num(0) * noise
            )
    return clip.eval()


def vector_of(clip: Any) -> torch.Tensor:
    with torch.inference_mode():
        return clip.encode_image(image_to_tensor(PICTURE, 64)[None], normalize=True)


def test_image_side_of_the_checkpoint_and_text_side_of_the_file(tmp_path: Path, clip_folder: Path) -> None:
    other = other_clip()
    ours = OpenVocabulary.beside(published(tmp_path / "osprey", other), str(clip_folder))
    assert ours.image_size == 64
    assert torch.allclose(ours.open(PICTURE).embed([WHOLE]), vector_of(other), atol=1e-5)
    assert float((vector_of(other) - vector_of(seeded_clip())).norm()) > 0.1
    with torch.inference_mode():
        words = seeded_clip().encode_text(open_clip.get_tokenizer("ViT-B-32")(["a dog"]), normalize=True)
    assert torch.allclose(ours.embed_texts(["a dog"], ["{}"]), words, atol=1e-5)


def test_tower_and_features_are_shared(tmp_path: Path, clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = published(tmp_path / "osprey", other_clip())
    ours = OpenVocabulary.beside(model, str(clip_folder))
    assert ours.shared_with is model
    own = {id(parameter) for parameter in ours.network.visual.trunk.stages.parameters()}
    assert own <= {id(parameter) for parameter in model.network.vision_tower.parameters()}
    mask = WHOLE.copy()
    mask[:, 40:] = False
    expected = ours.open(PICTURE).embed([mask, WHOLE])
    view = model.open(PICTURE)
    monkeypatch.setattr(ClipNetwork, "res5", None)  # the picture is not encoded again
    assert torch.allclose(ours.open_beside(view, PICTURE).embed([mask, WHOLE]), expected, atol=1e-5)


def test_without_the_head_everything_is_the_files(tmp_path: Path, clip_folder: Path) -> None:
    model = published(tmp_path / "osprey", other_clip(), with_head=False)
    ours = OpenVocabulary.beside(model, str(clip_folder))
    assert ours.shared_with is None
    assert torch.allclose(
        ours.open_beside(model.open(PICTURE), PICTURE).embed([WHOLE]), vector_of(seeded_clip()), atol=1e-5
    )


def test_a_converted_checkpoint_shares_the_tower_that_is_the_files(tmp_path: Path, clip_folder: Path) -> None:
    published(tmp_path / "osprey", seeded_clip()).save(tmp_path / "own")
    model = Osprey.from_pretrained(str(tmp_path / "own"), "cpu")
    ours = OpenVocabulary.beside(model, str(clip_folder))
    assert ours.shared_with is model
    view = model.open(PICTURE)
    assert torch.allclose(ours.open_beside(view, PICTURE).embed([WHOLE]), vector_of(seeded_clip()), atol=1e-5)


def test_a_head_of_another_shape_is_not_used(tmp_path: Path, clip_folder: Path) -> None:
    folder = tmp_path / "osprey"
    published(folder, seeded_clip())
    tensors = {name: tensor.clone() for name, tensor in published_tensors(folder).items()}
    tensors[f"{TOWER}visual.head.mlp.fc2.weight"] = torch.zeros(12, 320)
    save_file(tensors, folder / "model.safetensors")
    ours = OpenVocabulary.beside(Osprey.from_pretrained(str(folder), "cpu"), str(clip_folder))
    assert torch.allclose(ours.open(PICTURE).embed([WHOLE]), vector_of(seeded_clip()), atol=1e-5)


def published_tensors(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_clip_beside_a_model_is_its_own_one(tmp_path: Path, clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "clip" is the CLIP of the published tower; any other name stands for itself."""
    files = clip_loading.find_clip(str(clip_folder))
    monkeypatch.setattr("osprey_core.analysis.open_vocabulary.find_clip", lambda name: files)
    model = published(tmp_path / "osprey", other_clip())
    assert load_clip_beside("clip", model, "cpu").shared_with is model
    assert load_clip_beside(str(clip_folder), model, "cpu").shared_with is None
    assert load_clip_beside("clip", None, "cpu").shared_with is None
    shutil.rmtree(tmp_path / "osprey")
