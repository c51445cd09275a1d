"""Fits a trained model's prototypes: `python -m osprey_core.training.prototypes RUN/mean --pool POOL --out FOLDER`.

A ridge regression from the photo tower's features to the names of photographed things, with what ImageNet's classifier
says of a name's classes as a prior, becomes the classifier of names, and another one tells drawings apart; the mean
token of each name's regions becomes its prototype (see `model.extractor.Prototypes`). Nothing else changes.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F

from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.extractor import main_directions
from osprey_core.model.towers import PhotoTower
from osprey_core.runtime import checkpoint
from osprey_core.runtime.photo_levels import load_photo_tower
from osprey_core.training.photo_batches import pooling_of, tower_dims
from osprey_core.training.photo_features import load_features
from osprey_core.training.photo_pool import EncodedPool
from osprey_core.training.photo_start import DRAWN_NAMES, IMAGENET_FILE, KnownRegions, imagenet_scores
from osprey_core.training.ridge import ridge

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrototypeOptions:
    """How prototypes are fitted. Ridge, prior and sharpness were chosen by folds over 100 photographs of COCO."""

    ridge: float = 3.0
    """Strength per region and feature of deviation 1."""
    prior: float = 0.067
    """What one deviation of ImageNet's score of a name adds to its score, of the picture and of the close-up each."""
    balance: float = 0.3
    """Regions of a name weigh by its count to the power of minus this."""
    sharpness: float = 72.0
    """What scores, 1 for a name and 0 for the others, are multiplied by before the softmax: four times what makes the
    shares probabilities, because the language model reads one name's token better than a mixture."""


def fit_prototypes(
    network: OspreyNetwork,
    photographed: KnownRegions,
    drawn: KnownRegions,
    tower: PhotoTower,
    options: PrototypeOptions,
) -> tuple[OspreyNetwork, tuple[str, ...]]:
    """A copy of the network with prototypes, and their names.

    Args:
        network: without prototypes; its linears take raw features.
        photographed, drawn: named regions of both kinds.
    """
    photo = network.config.vision.photo
    assert photo is not None
    width = sum(tower_dims(photo).values())
    with torch.no_grad():
        tokens = {kind: _summed(network, known) for kind, known in (("photo", photographed), ("scene", drawn))}
        means = _means(tokens["scene"], drawn.names)
        known = {name: means[DRAWN_NAMES.get(name, name)] for name in json.loads(IMAGENET_FILE.read_text("utf-8"))
                 if DRAWN_NAMES.get(name, name) in means}  # fmt: skip
        known |= _means(tokens["photo"], photographed.names)
        names = tuple(sorted(known))
        towers = {kind: known.features[:, -width:] for kind, known in (("photo", photographed), ("scene", drawn))}
        truth = torch.tensor([names.index(name) for name in photographed.names])
        weights = torch.bincount(truth, minlength=len(names)).float()[truth] ** -options.balance
        prior = _prior(names, towers["photo"], network, tower, options.prior)
        goal = F.one_hot(truth, len(names)).float()
        scores = ridge(towers["photo"], goal, options.ridge, weights, prior)
        both = torch.cat([towers["photo"], towers["scene"]])
        is_drawn = torch.cat([-torch.ones(len(towers["photo"]), 1), torch.ones(len(towers["scene"]), 1)])
        gate = ridge(both, is_drawn, options.ridge)
        log.info(
            "names right in training: %.3f; drawings told apart: %.4f",
            float(((towers["photo"] @ scores[0] + scores[1]).argmax(1) == truth).float().mean()),
            float((((both @ gate[0] + gate[1]) > 0) == (is_drawn > 0)).float().mean()),
        )
        vision = replace(network.config.vision, photo=replace(photo, prototypes=len(names)))
        wider = build_network(replace(network.config, vision=vision))
        kept = {name: tensor for name, tensor in network.state_dict().items() if ".prototypes." not in name}
        wider.load_state_dict(kept, strict=False)
        prototypes = pooling_of(wider).prototypes
        assert prototypes is not None
        prototypes.scores.weight.copy_(options.sharpness * scores[0].T)
        prototypes.scores.bias.copy_(options.sharpness * scores[1])
        prototypes.drawn.weight.copy_(options.sharpness * gate[0].T)
        prototypes.drawn.bias.copy_(options.sharpness * gate[1])
        stacked = torch.stack([known[name] for name in names])
        prototypes.tokens.weight.copy_(stacked.T)
        prototypes.directions.weight.copy_(main_directions(stacked, prototypes.directions.out_features))
    return wider.eval(), names


def _summed(network: OspreyNetwork, known: KnownRegions) -> torch.Tensor:
    """The levels' projections (R, W), summed."""
    extractor, dims = pooling_of(network), network.config.vision.pooled_dims
    parts = known.features.split(list(dims.values()), 1)
    projected = [extractor.get_submodule(name)(part) for name, part in zip(dims, parts, strict=True)]
    return torch.stack(projected).sum(0)


def _means(tokens: torch.Tensor, names: Sequence[str]) -> dict[str, torch.Tensor]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return {name: tokens[found].mean(0) for name, found in places.items()}


def _prior(
    names: Sequence[str], raw: torch.Tensor, network: OspreyNetwork, tower: PhotoTower, strength: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """ImageNet's part of the scores as a map of raw features: (D, K) and (K,)."""
    photo = network.config.vision.photo
    assert photo is not None
    weight, bias, start = torch.zeros(raw.shape[1], len(names)), torch.zeros(len(names)), 0
    for name, dim in tower_dims(photo).items():
        if name.endswith("head"):
            slope, offset = imagenet_scores(names, raw[:, start : start + dim], tower)
            weight[start : start + dim] = strength * slope
            bias += strength * offset
        start += dim
    return weight, bias


def known_regions(pool: EncodedPool, kind: str) -> KnownRegions:
    """All named regions of a pool's photographs ("photo") or made scenes ("scene"). Raises InputError without any."""
    found = [(picture.pooled[row].float(), name) for picture in pool.by_kind[kind]
             for row, name in enumerate(picture.names) if name]  # fmt: skip
    if not found:
        raise InputError("prototypes.pool_empty", kind=kind)
    return KnownRegions(torch.stack([pooled for pooled, _ in found]), tuple(name for _, name in found))


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and write; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.prototypes", description=__doc__)
    parser.add_argument("model", help="folder of a model that `photo_run` wrote")
    parser.add_argument("--pool", type=Path, required=True, help="folder of `photo_pool`")
    parser.add_argument("--features", type=Path, help="file of `photo_features`, in place of the pool's photographs")
    parser.add_argument("--out", type=Path, required=True)
    for name, value in vars(PrototypeOptions()).items():
        parser.add_argument(f"--{name}", type=float, default=value)
    options = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model = Osprey.from_pretrained(options["model"], "cpu", "float32")
    pool = EncodedPool(options["pool"])
    pool.refresh()
    settings = PrototypeOptions(**{name: options[name] for name in vars(PrototypeOptions())})
    photographed = load_features(options["features"]) if options["features"] else known_regions(pool, "photo")
    network, names = fit_prototypes(
        model.network, photographed, known_regions(pool, "scene"), load_photo_tower(), settings
    )
    log.info("%d names", len(names))
    checkpoint.save(options["out"], network, model.prompts.tokenizer, torch.float16)
    return 0


if __name__ == "__main__":
    sys.exit(main())
