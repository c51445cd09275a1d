"""What the photo tower sees in a picture, computed once for everybody who asks.

The language model and the click segmenter look through the same tower: its weights are loaded once per process and
device, and the levels of the last few pictures are kept by the pictures' digests. Threads may share all of it.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file

from osprey_core.errors import CheckpointError, ModelNotFoundError
from osprey_core.language.core_shares import CORES
from osprey_core.model.towers import PHOTO_MEAN, PHOTO_SIZE, PHOTO_STD, PhotoTower, build_photo_tower
from osprey_core.model.unfilled import unfilled
from osprey_core.runtime.picture_precision import in_full, multiplies_bfloat16, picture_reading

TOWER_FILE = Path(__file__).parent.parent / "nano" / "tower.safetensors"
"""The tower's weights, fp16; `python -m osprey_core.training.photo_tower` writes them."""

KEPT_PICTURES = 4
"""Pictures whose levels are kept: about 3.4 MB each in fp32 for the five levels."""


class PhotoEncoder:
    """A tower on a device with a memo of the pictures that it saw last.

    in_bfloat16: whether it looks in bfloat16, see `picture_precision`; its levels are float32 all the same.
    """

    def __init__(
        self,
        tower: PhotoTower,
        device: torch.device,
        kept_pictures: int = KEPT_PICTURES,
        in_bfloat16: bool = False,
    ) -> None:
        self.tower = tower.to(device).to(memory_format=torch.channels_last)
        self.device = device
        self._kept_pictures, self._in_bfloat16 = kept_pictures, in_bfloat16
        self._levels: OrderedDict[str, dict[str, torch.Tensor]] = OrderedDict()
        self._lock = threading.Lock()
        self._encoding = threading.Lock()

    def levels(self, picture: Image.Image | np.ndarray) -> dict[str, torch.Tensor]:
        """The five levels of a picture (see `PhotoTower.forward`), float32 (1, C, h, w). To be read only.

        Args:
            picture: a PIL picture, or RGB uint8 (H, W, 3).
        """
        return self.levels_of_square(photo_square(picture))

    def levels_of_square(self, square: np.ndarray) -> dict[str, torch.Tensor]:
        """As `levels`, of a picture that `photo_square` has stretched."""
        digest = hashlib.blake2b(square.tobytes(), digest_size=16).hexdigest()
        found = self._look_up(digest)
        if found is not None:
            return found
        with self._encoding:  # two people who open one picture at once wait for one encoding
            found = self._look_up(digest)
            if found is None:
                found = self.encode(photo_values(square)[None])
                with self._lock:
                    self._levels[digest] = found
                    while len(self._levels) > self._kept_pictures:
                        self._levels.popitem(last=False)
        return found

    @torch.inference_mode()
    def encode(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """The levels of pictures as `photo_values` gives them, float (B, 3, 512, 512); nothing is kept."""
        with CORES.computing(), picture_reading(self._in_bfloat16):
            values = pixel_values.to(self.device, torch.float32, memory_format=torch.channels_last)
            levels: dict[str, torch.Tensor] = self.tower(values)
            return in_full(levels) if self._in_bfloat16 else levels

    def _look_up(self, digest: str) -> dict[str, torch.Tensor] | None:
        with self._lock:
            found = self._levels.get(digest)
            if found is not None:
                self._levels.move_to_end(digest)
            return found


def photo_square(picture: Image.Image | np.ndarray) -> np.ndarray:
    """A picture stretched to the square that the tower sees: RGB uint8 (512, 512, 3)."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.ascontiguousarray(picture))
    image = image.convert("RGB")
    if image.size != (PHOTO_SIZE, PHOTO_SIZE):
        image = image.resize((PHOTO_SIZE, PHOTO_SIZE), Image.Resampling.BILINEAR)
    return np.array(image)


def photo_values(square: np.ndarray) -> torch.Tensor:
    """A stretched picture uint8 (512, 512, 3) normalised for the tower: float32 (3, 512, 512)."""
    pixels = torch.from_numpy(square).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PHOTO_MEAN, PHOTO_STD))
    return (pixels - mean) / std


def photo_pixels(picture: Image.Image | np.ndarray) -> torch.Tensor:
    """A picture as the tower takes it: float32 (3, 512, 512), RGB / 127.5 - 1."""
    return photo_values(photo_square(picture))


def shared_photo_encoder(
    device: str = "cpu", in_bfloat16: bool | None = None, weights: Path = TOWER_FILE
) -> PhotoEncoder:
    """The process's one encoder for a device and precision. Raises as `load_photo_tower`.

    in_bfloat16: as for `PhotoEncoder`; None: wherever the device has products of it.
    """
    device = _with_index(device)
    return _photo_encoder(device, multiplies_bfloat16(device) if in_bfloat16 is None else in_bfloat16, weights)


@lru_cache(maxsize=8)
def _photo_encoder(device: str, in_bfloat16: bool, weights: Path) -> PhotoEncoder:
    return PhotoEncoder(_photo_tower(device, weights), torch.device(device), in_bfloat16=in_bfloat16)


@lru_cache(maxsize=4)
def _photo_tower(device: str, weights: Path) -> PhotoTower:
    return load_photo_tower(weights).to(device)


def _with_index(device: str) -> str:
    """A device's full name. "cuda" and "cuda:0" are one card: whoever asks by either name shares its encoder."""
    named = torch.device(device)
    return device if named.type == "cpu" or named.index is not None else f"{named.type}:0"


def load_photo_tower(weights: Path = TOWER_FILE) -> PhotoTower:
    """Read the tower from its file, to float32 on the CPU.

    Raises:
        ModelNotFoundError: there is no such file.
        CheckpointError: it does not hold this tower's weights.
    """
    if not weights.is_file():
        raise ModelNotFoundError("photo_tower.weights_missing", path=str(weights))
    with unfilled():
        tower = build_photo_tower()
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(weights).items()}
        tower.load_state_dict(tensors, strict=True, assign=True)
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0][:120]
        raise CheckpointError("photo_tower.weights_foreign", path=str(weights), reason=reason) from error
    return tower.eval().requires_grad_(False)
