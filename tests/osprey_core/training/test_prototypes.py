"""Prototypes: photographed things get the token of their name, drawn ones keep their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osprey_core.config import PhotoTowerConfig
from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.model.extractor import Prototypes, main_directions
from osprey_core.model.towers import build_photo_tower
from osprey_core.runtime import checkpoint
from osprey_core.training.photo_batches import tower_dims
from osprey_core.training.photo_pool import EncodedPool
from osprey_core.training.photo_start import KnownRegions, grown
from osprey_core.training.prototypes import PrototypeOptions, fit_prototypes, known_regions
from tests.tiny import tiny_osprey

PHOTO = PhotoTowerConfig(close_up_size=32)


def test_names_are_exchanged_where_they_differ_and_drawings_keep_theirs() -> None:
    """Two names that differ along x: there a region gets the mean of its names' tokens; y and z stay its own."""
    prototypes = Prototypes(2, 2, 3)
    tokens = torch.tensor([[1.0, 2.0, 3.0], [5.0, 2.0, 3.0]])
    with torch.no_grad():
        prototypes.scores.weight.copy_(torch.tensor([[50.0, 0.0], [0.0, 50.0]]))
        prototypes.scores.bias.zero_()
        prototypes.drawn.weight.copy_(torch.tensor([[-50.0, -50.0]]))
        prototypes.drawn.bias.fill_(25.0)
        prototypes.tokens.weight.copy_(tokens.T)
        prototypes.directions.weight.zero_()
        prototypes.directions.weight[:1].copy_(main_directions(tokens, 1))
        summed = torch.full((4, 3), 9.0)
        found = prototypes(summed, torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]))
    expected = torch.tensor([[1.0, 9.0, 9.0], [5.0, 9.0, 9.0], [3.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
    assert torch.allclose(found, expected, atol=1e-4)


def test_main_directions_are_orthonormal_and_in_order() -> None:
    """Points that differ by 10 along (3, 4)/5 and by 1 across it."""
    along, across = torch.tensor([0.6, 0.8]), torch.tensor([-0.8, 0.6])
    points = torch.stack([x * along + y * across for x, y in ((10, 0), (-10, 0), (0, 1), (0, -1))])
    found = main_directions(points, 2)
    assert torch.allclose(found @ found.T, torch.eye(2), atol=1e-5)
    assert abs(float(found[0] @ along)) == pytest.approx(1, abs=1e-5)


def test_a_fitted_model_tells_names_and_drawings_and_is_saved_whole(tmp_path: Path) -> None:
    """Clusters of features for two names and for drawings: new ones of a name get its mean token, drawn ones stay."""
    model = tiny_osprey()
    network = grown(model.network, PHOTO)
    own, width = sum(network.config.vision.level_dims), sum(tower_dims(PHOTO).values())
    torch.manual_seed(0)
    centres = 3 * torch.randn(3, width)

    def cluster(which: int, count: int) -> torch.Tensor:
        return torch.cat([0.1 * torch.randn(count, own), centres[which] + torch.randn(count, width)], 1)

    photographed = KnownRegions(torch.cat([cluster(0, 60), cluster(1, 60)]), ("cup",) * 60 + ("sky",) * 60)
    drawn = KnownRegions(cluster(2, 60), ("star", "moon") * 30)
    options = PrototypeOptions(ridge=0.1, prior=0.0)
    fitted, names = fit_prototypes(network, photographed, drawn, build_photo_tower(), options)
    assert {"cup", "sky"} <= set(names)
    assert fitted.config.vision.photo is not None
    assert fitted.config.vision.photo.prototypes == len(names)

    def tokens(of: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        dims = network.config.vision.pooled_dims
        parts = dict(zip(dims, features.split(list(dims.values()), 1), strict=True))
        found: torch.Tensor = of.mask_extractor.project(parts)  # type: ignore[union-attr,operator]
        return found

    with torch.no_grad():
        new_cups, new_drawings = cluster(0, 5), cluster(2, 5)
        cup = tokens(network, photographed.features[:60]).mean(0)
        last = fitted.get_parameter("mask_extractor.feat_linear.weight")
        directions = fitted.get_parameter("mask_extractor.prototypes.directions.weight")

        def away(found: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """How far sums are from the cup's: in the directions in which names differ, and across them, (5, …)."""
            difference = torch.linalg.solve(last, (found - cup).T).T
            along = difference @ directions.T
            return along, difference - along @ directions

        (along_before, across_before), (along, across) = away(tokens(network, new_cups)), away(tokens(fitted, new_cups))
        assert (along.norm(dim=1) < 0.1 * along_before.norm(dim=1)).all()
        assert torch.allclose(across, across_before, atol=1e-3)
        plain = tokens(network, new_drawings)
        assert torch.allclose(tokens(fitted, new_drawings), plain, atol=0.05 * float(plain.norm(dim=1).mean()))
    checkpoint.save(tmp_path, fitted, model.prompts.tokenizer, torch.float32)
    again = Osprey.from_pretrained(str(tmp_path), "cpu", "float32")
    with torch.no_grad():
        assert torch.allclose(tokens(again.network, new_cups), tokens(fitted, new_cups), atol=1e-5)


def test_an_empty_pool_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="encode more pictures"):
        known_regions(EncodedPool(tmp_path), "photo")
