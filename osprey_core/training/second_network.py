"""Makes a trained network for photographs the second one of a model:

`python -m osprey_core.training.second_network nano PHOTOGRAPHS --pool POOL --out FOLDER`

The first network's files are copied as they are. The other one is stored as differences of a low rank, and a gate that
tells photographs from drawings is fitted to a pool of encoded pictures.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from osprey_core.config import PhotographsConfig
from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.model.photograph_gate import PhotographGate
from osprey_core.runtime import checkpoint, hub
from osprey_core.runtime.photograph_network import PhotographNetwork, save_photograph_network
from osprey_core.training.photo_pool import EncodedPool
from osprey_core.training.ridge import ridge

log = logging.getLogger(__name__)

RANK = 64
GATE_RIDGE = 0.3
"""Strength per picture and feature of deviation 1; from 0.03 to 3 no held-back picture was taken for the other kind."""


def fit_gate(gate: PhotographGate, photographs: torch.Tensor, drawings: torch.Tensor, strength: float) -> None:
    """Set the gate by a ridge regression from averaged levels (P, C) to 1 for photographs and -1 for drawings."""
    averages = torch.cat([photographs, drawings])
    goal = torch.cat([torch.ones(len(photographs), 1), -torch.ones(len(drawings), 1)])
    slope, offset = ridge(averages, goal, strength)
    with torch.no_grad():
        gate.score.weight.copy_(slope.T)
        gate.score.bias.copy_(offset)


def averages_of(pool: EncodedPool, kind: str) -> torch.Tensor:
    """The photo tower's maps of a pool's pictures ("photo", "scene"), averaged: (P, C). InputError without any."""
    found = [picture.tower_maps.float().mean((1, 2)) for picture in pool.by_kind[kind]]
    if not found:
        raise InputError("prototypes.pool_empty", kind=kind)
    return torch.stack(found)


def main(argv: Sequence[str] | None = None) -> int:
    """Join and write; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.second_network", description=__doc__)
    parser.add_argument("first", help='"nano" or a folder: the model whose first network stays')
    parser.add_argument("photographs", help="folder of a model that `prototypes` wrote")
    parser.add_argument("--pool", type=Path, required=True, help="folder of `photo_pool`")
    parser.add_argument("--rank", type=int, default=RANK, help="of the differences")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    first_folder = hub.find_checkpoint(options.first, None)
    first, second = (Osprey.from_pretrained(name, "cpu", "float32") for name in (options.first, options.photographs))
    photo = second.network.config.vision.photo
    assert photo is not None
    pool = EncodedPool(options.pool)
    pool.refresh()
    gate = PhotographGate(photo)
    fit_gate(gate, averages_of(pool, "photo"), averages_of(pool, "scene"), GATE_RIDGE)
    config = replace(first.network.config, photographs=PhotographsConfig(photo, second.network.config.confidence))
    options.out.mkdir(parents=True, exist_ok=True)
    for name in (checkpoint.WEIGHTS_FILE, checkpoint.TOKENIZER_FILE):
        if first_folder.resolve() != options.out.resolve():
            shutil.copyfile(first_folder / name, options.out / name)
    checkpoint.write_config(options.out, config)
    joined = PhotographNetwork(second.network, gate)
    save_photograph_network(options.out, joined, first.network, options.rank, torch.float16)
    return 0


if __name__ == "__main__":
    sys.exit(main())
