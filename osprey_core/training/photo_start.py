"""What training on photographs starts from: the photo tower added, with linears that name photographed things.

It knows features and names, not how training goes on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from osprey_core.config import LEVEL_NAMES, PhotoTowerConfig
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.towers import PhotoTower
from osprey_core.training.photo_batches import Statistics, pooling_of, tower_dims

log = logging.getLogger(__name__)

IMAGENET_FILE = Path(__file__).parent / "imagenet_classes.json"
"""For names of photographs, the classes of ImageNet that show such a thing."""

DRAWN_NAMES = {
    "donut": "doughnut", "cell phone": "phone", "tv": "television", "mouse": "computer mouse", "clock": "alarm clock",
    "refrigerator": "door", "dining table": "table", "boat": "sailboat",
}  # fmt: skip
"""Names of photographs whose drawn counterpart is called otherwise."""


def grown(network: OspreyNetwork, photo: PhotoTowerConfig | None = None) -> OspreyNetwork:
    """The network with a photo tower beside its encoder; answers as before. One that has it is returned itself."""
    config = network.config
    if config.vision.photo is not None:
        return network
    wider = build_network(replace(config, vision=replace(config.vision, photo=photo or PhotoTowerConfig())))
    ours, theirs = wider.state_dict(), network.state_dict()
    for name, tensor in ours.items():
        if name in theirs and tensor.shape == theirs[name].shape:
            tensor.copy_(theirs[name])
        elif name in theirs:  # the connector's first linear: the photo tower's columns are zeros
            tensor.zero_()
            tensor[:, : theirs[name].shape[1]].copy_(theirs[name])
        else:
            tensor.zero_()
    return wider


@dataclass(frozen=True)
class KnownRegions:
    """Regions with a name, as both towers saw them. features: float32 (R, D), raw, in the extractor's order."""

    features: torch.Tensor
    names: tuple[str, ...]


def begin_photo_linears(
    network: OspreyNetwork,
    photographed: KnownRegions,
    drawn: KnownRegions,
    statistics: Statistics,
    tower: PhotoTower,
    ridge: float = 2.0,
    prior: float = 0.07,
    balance: float = 0.3,
) -> None:
    """Set the photo tower's linears (in normalised features) so that photographed things get tokens of their name.

    A ridge regression from the tower's pooled features to what is missing between the encoder's own sum and the name's:
    that of drawn things of the name, or a direction of its own. Drawn things are to miss nothing. Weights are drawn
    towards what ImageNet's classifier says of the name's classes, so that rare names begin with what it knows.

    Args:
        ridge: strength per region and feature of deviation 1.
        prior: how many of a name's directions one deviation of ImageNet's score is worth, of the picture and of the
            close-up each.
        balance: regions of a name weigh by its count to the power of minus this.
    """
    extractor, photo = pooling_of(network), network.config.vision.photo
    assert photo is not None
    dims = tower_dims(photo)
    width, generator = sum(dims.values()), torch.Generator().manual_seed(0)
    own_dims = network.config.vision.level_dims
    with torch.no_grad():
        own_photo, own_drawn = (
            sum(
                getattr(extractor, name)(part)
                for name, part in zip(LEVEL_NAMES, known.features[:, :-width].split(own_dims, 1), strict=True)
            )
            for known in (photographed, drawn)
        )
        assert isinstance(own_photo, torch.Tensor)
        assert isinstance(own_drawn, torch.Tensor)
        middle = own_drawn.mean(0)
        tokens = {
            name: own_drawn[[place for place, other in enumerate(drawn.names) if other == name]].mean(0)
            for name in set(drawn.names)
        }
        length = torch.stack([token - middle for token in tokens.values()]).norm(dim=1).mean()
        classes = sorted(set(photographed.names) | set(json.loads(IMAGENET_FILE.read_text("utf-8"))))
        targets = []
        for name in classes:
            known = tokens.get(DRAWN_NAMES.get(name, name))
            direction = torch.randn(len(middle), generator=generator).to(middle)
            targets.append(known if known is not None else middle + length * direction / direction.norm())
        target = torch.stack(targets)  # (K, W)
        place_of = {name: place for place, name in enumerate(classes)}
        truth = torch.tensor([place_of[name] for name in photographed.names]).to(middle.device)
        normal_photo, normal_drawn = (
            (known.features[:, -width:] - statistics.pooled_mean) / statistics.pooled_std
            for known in (photographed, drawn)
        )
        # Both parts of the prior as a map from normalised features to the extractor's width.
        prior_weight = torch.zeros(width, len(middle)).to(middle)
        prior_bias = torch.zeros(len(middle)).to(middle)
        start = 0
        for name, dim in dims.items():
            if name.endswith("head"):
                head = slice(start, start + dim)
                raw = photographed.features[:, -width:][:, head]
                slope, offset = imagenet_scores(classes, raw, tower)
                prior_weight[head] = prior * (slope * statistics.pooled_std[head, None]) @ (target - middle)
                prior_bias += prior * (offset + statistics.pooled_mean[head] @ slope) @ (target - middle)
            start += dim
        counts = torch.bincount(truth, minlength=len(classes)).float()
        weights = counts[truth] ** -balance
        weights = torch.cat([weights / weights.mean(), torch.ones(len(drawn.names)).to(weights)])
        inputs = torch.cat([normal_photo, normal_drawn])
        missing = torch.cat([target[truth] - own_photo, torch.zeros_like(own_drawn)])
        missing = missing - inputs @ prior_weight - prior_bias
        bias = (missing * weights[:, None]).sum(0) / weights.sum()
        weighted = inputs * weights[:, None]
        square = weighted.T @ inputs + ridge * len(inputs) * torch.eye(width).to(inputs)
        weight = torch.linalg.solve(square, weighted.T @ (missing - bias)) + prior_weight  # (D, W)
        start = 0
        for name, dim in dims.items():
            linear = extractor.get_submodule(name)
            linear.weight.copy_(weight[start : start + dim].T)  # type: ignore[operator]
            start += dim
        linear.bias.copy_(bias + prior_bias)  # type: ignore[operator]
        _log_nearest(own_photo + normal_photo @ weight + bias + prior_bias, target, truth)


def imagenet_scores(
    classes: Sequence[str], heads: torch.Tensor, tower: PhotoTower
) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear map (1280, K) and offset (K,) from pooled heads to each name's ImageNet score, of mean 0 and deviation 1.

    Names without a class of ImageNet get zeros.
    """
    table = json.loads(IMAGENET_FILE.read_text("utf-8"))
    classifier = tower.trunk.classifier
    scores = tower.classify(heads)
    mean, std = scores.mean(0), scores.std(0) + 1e-6
    slope, offset = torch.zeros(heads.shape[1], len(classes)).to(heads), torch.zeros(len(classes)).to(heads)
    for place, name in enumerate(classes):
        if chosen := table.get(name):
            slope[:, place] = (classifier.weight[chosen] / std[chosen, None]).mean(0)
            offset[place] = ((classifier.bias[chosen] - mean[chosen]) / std[chosen]).mean()
            spread = (heads @ slope[:, place]).std() + 1e-6
            slope[:, place] /= spread
            offset[place] /= spread
    return slope, offset


def _log_nearest(tokens: torch.Tensor, target: torch.Tensor, truth: torch.Tensor) -> None:
    nearest = torch.cdist(tokens, target).argmin(1)
    log.info("nearest name of photographed regions right: %.3f", float((nearest == truth).float().mean()))
