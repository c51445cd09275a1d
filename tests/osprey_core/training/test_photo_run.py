"""Training on frozen features is training on the pictures themselves, but for the encoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from osprey_core.config import PhotoTowerConfig
from osprey_core.engine import Osprey
from osprey_core.language.prompts import Turn
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.model.towers import build_photo_tower
from osprey_core.runtime.photo_levels import PhotoEncoder, photo_pixels
from osprey_core.training import frozen, frozen_features
from osprey_core.training.dialogues import DialogueOptions, sample
from osprey_core.training.frozen import FrozenOptions, FrozenRun, answer_loss
from osprey_core.training.frozen_batches import Statistics, fold, make_batch, measure
from osprey_core.training.frozen_features import Freezer, FrozenPicture, load_shard, save_shard
from osprey_core.training.frozen_start import grown
from osprey_core.training.objectives import RegionNamer
from osprey_core.training.scenes.scene import SceneOptions
from tests.tiny import tiny_osprey


@pytest.fixture(scope="module")
def model() -> Osprey:
    return tiny_osprey(context=2000)


@pytest.fixture(scope="module")
def encoder() -> PhotoEncoder:
    torch.manual_seed(0)
    tower = build_photo_tower()
    for parameter in tower.parameters():
        if parameter.ndim > 1:
            torch.nn.init.kaiming_normal_(parameter)
    return PhotoEncoder(tower, torch.device("cpu"))


@pytest.fixture(scope="module")
def picture(model: Osprey, encoder: PhotoEncoder) -> FrozenPicture:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frozen_features, "shared_photo_encoder", lambda: encoder)
        return Freezer(model).freeze("photo", [made()])


def made() -> Any:
    options = DialogueOptions(
        SceneOptions(short_side_px=(96, 96), max_objects=3), max_turns=2, single_turn_share=0, exact_masks=True
    )
    return sample(11, options)


def test_a_shard_is_read_as_it_was_written(picture: FrozenPicture, tmp_path: Path) -> None:
    save_shard(tmp_path / "a.pt", [picture])
    (read,) = load_shard(tmp_path / "a.pt")
    assert read.names == picture.names
    assert torch.equal(read.pooled, picture.pooled)
    assert torch.equal(read.talks[0].ids, picture.talks[0].ids)


def test_folding_is_undone_by_its_inverse(model: Osprey, picture: FrozenPicture) -> None:
    network = grown(model.network)
    for name in ("photo_res2", "photo_head"):
        network.mask_extractor.get_submodule(name).weight.data.normal_()  # type: ignore[operator]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    statistics = statistics_of(picture)
    fold(network, statistics)
    folded = network.state_dict()["mask_extractor.photo_head.weight"]
    assert not torch.allclose(folded, before["mask_extractor.photo_head.weight"])
    fold(network, statistics, inverse=True)
    for name, tensor in network.state_dict().items():
        assert torch.allclose(tensor, before[name], rtol=1e-3, atol=1e-4), name


def statistics_of(picture: FrozenPicture) -> Statistics:
    statistics = measure([picture], PhotoTowerConfig())
    rng = torch.Generator().manual_seed(0)
    statistics.pooled_std = torch.rand(len(statistics.pooled_std), generator=rng) + 0.5
    return statistics


@torch.inference_mode()
def test_the_loss_is_that_of_the_whole_model_on_the_picture(
    model: Osprey, encoder: PhotoEncoder, picture: FrozenPicture
) -> None:
    network = grown(model.network).eval()
    torch.manual_seed(0)
    for name in ("photo_res2", "photo_res4", "photo_head"):
        network.mask_extractor.get_submodule(name).weight.data.normal_(0, 0.05)  # type: ignore[operator]
    network.mm_projector.get_submodule("0").weight.data[:, 160:].normal_(0, 0.05)  # type: ignore[index]
    dialogue = made()
    turns = [Turn(t.question, t.answer, t.known_regions) for t in dialogue.dialogue]
    prompt, learned = model.prompts.transcript(turns, len(dialogue.masks))
    photo = encoder.encode(photo_pixels(dialogue.image)[None])
    masks = [torch.from_numpy(np.stack([dialogue.masks[k] for k in prompt.regions]))]
    logits = network(torch.tensor([prompt.ids]), image_to_tensor(dialogue.image, 64)[None], masks, photo)[0]
    count = network.config.vision.image_token_count
    place = prompt.ids.index(-200)
    targets = [(i + count - 2, prompt.ids[i]) for i in range(place + 1, len(prompt.ids)) if learned[i]]
    log_probabilities = torch.log_softmax(logits, -1)
    whole = -sum(float(log_probabilities[at, token]) for at, token in targets) / len(targets)
    statistics = statistics_of(picture)
    fold(network, statistics, inverse=True)
    batch = make_batch([picture], statistics, PhotoTowerConfig(), {})
    namer = RegionNamer(32, 1)
    told = answer_loss(network, batch, FrozenOptions(start_weight=1.0), namer, False)
    assert float(told["answers"]) == pytest.approx(whole, rel=2e-3)


def test_a_run_goes_on_where_it_stopped_and_writes_a_model(
    model: Osprey, picture: FrozenPicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "begin_photo_linears", lambda *_: None)
    monkeypatch.setattr(frozen, "load_photo_tower", lambda: None)
    scene = FrozenPicture("scene", picture.maps, picture.pooled, picture.shapes, picture.names, picture.talks)
    save_shard(tmp_path / "a.pt", [picture, scene])
    options = FrozenOptions(steps=3, photos_per_step=1, scenes_per_step=1)
    FrozenRun(tmp_path / "run", model, tmp_path, FrozenOptions(**{**vars(options), "steps": 2})).train(60)
    run = FrozenRun(tmp_path / "run", model, tmp_path, options)
    assert run.step == 2
    run.train(60)
    assert run.step == 3
    learned = Osprey.from_pretrained(str(tmp_path / "run" / "last"), "cpu", "float32")
    assert learned.network.config.vision.photo == PhotoTowerConfig()
    assert not torch.equal(learned.network.llm.lm_head.weight, model.network.llm.lm_head.weight)
