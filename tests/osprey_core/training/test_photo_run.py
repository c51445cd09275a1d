"""Training on photographs is training the whole model on its pictures, only with features that are computed before."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from osprey_core.config import PhotoTowerConfig
from osprey_core.engine import Osprey
from osprey_core.language.prompts import Turn
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.model.towers import PhotoTower, build_photo_tower
from osprey_core.runtime.close_ups import close_up, pooled_close_ups
from osprey_core.runtime.photo_levels import PhotoEncoder, photo_pixels
from osprey_core.training import photo_run
from osprey_core.training.batches import IGNORED
from osprey_core.training.dialogues import DialogueOptions, sample
from osprey_core.training.objectives import RegionNamer
from osprey_core.training.photo_batches import (
    SeenRegions,
    Statistics,
    encode,
    fold,
    make_batch,
    token_names,
    tower_dims,
)
from osprey_core.training.photo_pool import EncodedPool, encoded_pictures, load_shard, save_shard, together
from osprey_core.training.photo_run import PhotoRun, PhotoTraining, answer_loss
from osprey_core.training.photo_start import KnownRegions, begin_photo_linears, grown
from osprey_core.training.photo_stream import PictureSource, PictureStream, RawPicture, raw_picture
from osprey_core.training.scenes.scene import SceneOptions
from tests.tiny import tiny_osprey

PHOTO = PhotoTowerConfig(close_up_size=64)


@pytest.fixture(scope="module")
def model() -> Osprey:
    return tiny_osprey(context=2000)


@pytest.fixture(scope="module")
def tower() -> PhotoTower:
    torch.manual_seed(0)
    built = build_photo_tower()
    for parameter in built.parameters():
        if parameter.ndim > 1:
            torch.nn.init.kaiming_normal_(parameter)
    return built


def made(seed: int = 11) -> Any:
    options = DialogueOptions(
        SceneOptions(short_side_px=(96, 96), max_objects=3), max_turns=2, single_turn_share=0, exact_masks=True
    )
    return sample(seed, options)


@pytest.fixture(scope="module")
def picture(model: Osprey) -> RawPicture:
    return raw_picture("photo", [made()], model.prompts, grown(model.network, PHOTO).config)


def statistics_of(seed: int = 0) -> Statistics:
    rng = torch.Generator().manual_seed(seed)
    width = sum(tower_dims(PHOTO).values())
    maps = sum(PHOTO.channels[name] for name in PHOTO.image_levels)
    spread = [torch.rand(count, generator=rng) + 0.5 for count in (width, width, maps, maps)]
    return Statistics(spread[0] - 1, spread[1], spread[2] - 1, spread[3])


def test_a_shard_is_read_as_it_was_written(
    model: Osprey, tower: PhotoTower, picture: RawPicture, tmp_path: Path
) -> None:
    encoded = encode(grown(model.network, PHOTO), tower, [picture, picture], False)
    save_shard(tmp_path / "a.pt", encoded_pictures(encoded, [picture, picture]))
    first, second = load_shard(tmp_path / "a.pt")
    assert first.names == picture.names
    assert torch.equal(first.talks[0].ids, picture.talks[0].ids)
    again = together([first, second], torch.device("cpu"))
    for name, tensor in vars(encoded).items():
        assert torch.allclose(getattr(again, name).float(), tensor.float(), rtol=2e-3, atol=2e-3), name


def test_folding_is_undone_by_its_inverse(model: Osprey) -> None:
    network = grown(model.network, PHOTO)
    for name in ("photo_res2", "close_up_head"):
        network.mask_extractor.get_submodule(name).weight.data.normal_()  # type: ignore[operator]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fold(network, statistics_of())
    folded = network.state_dict()["mask_extractor.close_up_head.weight"]
    assert not torch.allclose(folded, before["mask_extractor.close_up_head.weight"])
    fold(network, statistics_of(), inverse=True)
    for name, tensor in network.state_dict().items():
        assert torch.allclose(tensor, before[name], rtol=1e-3, atol=1e-4), name


@torch.inference_mode()
def test_the_loss_is_that_of_the_whole_model_on_the_picture(
    model: Osprey, tower: PhotoTower, picture: RawPicture
) -> None:
    network = grown(model.network, PHOTO).eval()
    torch.manual_seed(0)
    for name in ("photo_res2", "photo_res4", "photo_head", "close_up_res3", "close_up_head"):
        network.mask_extractor.get_submodule(name).weight.data.normal_(0, 0.05)  # type: ignore[operator]
    network.mm_projector.get_submodule("0").weight.data[:, 160:].normal_(0, 0.05)  # type: ignore[index]
    dialogue = made()
    turns = [Turn(t.question, t.answer, t.known_regions) for t in dialogue.dialogue]
    prompt, learned = model.prompts.transcript(turns, len(dialogue.masks))
    encoder = PhotoEncoder(tower, torch.device("cpu"))
    photo = encoder.encode(photo_pixels(dialogue.image)[None])
    shown = [dialogue.masks[k] for k in prompt.regions]
    near = pooled_close_ups(encoder, [close_up(dialogue.image, mask, 64, PHOTO.close_up_margin) for mask in shown])
    masks = [torch.from_numpy(np.stack(shown))]
    ids = torch.tensor([prompt.ids])
    logits = network(ids, image_to_tensor(dialogue.image, 64)[None], masks, photo, [near])[0]
    count = network.config.vision.image_token_count
    place = prompt.ids.index(-200)
    targets = [(i + count - 2, prompt.ids[i]) for i in range(place + 1, len(prompt.ids)) if learned[i]]
    log_probabilities = torch.log_softmax(logits, -1)
    whole = -sum(float(log_probabilities[at, token]) for at, token in targets) / len(targets)
    statistics = statistics_of()
    fold(network, statistics, inverse=True)
    batch = make_batch(encode(network, tower, [picture], False), [picture], statistics, {})
    told = answer_loss(network, batch, PhotoTraining(start_weight=1.0), RegionNamer(32, 1), False)
    assert float(told["answers"]) == pytest.approx(whole, rel=5e-3)


def test_an_image_token_has_the_name_of_the_one_thing_in_it(model: Osprey, tower: PhotoTower) -> None:
    encoded = encode(grown(model.network, PHOTO), tower, [_without_regions_but(3, model)], False)
    encoded.cells[:] = False
    encoded.cells[0, :2] = encoded.cells[1, 1:3] = encoded.cells[2, 2] = True
    names = torch.tensor([4, 4, 7])
    assert token_names(encoded, names, 1)[0, :4].tolist() == [4, 4, IGNORED, IGNORED]


def _without_regions_but(count: int, model: Osprey) -> RawPicture:
    config = grown(model.network, PHOTO).config
    for seed in range(200):
        found = raw_picture("photo", [made(seed)], model.prompts, config)
        if len(found.names) == count:
            return found
    raise AssertionError("no scene with so many regions")


def test_the_ridge_brings_photographed_things_to_the_token_of_their_name(model: Osprey, tower: PhotoTower) -> None:
    """Two clusters of features, one of a drawn name: their regions' sums lie near that name's, drawn ones stay."""
    network = grown(model.network, PHOTO)
    width = sum(tower_dims(PHOTO).values())
    own = sum(network.config.vision.level_dims)
    torch.manual_seed(0)
    centres = torch.randn(2, width) * 2

    def cluster(which: int) -> torch.Tensor:
        return torch.cat([torch.zeros(40, own), centres[which] + 0.1 * torch.randn(40, width)], 1)

    photographed = KnownRegions(torch.cat([cluster(0), cluster(1)]), ("dog",) * 40 + ("kite",) * 40)
    drawn_features = torch.cat([torch.randn(2, own).repeat(20, 1), 0.1 * torch.randn(40, width)], 1)
    drawn = KnownRegions(drawn_features, ("dog", "cat") * 20)
    tower_part = torch.cat([photographed.features[:, -width:], drawn.features[:, -width:]])
    maps = statistics_of()
    statistics = Statistics(tower_part.mean(0), tower_part.std(0) + 1e-3, maps.map_mean, maps.map_std)
    extractor = network.mask_extractor

    def summed(features: torch.Tensor) -> torch.Tensor:
        values = torch.cat([features[:, :own], (features[:, own:] - statistics.pooled_mean) / statistics.pooled_std], 1)
        parts = values.split(list(network.config.vision.pooled_dims.values()), 1)
        names = network.config.vision.pooled_dims
        return sum(extractor.get_submodule(n)(part) for n, part in zip(names, parts, strict=True))

    with torch.no_grad():
        before = summed(drawn.features)
        begin_photo_linears(network, photographed, drawn, statistics, tower, ridge=0.01, prior=0.0)
        dog = before[::2].mean(0)
        assert (summed(drawn.features) - before).norm(dim=1).max() < 0.2 * (before[0] - before[1]).norm()
        dogs, kites = summed(cluster(0)), summed(cluster(1))
        assert (dogs - dog).norm(dim=1).max() < 0.3 * (kites - dog).norm(dim=1).min()


def test_a_picture_of_the_stream_is_the_same_whoever_makes_it(model: Osprey, tmp_path: Path) -> None:
    config = grown(model.network, PHOTO).config
    one, other = (PictureStream(PictureSource(tmp_path, None), model.prompts, config, 0, 2, 50) for _ in range(2))
    first, again = one[3], other[3]
    assert first.names == again.names
    assert torch.equal(first.close_ups, again.close_ups)
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(first.talks, again.talks, strict=True))
    assert not torch.equal(first.pixel_values, one[4].pixel_values)


def test_regions_are_drawn_half_from_photographs_and_rarer_names_more_often(
    model: Osprey, tower: PhotoTower, picture: RawPicture
) -> None:
    encoded = encode(grown(model.network, PHOTO), tower, [picture], False)
    seen = SeenRegions(model.prompts, 1000)
    kinds = {"photo": picture, "scene": RawPicture(**{**vars(picture), "kind": "scene"})}
    for kind, times in (("photo", 9), ("scene", 1)):
        for _ in range(times):
            seen.add(encoded, [kinds[kind]])
    named = sum(bool(name) for name in picture.names)
    drawn = seen.draw(random.Random(0), 100)
    assert sum(place < 9 * named for place in drawn) == 50
    batch = seen.batch(drawn, statistics_of(), {picture.names[0]: 0}, random.Random(0))
    assert batch.ids.shape[0] == 100
    assert batch.joined.ndim == 2


def test_a_run_goes_on_where_it_stopped_and_writes_a_model(
    model: Osprey, tower: PhotoTower, picture: RawPicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_run, "load_photo_tower", lambda: tower)
    monkeypatch.setattr(photo_run, "begin_photo_linears", lambda *_: None)  # one picture is too little for it
    scene = RawPicture(**{**vars(picture), "kind": "scene"})
    network = grown(model.network, PHOTO)
    pictures = [picture, scene]
    save_shard(tmp_path / "a.pt", encoded_pictures(encode(network, tower, pictures, False), pictures))
    options = PhotoTraining(steps=3, photos_per_step=1, scenes_per_step=1, names_per_step=4, close_up_size=64)
    source, cpu = PictureSource(tmp_path, None), torch.device("cpu")
    two = PhotoTraining(**{**vars(options), "steps": 2})
    PhotoRun(tmp_path / "run", model, source, two, cpu, pool=EncodedPool(tmp_path)).train(60)
    run = PhotoRun(tmp_path / "run", model, source, options, cpu, pool=EncodedPool(tmp_path))
    assert run.step == 2
    run.train(60)
    assert run.step == 3
    learned = Osprey.from_pretrained(str(tmp_path / "run" / "last"), "cpu", "float32")
    assert learned.network.config.vision.photo == PHOTO
    assert not torch.equal(learned.network.llm.lm_head.weight, model.network.llm.lm_head.weight)
    encoder = learned.network.vision_tower.state_dict()
    for name, tensor in model.network.vision_tower.state_dict().items():
        assert torch.allclose(encoder[name], tensor, rtol=1e-3, atol=1e-3), name


def test_without_a_pool_pictures_are_made_and_the_encoder_learns(
    model: Osprey, tower: PhotoTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_run, "load_photo_tower", lambda: tower)
    options = PhotoTraining(
        steps=1, photos_per_step=0, scenes_per_step=1, surveyed=1, names_per_step=0, close_up_size=32, warmup=1
    )
    run = PhotoRun(tmp_path, model, PictureSource(tmp_path, None), options, torch.device("cpu"))
    before = {name: tensor.clone() for name, tensor in run.network.vision_tower.state_dict().items()}
    run.train(60)
    after = run.network.vision_tower.state_dict()
    assert any(not torch.equal(after[name], tensor) for name, tensor in before.items())
