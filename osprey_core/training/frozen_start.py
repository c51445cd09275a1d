"""What training on frozen towers starts from: the photo tower added, with linears that name photographed things.

It knows features and names, not how training goes on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from osprey_core.config import LEVEL_NAMES, PHOTO_PREFIX, PhotoTowerConfig
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.towers import PhotoTower
from osprey_core.training.frozen_batches import Statistics
from osprey_core.training.frozen_features import FrozenPicture

log = logging.getLogger(__name__)

IMAGENET_FILE = Path(__file__).parent / "imagenet_classes.json"
"""For names of photographs, the classes of ImageNet that show such a thing."""

DRAWN_NAMES = {
    "donut": "doughnut", "cell phone": "phone", "tv": "television", "mouse": "computer mouse", "clock": "alarm clock",
    "refrigerator": "door", "dining table": "table", "boat": "sailboat",
}  # fmt: skip
"""Names of photographs whose drawn counterpart is called otherwise."""


def grown(network: OspreyNetwork) -> OspreyNetwork:
    """The network with a photo tower beside its encoder; answers as before. One that has it is returned itself."""
    config = network.config
    if config.vision.photo is not None:
        return network
    wider = build_network(replace(config, vision=replace(config.vision, photo=PhotoTowerConfig())))
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


def begin_photo_linears(
    network: OspreyNetwork,
    pictures: Sequence[FrozenPicture],
    statistics: Statistics,
    tower: PhotoTower,
    ridge: float = 1.0,
    prior: float = 0.1,
    balance: float = 0.3,
) -> None:
    """Set the photo tower's linears (in normalised features) so that photographed things get tokens of their name.

    A ridge regression from the tower's pooled features to what is missing between the encoder's own sum and the name's:
    that of drawn things of the name, or a direction of its own. Drawn things are to miss nothing. Weights are drawn
    towards what ImageNet's classifier says of the name's classes, so that rare names begin with what it knows.

    Args:
        ridge: strength, per thousand regions and feature of deviation 1.
        prior: how many of a name's directions one deviation of ImageNet's score is worth.
        balance: regions of a name weigh by its count to the power of minus this.
    """
    extractor, photo = network.mask_extractor, network.config.vision.photo
    assert photo is not None
    width, generator = sum(photo.level_dims), torch.Generator().manual_seed(0)
    own_dims = network.config.vision.level_dims
    pooled = {kind: [p for p in pictures if p.kind == kind] for kind in ("photo", "scene")}
    names = {kind: [name for p in found for name in p.names] for kind, found in pooled.items()}
    rows = {kind: torch.cat([p.pooled for p in found]).float() for kind, found in pooled.items()}
    with torch.no_grad():
        own = {
            kind: sum(
                getattr(extractor, name)(part)
                for name, part in zip(LEVEL_NAMES, found[:, :-width].split(own_dims, 1), strict=True)
            )
            for kind, found in rows.items()
        }
        features = {kind: found[:, -width:] for kind, found in rows.items()}
        drawn: dict[str, torch.Tensor] = {}
        for name in set(names["scene"]):
            places = [place for place, other in enumerate(names["scene"]) if other == name]
            drawn[name] = own["scene"][places].mean(0)
        middle = own["scene"].mean(0)
        length = torch.stack([token - middle for token in drawn.values()]).norm(dim=1).mean()
        classes = sorted(set(names["photo"]) | set(json.loads(IMAGENET_FILE.read_text("utf-8"))))
        targets = []
        for name in classes:
            known = drawn.get(DRAWN_NAMES.get(name, name))
            direction = torch.randn(len(middle), generator=generator)
            targets.append(known if known is not None else middle + length * direction / direction.norm())
        target = torch.stack(targets)  # (K, W)
        place_of = {name: place for place, name in enumerate(classes)}
        truth = torch.tensor([place_of[name] for name in names["photo"]])
        normal = {kind: (found - statistics.pooled_mean) / statistics.pooled_std for kind, found in features.items()}
        slope, offset = _imagenet_scores(classes, features["photo"][:, -photo.level_dims[-1] :], tower)
        head = slice(width - photo.level_dims[-1], width)
        # Both parts of the prior as a map from normalised features to the extractor's width.
        prior_weight = torch.zeros(width, len(middle))
        prior_weight[head] = prior * (slope * statistics.pooled_std[head, None]) @ (target - middle)
        prior_bias = prior * (offset + statistics.pooled_mean[head] @ slope) @ (target - middle)
        counts = torch.bincount(truth, minlength=len(classes)).float()
        weights = counts[truth] ** -balance
        weights = torch.cat([weights / weights.mean(), torch.ones(len(names["scene"]))])
        inputs = torch.cat([normal["photo"], normal["scene"]])
        missing = torch.cat([target[truth] - own["photo"], torch.zeros_like(own["scene"])])
        missing = missing - inputs @ prior_weight - prior_bias
        bias = (missing * weights[:, None]).sum(0) / weights.sum()
        weighted = inputs * weights[:, None]
        square = weighted.T @ inputs + ridge * len(inputs) * torch.eye(width)
        weight = torch.linalg.solve(square, weighted.T @ (missing - bias)) + prior_weight  # (D, W)
        start = 0
        for name, dim in photo.channels.items():
            linear = extractor.get_submodule(PHOTO_PREFIX + name)
            linear.weight.copy_(weight[start : start + dim].T)  # type: ignore[operator]
            start += dim
        linear.bias.copy_(bias + prior_bias)  # type: ignore[operator]
        _log_nearest(own["photo"] + normal["photo"] @ weight + bias + prior_bias, target, truth)


def _imagenet_scores(
    classes: Sequence[str], heads: torch.Tensor, tower: PhotoTower
) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear map (1280, K) and offset (K,) from pooled heads to each name's ImageNet score, of mean 0 and deviation 1.

    Names without a class of ImageNet get zeros.
    """
    table = json.loads(IMAGENET_FILE.read_text("utf-8"))
    classifier = tower.trunk.classifier
    scores = tower.classify(heads)
    mean, std = scores.mean(0), scores.std(0) + 1e-6
    slope, offset = torch.zeros(heads.shape[1], len(classes)), torch.zeros(len(classes))
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
