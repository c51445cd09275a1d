"""The recorded figures of the published implementation, and the seeded weights that they were recorded with."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from osprey_core.config import LanguageConfig, OspreyConfig

DATA = Path(__file__).parent / "data"

MINI_CONFIG = OspreyConfig(
    language=LanguageConfig(
        hidden_size=256, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, intermediate_size=512
    )
)
"""The published ConvNeXt-L and extractor over a shrunken LLaMA."""


def seeded_tensor(name: str, shape: list[int]) -> torch.Tensor:
    """The weight of that name, drawn from a generator seeded by the name."""
    x = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape, dtype=np.float32)
    if name.endswith("gamma"):
        x = 0.3 + 0.05 * x
    elif len(shape) == 1:
        x = 1 + 0.1 * x if name.endswith("weight") else 0.02 * x
    elif "embed_tokens" in name:
        x = 0.5 * x
    else:
        x = x / np.sqrt(np.prod(shape[1:]), dtype=np.float32)
    return torch.from_numpy(x.astype(np.float32))


def mini_shapes() -> dict[str, list[int]]:
    """Every name of a published-layout checkpoint, with its shape."""
    return json.loads((DATA / "mini_checkpoint_keys.json").read_text())


def mini_tensors() -> Iterator[tuple[str, torch.Tensor]]:
    """Name and seeded weight, one at a time."""
    for name, shape in mini_shapes().items():
        yield name, seeded_tensor(name, shape)


def inputs() -> dict[str, np.ndarray]:
    """`img` uint8 (300, 420, 3) and the masks m1, m2, m3."""
    with np.load(DATA / "mini_inputs.npz") as arrays:
        return dict(arrays)


def expected() -> dict[str, np.ndarray]:
    """The recorded figures by name."""
    with np.load(DATA / "mini_expected.npz") as arrays:
        return dict(arrays)


def prompt_ids() -> dict[str, dict]:
    """{name: {"prompt", "ids"}} as the published code and tokenizer give them."""
    return json.loads((DATA / "prompt_ids.json").read_text())


def relative_error(actual: np.ndarray | torch.Tensor, wanted: np.ndarray) -> float:
    """Largest difference relative to the wanted array's largest magnitude."""
    actual = np.asarray(actual.detach().float() if isinstance(actual, torch.Tensor) else actual)
    assert actual.shape == wanted.shape, f"shape {actual.shape} is not {wanted.shape}"
    return float(np.abs(actual - wanted).max() / np.abs(wanted).max())
