"""Ridge regression as maps of raw features, and the gate that is fitted by it."""

from __future__ import annotations

import torch

from osprey_core.config import PhotoTowerConfig
from osprey_core.model.photograph_gate import PhotographGate
from osprey_core.training.ridge import ridge
from osprey_core.training.second_network import fit_gate


def test_without_a_penalty_an_exact_map_is_found_and_a_large_one_gives_the_mean() -> None:
    torch.manual_seed(0)
    features = 5 + 3 * torch.randn(200, 4)
    goal = features @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]]) + 7
    slope, offset = ridge(features, goal, 1e-6)
    assert torch.allclose(features @ slope + offset, goal, atol=1e-2)
    slope, offset = ridge(features, goal, 1e6)
    assert torch.allclose(features @ slope + offset, goal.mean().expand(200, 1), atol=1e-2)


def test_the_gate_tells_two_clouds_apart() -> None:
    torch.manual_seed(0)
    photo = PhotoTowerConfig()
    centres = torch.randn(2, 472)
    photographs, drawings = (centre + torch.randn(300, 472) for centre in centres)
    gate = PhotographGate(photo)
    fit_gate(gate, photographs, drawings, 0.3)
    for sign, centre in zip((1, -1), centres, strict=True):
        new = centre + torch.randn(50, 472)
        levels = {"res4": new[:, :120, None, None], "res5": new[:, 120:, None, None]}
        assert (sign * gate(levels) > 0).all()
