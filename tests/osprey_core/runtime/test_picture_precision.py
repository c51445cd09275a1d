"""Pictures that are read in bfloat16 give nearly what float32 gives, and only where all allow it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from osprey_core import CheckpointError, Osprey
from osprey_core.runtime import hub, loading, picture_precision
from osprey_core.runtime.photo_levels import shared_photo_encoder
from osprey_core.runtime.picture_precision import in_full, multiplies_bfloat16, picture_reading
from osprey_core.segment import learned, load_segmenter
from tests.tiny import tiny_osprey

EXAMPLES = Path(__file__).parents[3] / "examples"
PICTURE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def reads_in_bfloat16(name: str, **options: Any) -> bool:
    plain: dict[str, Any] = {"device": "cpu", "dtype": "auto", "quantize": "none", "device_map": "none"}
    return loading.load_parts(name, **{**plain, "revision": None, "compiled": False, **options}).reads_in_bfloat16


def test_products_are_rounded_inside_and_nowhere_else() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(8, 8, generator=generator) for _ in range(2))
    with picture_reading(True):
        rounded = in_full(a @ b)
    with picture_reading(False):
        same = a @ b
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, (a.bfloat16() @ b.bfloat16()).float())
    assert torch.equal(same, a @ b)
    assert not torch.equal(rounded, same)


@pytest.mark.parametrize(
    ("vector", "tile", "device", "can"),
    [
        (True, False, "cpu", True),
        (False, True, "cpu", True),
        (False, False, "cpu", False),
        (None, None, "cpu", False),
        (True, True, "cuda", False),
    ],
)
def test_the_processor_decides(
    vector: bool | None, tile: bool | None, device: str, can: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, answer in (("_is_avx512_bf16_supported", vector), ("_is_amx_tile_supported", tile)):
        if answer is None:
            monkeypatch.delattr(torch.cpu, name, raising=False)
        else:
            monkeypatch.setattr(torch.cpu, name, lambda answer=answer: answer, raising=False)
    assert multiplies_bfloat16(device) is can


@pytest.mark.parametrize("can", [True, False])
def test_only_by_itself_where_the_processor_can_and_the_config_allows_it(
    can: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "multiplies_bfloat16", lambda device: can)
    assert reads_in_bfloat16("nano") is can
    assert reads_in_bfloat16("nano", quantize="int8") is can
    for option in ({"dtype": "float32"}, {"compiled": True}):
        assert not reads_in_bfloat16("nano", **option)
    assert Osprey.from_pretrained("nano", device="cpu").reads_in_bfloat16 is can
    tiny_osprey().save(tmp_path)
    assert not reads_in_bfloat16(str(tmp_path))


def test_a_precision_that_is_unknown_is_told(tmp_path: Path) -> None:
    for file in hub.EMBEDDED_FOLDER.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "picture_precision": "int4"}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"picture_precision.*'int4'"):
        Osprey.from_pretrained(str(tmp_path))


def test_what_a_model_keeps_of_a_picture_is_float32_and_close() -> None:
    exact, rounded = tiny_osprey(), tiny_osprey()
    rounded.reads_in_bfloat16 = True
    views = [model.open(PICTURE) for model in (exact, rounded)]
    tokens = [view.encoding().image_tokens for view in views]
    kept = [view.read("What is it?").prefix for view in views]
    pairs = [tokens, *zip(*(view.encoding().levels.values() for view in views), strict=True)]
    pairs += zip(*([tensor for layer in prefix for tensor in layer] for prefix in kept), strict=True)
    for one, other in pairs:
        assert other.dtype == torch.float32
        assert 0 < float((one - other).norm()) < 0.05 * float(one.norm())
    together = rounded.open_together([PICTURE, PICTURE[::-1]])[0].encoding()
    assert torch.allclose(together.image_tokens, tokens[1], rtol=0.05, atol=0.05 * float(tokens[1].abs().max()))


def test_the_photo_tower_is_one_for_both_precisions() -> None:
    exact, rounded = (shared_photo_encoder("cpu", in_bfloat16) for in_bfloat16 in (False, True))
    assert exact is not rounded
    assert exact.tower is rounded.tower


def test_a_photo_tower_s_levels_are_float32_and_close() -> None:
    encoders = [shared_photo_encoder("cpu", in_bfloat16) for in_bfloat16 in (False, True)]
    with Image.open(EXAMPLES / "05-astronaut.jpg") as photograph:
        exact, rounded = (encoder.levels(photograph) for encoder in encoders)
    for name, level in exact.items():
        assert rounded[name].dtype == torch.float32
        assert 0 < float((level - rounded[name]).norm()) < 0.2 * float(level.norm())


def test_model_and_segmenter_look_through_one_tower_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_precision, "multiplies_bfloat16", lambda device: True)
    monkeypatch.setattr(loading, "multiplies_bfloat16", lambda device: True)
    monkeypatch.setattr(learned, "multiplies_bfloat16", lambda device: True)
    seen: list[int] = []
    hook = shared_photo_encoder("cpu").tower.register_forward_pre_hook(lambda *_: seen.append(1))
    try:
        for place, dtype in enumerate(("auto", "float32")):
            with Image.open(EXAMPLES / "05-astronaut.jpg") as photograph:
                pixels = np.array(photograph.convert("RGB"))
            pixels[0, 0] = place  # another picture, which nobody has seen
            Osprey.from_pretrained("nano", "cpu", dtype).open(pixels)
            load_segmenter("learned", "cpu", dtype).open(pixels).segment([(10.0, 10.0)], [1], None)
            assert len(seen) == place + 1
    finally:
        hook.remove()


def test_reading_is_a_matter_of_the_thread() -> None:
    with picture_reading(True):
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")
