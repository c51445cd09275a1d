"""One encoding of a picture serves everybody who looks through the photo tower."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from osprey_core.errors import CheckpointError, ModelNotFoundError
from osprey_core.model.towers import PhotoTower, build_photo_tower
from osprey_core.runtime.photo_levels import (
    TOWER_FILE,
    PhotoEncoder,
    load_photo_tower,
    photo_pixels,
    shared_photo_encoder,
)

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 255, (40, 60, 3), dtype=np.uint8) for _ in range(3)]


class Counted(PhotoTower):
    """A tower that counts its passes and computes almost nothing."""

    def __init__(self) -> None:
        super().__init__(build_photo_tower().trunk)
        self.passes = 0

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        self.passes += 1
        return {"res2": pixel_values.mean((2, 3), keepdim=True)}


def test_a_picture_is_encoded_once_however_often_it_is_asked_for() -> None:
    encoder = PhotoEncoder(Counted(), torch.device("cpu"), kept_pictures=2)
    threads = [threading.Thread(target=encoder.levels, args=(PICTURES[0],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert encoder.tower.passes == 1
    encoder.levels(PICTURES[1])
    encoder.levels(PICTURES[0])
    assert encoder.tower.passes == 2
    encoder.levels(PICTURES[2])  # the one that was used least recently goes
    encoder.levels(PICTURES[0])
    assert encoder.tower.passes == 3
    encoder.levels(PICTURES[1])
    assert encoder.tower.passes == 4


def test_pixels_are_stretched_to_the_square_and_normalised() -> None:
    white = photo_pixels(np.full((10, 30, 3), 255, np.uint8))
    assert white.shape == (3, 512, 512)
    assert torch.allclose(white, torch.ones(3, 512, 512))
    assert torch.allclose(photo_pixels(np.zeros((10, 30, 3), np.uint8)), -torch.ones(3, 512, 512))


def test_missing_and_foreign_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        load_photo_tower(tmp_path / "tower.safetensors")
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(b"no weights")
    with pytest.raises(CheckpointError):
        load_photo_tower(foreign)


@pytest.mark.skipif(not TOWER_FILE.is_file(), reason="the tower's weights are not here")
def test_the_shipped_tower_knows_a_photograph_of_a_cat() -> None:
    data = pytest.importorskip("skimage.data")
    encoder = shared_photo_encoder()
    assert encoder is shared_photo_encoder()
    scores = encoder.tower.classify(encoder.levels(data.chelsea())["head"].mean((2, 3)))[0]
    assert int(scores.argmax()) in range(281, 286)  # ImageNet's five kinds of domestic cat


@pytest.mark.skipif(not TOWER_FILE.is_file(), reason="the tower's weights are not here")
def test_one_card_has_one_encoder_whether_it_is_named_with_its_number_or_not() -> None:
    assert shared_photo_encoder("meta") is shared_photo_encoder("meta:0")
    assert shared_photo_encoder("meta") is not shared_photo_encoder("cpu")
