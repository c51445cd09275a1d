"""The photo tower computes what timm's network does, and other encoders give four levels that learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import timm
import torch

from osprey_core.config import LEVEL_NAMES, OspreyConfig, PhotoTowerConfig, VisionConfig
from osprey_core.errors import CheckpointError
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.osprey import blank_photo_levels
from osprey_core.model.towers import PHOTO_LEVEL_DIMS, PHOTO_TOWER_NAME, build_photo_tower, fold_norms
from osprey_core.model.vision import build_vision_encoder
from osprey_core.training.photo_start import grown
from tests.tiny import tiny_config


def trained_like() -> Any:
    """timm's network whose norms have statistics, as after training."""
    torch.manual_seed(0)
    network = timm.create_model(PHOTO_TOWER_NAME, pretrained=False).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return network


@torch.inference_mode()
def test_folded_norms_change_nothing() -> None:
    network = trained_like()
    pixels = torch.randn(1, 3, 64, 64)
    features = network.forward_features(pixels)
    scores = network(pixels)
    stages = network.forward_intermediates(pixels, intermediates_only=True)[1:]
    tower = fold_norms(network)
    levels = tower(pixels)
    for name, stage in zip(LEVEL_NAMES, stages, strict=True):
        assert torch.allclose(levels[name], stage, rtol=1e-3, atol=1e-3)
    assert torch.allclose(levels["head"], features, rtol=1e-3, atol=1e-3)
    assert torch.allclose(tower.classify(levels["head"].mean((2, 3))), scores, rtol=1e-3, atol=1e-3)


def test_the_built_tower_has_the_folded_ones_parameters() -> None:
    folded = fold_norms(trained_like())
    built = build_photo_tower()
    assert {n: t.shape for n, t in built.state_dict().items()} == {n: t.shape for n, t in folded.state_dict().items()}
    assert not list(built.buffers())


@torch.inference_mode()
def test_levels_have_the_strides_and_widths_that_are_promised() -> None:
    levels = build_photo_tower()(torch.zeros(1, 3, 64, 64))
    assert {name: level.shape[1] for name, level in levels.items()} == PHOTO_LEVEL_DIMS
    assert [level.shape[-1] for level in levels.values()] == [16, 8, 4, 2, 2]


@pytest.mark.parametrize(
    ("name", "dims"),
    [
        ("tf_efficientnet_lite0", (24, 40, 112, 320)),
        ("resnet18", (64, 128, 256, 512)),
        ("vit_tiny_patch16_224", (16, 24, 32, 40)),
    ],
)
def test_any_encoder_with_four_levels_learns(name: str, dims: tuple[int, int, int, int]) -> None:
    torch.manual_seed(0)
    encoder = build_vision_encoder(VisionConfig(name, 64, dims))
    levels = encoder(torch.randn(2, 3, 64, 64))
    assert {n: tuple(level.shape) for n, level in levels.items()} == {
        n: (2, dim, 64 // s, 64 // s) for n, dim, s in zip(LEVEL_NAMES, dims, (4, 8, 16, 32), strict=True)
    }
    sum(level.square().mean() for level in levels.values()).backward()
    first = next(encoder.parameters())
    assert first.grad is not None
    assert float(first.grad.abs().sum()) > 0


@pytest.mark.parametrize("name", ["vit_tiny_patch8_224", "no_such_network", "resnet18"])
def test_encoders_that_do_not_fit_are_refused(name: str) -> None:
    with pytest.raises(CheckpointError):
        build_vision_encoder(VisionConfig(name, 64, (1, 2, 3, 4)))


@pytest.fixture(scope="module")
def small() -> OspreyNetwork:
    torch.manual_seed(1)
    return build_network(tiny_config()).eval().requires_grad_(False)


@torch.inference_mode()
def test_a_model_that_is_given_the_tower_answers_as_before(small: OspreyNetwork) -> None:
    wider = grown(small).eval()
    pixels, ids = (
        torch.randn(1, 3, 64, 64),
        torch.tensor([[1, -200, 5, small.config.mask_token_id, small.config.pos_token_id]]),
    )
    masks = [torch.zeros(1, 40, 40)]
    masks[0][:, 5:30, 10:20] = 1
    photo = {n: torch.randn_like(level) for n, level in blank_photo_levels(wider.config.vision, pixels).items()}  # type: ignore[union-attr]
    assert torch.allclose(wider(ids, pixels, masks, photo), small(ids, pixels, masks), atol=1e-5)
    wider.mask_extractor.get_submodule("photo_head").weight.data.normal_()  # type: ignore[operator]
    assert not torch.allclose(wider(ids, pixels, masks, photo), small(ids, pixels, masks), atol=1e-3)


def test_the_towers_levels_are_asked_for_exactly_where_the_config_has_one(small: OspreyNetwork) -> None:
    pixels = torch.zeros(1, 3, 64, 64)
    wider = grown(small)
    with pytest.raises(ValueError, match="photo tower"):
        wider.encode_image(pixels)
    with pytest.raises(ValueError, match="photo tower"):
        small.encode_image(pixels, blank_photo_levels(wider.config.vision, pixels))


def test_the_config_goes_to_json_and_back() -> None:
    config = replace(tiny_config(), vision=replace(tiny_config().vision, photo=PhotoTowerConfig()))
    assert OspreyConfig.from_dict(config.to_dict()) == config
    broken = config.to_dict()
    broken["vision"]["photo"]["name"] = "vgg16"
    with pytest.raises(CheckpointError, match="vgg16"):
        OspreyConfig.from_dict(broken)


@pytest.mark.parametrize("name", ["convnext_large.nope", "vit_tiny_patch16_224.nope"])
def test_a_name_with_an_unknown_tag_is_one_sentence(name: str) -> None:
    with pytest.raises(CheckpointError, match="nope"):
        build_vision_encoder(VisionConfig(name, 64, (40, 80, 160, 320)))
