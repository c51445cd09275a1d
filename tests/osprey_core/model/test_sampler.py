"""The sampler: points lie in their mask, features come from the place they are of, blocks compute Ferret's sums."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from osprey_core import Osprey, convert
from osprey_core.config import LEVEL_NAMES, ExtractorConfig, OspreyConfig, PhotoTowerConfig, SamplerConfig
from osprey_core.errors import CheckpointError, InputError
from osprey_core.model import build_network
from osprey_core.model.extractor import rasterize_masks
from osprey_core.model.region_points import farthest_points, nearest_points, region_points
from osprey_core.model.sampler import SamplingBlock, SamplingExtractor, sample
from osprey_core.runtime import checkpoint
from osprey_core.training.photo_batches import pooling_of
from tests.tiny import tiny_config, tiny_tokenizer

SMALL = SamplerConfig(points=12, anchors=(6, 3), neighbours=4)


def sampler_config(sampler: SamplerConfig = SMALL) -> OspreyConfig:
    config = tiny_config()
    return replace(config, extractor=replace(config.extractor, sampler=sampler))


def box_mask(height: int, width: int, top: int, left: int, bottom: int, right: int) -> torch.Tensor:
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    mask[:, top:bottom, left:right] = True
    return mask


def test_the_sizes_are_ferrets() -> None:
    """The parameters that the released sampler has: 44.07 million for CLIP ViT-L, 25.58 million for our res4."""
    for width, millions in ((1024, 44.07), (768, 25.58)):
        with torch.device("meta"):
            whole = SamplingExtractor({"res4": width}, 4096, ExtractorConfig(), SamplerConfig())
        counted = sum(p.numel() for name, p in whole.named_parameters() if not name.startswith("mask_linear"))
        assert counted / 1e6 == pytest.approx(millions, abs=0.005)


def test_points_lie_in_the_middles_of_the_masks_pixels() -> None:
    mask = box_mask(40, 60, 5, 30, 25, 50)
    points = region_points(mask, 64)[0] * torch.tensor([60, 40])
    assert len(points.unique(dim=0)) == 64
    columns, rows = (points - 0.5).round().long().unbind(1)
    assert torch.allclose(points, torch.stack([columns, rows], 1) + 0.5, atol=1e-4)
    assert bool(mask[0][rows, columns].all())


def test_a_small_mask_gives_every_pixel_and_then_some_again() -> None:
    points = region_points(box_mask(8, 8, 2, 3, 4, 5), 11)[0]
    assert len(points) == 11
    assert len(points.unique(dim=0)) == 4


def test_points_are_the_same_whenever_and_beside_whomever_they_are_drawn() -> None:
    masks = torch.cat([box_mask(40, 60, 1, 2, 30, 31), box_mask(40, 60, 4, 4, 5, 9), torch.zeros(1, 40, 60).bool()])
    together = region_points(masks, 16)
    for mask, points in zip(masks, together, strict=True):
        assert torch.equal(region_points(mask[None], 16)[0], points)
    assert bool((together[2] == -1).all())
    assert region_points(masks[:0], 16).shape == (0, 16, 2)


@pytest.mark.parametrize(("row", "column"), [(2, 17), (17, 2), (0, 23), (23, 11)])
def test_the_place_comes_back_untransposed(row: int, column: int) -> None:
    """On a map that holds its own column and row, a region reads where it is."""
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    level = torch.stack([columns, rows])[None]
    mask = box_mask(240, 480, 10 * row, 20 * column, 10 * row + 10, 20 * column + 20)  # exactly one cell
    found = sample(level, region_points(mask, 100)[None])[0, 0]  # (100, 2)
    assert found.mean(0).tolist() == pytest.approx([column, row], abs=0.15)
    assert found[:, 0].min() >= column - 0.5
    assert found[:, 1].max() <= row + 0.5


def test_on_a_map_of_coordinates_every_point_reads_its_own() -> None:
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    points = region_points(box_mask(480, 480, 100, 60, 300, 400), 50)[None]
    found = sample(torch.stack([columns, rows])[None], points)
    assert torch.allclose(found, 24 * points - 0.5, atol=1e-4)


def test_a_constant_map_is_read_as_its_constant_to_the_edge() -> None:
    points = region_points(torch.ones(1, 50, 70), 200)[None]
    assert torch.allclose(sample(torch.full((1, 3, 5, 5), 2.5), points), torch.tensor(2.5))


def test_farthest_points_are_the_ends_and_then_the_middle() -> None:
    line = torch.stack([torch.tensor([0.0, 1.0, 5.0, 6.0, 10.0]), torch.zeros(5)], 1)
    assert farthest_points(line[None], 3).tolist() == [[0, 4, 2]]
    assert farthest_points(line.flip(0)[None], 2).tolist() == [[0, 4]]


def test_a_point_is_its_own_nearest() -> None:
    points = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.1, 0.0], [4.0, 0.0]]])
    near = nearest_points(points, points[:, [1, 3]], 2)
    assert near.tolist() == [[[1, 2], [3, 2]]]


def in_pairs(block: SamplingBlock, features: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """What a block computes, written out pair by pair as Ferret's paper says it. features (P, C), points (P, 2)."""
    kept = farthest_points(points[None], block.anchors)[0]
    near = nearest_points(points[None], points[None, kept], block.neighbours)[0]
    rows = []
    for anchor, neighbours in zip(kept, near, strict=True):
        at_anchor = torch.cat([features[anchor], points[anchor]])
        joined = []
        for neighbour in neighbours:
            difference = block.difference(torch.cat([features[neighbour], points[neighbour]]) - at_anchor)
            joined.append(block.norm(torch.relu(block.join(torch.cat([difference, at_anchor])))))
        stacked = torch.stack(joined)
        rows.append(stacked.max(0).values if block.pool == "max" else stacked.mean(0))
    return torch.stack(rows)


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_a_block_computes_what_is_written_out_pair_by_pair(pool: str) -> None:
    torch.manual_seed(0)
    block = SamplingBlock(5, 6, 4, pool).double()
    features, points = torch.randn(2, 20, 5).double(), torch.rand(2, 20, 2).double()
    found, anchors = block(features, points)
    assert anchors.shape == (2, 6, 2)
    for row in range(2):
        assert torch.allclose(found[row], in_pairs(block, features[row], points[row]))


def test_all_gradients_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    dims = {"res3": 3, "res4": 4}
    config = ExtractorConfig(level_width=5, mask_size=4, spatial_width=3)
    extractor = SamplingExtractor(dims, 6, config, replace(SMALL, levels=("res3", "res4"), pool="mean")).double()
    grids = rasterize_masks(torch.cat([box_mask(30, 30, 3, 4, 20, 28), box_mask(30, 30, 9, 1, 12, 9)]), {}, 4, 12)
    grids = grids.each(lambda tensor: tensor[None].double())
    levels = {name: torch.randn(1, dim, 7, 7).double().requires_grad_() for name, dim in dims.items()}

    def tokens(res3: torch.Tensor, res4: torch.Tensor) -> torch.Tensor:
        return extractor.mask_tokens({"res3": res3, "res4": res4}, grids)

    assert torch.autograd.gradcheck(tokens, tuple(levels.values()))
    tokens(*levels.values()).square().sum().backward()
    learning = [(name, p.grad) for name, p in extractor.named_parameters() if not name.startswith("mask_linear")]
    silent = [name for name, gradient in learning if gradient is None or not gradient.abs().sum()]
    assert silent == []


@torch.inference_mode()
def test_tokens_depend_on_the_region_alone_and_an_empty_ones_are_zeros() -> None:
    torch.manual_seed(0)
    network = build_network(sampler_config()).eval()
    levels = network.encode_image(torch.randn(1, 3, 64, 64))[1]
    masks = torch.cat([box_mask(40, 50, 2, 3, 20, 30), box_mask(40, 50, 22, 3, 39, 30), torch.zeros(1, 40, 50).bool()])
    (tokens,), (spatial,) = network.mask_extractor(levels, [masks])
    (alone,), (alone_spatial,) = network.mask_extractor(levels, [masks[1:2]])
    assert torch.allclose(tokens[1:2], alone, atol=1e-6)
    assert torch.allclose(spatial[1:2], alone_spatial, atol=1e-6)
    assert not torch.allclose(tokens[0], tokens[1], atol=1e-3)
    assert bool((tokens[2] == 0).all())
    (none,), _ = network.mask_extractor(levels, [masks[:0]])
    assert none.shape == (0, 32)


@pytest.mark.parametrize("levels", [("res4",), LEVEL_NAMES])
def test_a_saved_model_with_a_sampler_reads_back_to_the_same_answers(tmp_path: Path, levels: tuple[str, ...]) -> None:
    torch.manual_seed(3)
    config = sampler_config(replace(SMALL, levels=levels))
    model = Osprey("tiny", build_network(config).eval().requires_grad_(False), tiny_tokenizer())
    model.save(tmp_path / "model")
    again = Osprey.from_pretrained(str(tmp_path / "model"), device="cpu")
    assert again.network.config == config
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    masks = [box_mask(40, 60, 5, 5, 30, 30)[0].numpy(), box_mask(40, 60, 20, 35, 38, 58)[0].numpy()]
    answers = [one.open(image).ask("<region1> or <region2>", masks) for one in (model, model, again)]
    assert answers[0] == answers[1] == answers[2]


def test_converting_keeps_the_sampler(tmp_path: Path) -> None:
    torch.manual_seed(3)
    sampler = replace(SMALL, levels=("res3", "res4"), pool="mean")
    network = build_network(sampler_config(sampler)).eval().requires_grad_(False)
    checkpoint.save(tmp_path / "float", network, tiny_tokenizer())
    assert convert.main([str(tmp_path / "float"), str(tmp_path / "half")]) == 0
    files = checkpoint.inspect_folder(tmp_path / "half")
    half = checkpoint.load_network(files, torch.device("cpu"), torch.float32)
    assert files.config == network.config
    assert isinstance(half.mask_extractor, SamplingExtractor)
    for name, tensor in network.mask_extractor.state_dict().items():
        assert torch.allclose(half.mask_extractor.state_dict()[name], tensor, atol=1e-3), name


def test_weights_of_the_other_extractor_are_refused_by_name(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, build_network(tiny_config()), tiny_tokenizer())
    (tmp_path / "config.json").write_text(json.dumps(sampler_config().to_dict()))
    with pytest.raises(CheckpointError, match=r"mask_extractor\.blocks\.0"):
        checkpoint.load_network(checkpoint.inspect_folder(tmp_path), torch.device("cpu"), torch.float32)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"anchors": [6, 3], "neighbours": 7}, "anchors"),
        ({"anchors": [24]}, "anchors"),
        ({"anchors": []}, "anchors"),
        ({"points": 0}, "points"),
        ({"points": 10**9}, "points"),
        ({"pool": "sum"}, "pool"),
        ({"levels": ["res9"]}, "res9"),
        ({"levels": []}, "levels"),
        ({"levels": ["res4", "res4"]}, "different levels"),
        ({"cells": 3}, "cells"),
    ],
)
def test_impossible_samplers_are_refused_in_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    values = json.loads(json.dumps(sampler_config().to_dict()))
    values["extractor"]["sampler"] |= changes
    with pytest.raises(CheckpointError, match=sentence):
        OspreyConfig.from_dict(values)


def test_a_sampler_is_refused_where_features_have_to_be_pooled() -> None:
    config = sampler_config()
    photo = PhotoTowerConfig(close_up_size=64)
    with pytest.raises(CheckpointError, match="close-ups"):
        replace(config, vision=replace(config.vision, photo=photo))
    with pytest.raises(InputError, match="sampler"):
        pooling_of(build_network(config))
