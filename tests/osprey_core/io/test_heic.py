"""HEIC photographs open upright if the optional package is there; else the sentence names it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.io import image_files
from osprey_core.io.pictures import read_picture


def test_a_heic_photograph_is_a_picture() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    y, x = np.mgrid[:64, :96]
    tones = np.stack([x * 2, y * 3, 255 - x * 2], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(tones)).save(buffer, quality=95)
    read = np.asarray(read_picture(buffer.getvalue())).astype(int)
    assert read.shape == tones.shape
    assert np.abs(read - tones).mean() < 4


def test_without_the_package_the_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100
    monkeypatch.setattr(image_files, "_register_heif", lambda: None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(InputError, match="pip install pillow-heif"):
        read_picture(data)
