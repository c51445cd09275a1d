"""Our network computes what the published one computes: the recorded figures, from a published-layout checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from osprey_core.language.generation import decode
from osprey_core.language.sampling import SamplingSettings
from osprey_core.model import OspreyNetwork
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.runtime import checkpoint
from tests import golden

pytestmark = [pytest.mark.golden, pytest.mark.slow]

TOLERANCE = 1e-3
PROMPT_MASKS = {"short": ["m1"], "two": ["m1", "m2"], "detailed": ["m3"]}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OspreyNetwork]:
    """The mini checkpoint, written as the published ones are (two .bin shards and an index), then loaded."""
    folder = tmp_path_factory.mktemp("published")
    write_published(folder)
    files = checkpoint.inspect_folder(folder)
    assert files.layout == "published"
    assert not checkpoint.needs_vision_weights(files)
    yield checkpoint.load_network(files, torch.device("cpu"), torch.float32)
    for path in folder.iterdir():
        path.unlink()


def write_published(folder: Path) -> None:
    """A published-layout checkpoint of the seeded weights, with the tensors that loading has to ignore."""
    tensors = dict(golden.mini_tensors())
    for layer in range(2):
        tensors[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = torch.full((32,), torch.nan)
    names = list(tensors)
    half = len(names) // 2
    weight_map: dict[str, str] = {}
    for number, shard in enumerate((names[:half], names[half:]), start=1):
        file = f"pytorch_model-0000{number}-of-00002.bin"
        torch.save({name: tensors[name] for name in shard}, folder / file)
        weight_map |= dict.fromkeys(shard, file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    published = {
        "model_type": "osprey",
        "hidden_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 512,
        "vocab_size": 32000,
        "rms_norm_eps": 1e-5,
        "max_position_embeddings": 4096,
        "rope_scaling": None,
        "mm_projector_type": "mlp2x_gelu",
        "mm_vision_tower": "open_clip_pytorch_model.bin",
        "image_aspect_ratio": "pad",
    }
    (folder / "config.json").write_text(json.dumps(published))


@pytest.fixture(scope="module")
def pixel_values() -> torch.Tensor:
    return image_to_tensor(golden.inputs()["img"], 512)[None]


@pytest.fixture(scope="module")
def encoded(network: OspreyNetwork, pixel_values: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    with torch.inference_mode():
        return network.encode_image(pixel_values)


def masks_of(*names: str) -> torch.Tensor:
    return torch.from_numpy(np.stack([golden.inputs()[name] for name in names]))


def test_pixels(pixel_values: torch.Tensor) -> None:
    figures = golden.expected()
    assert pixel_values.shape == (1, 3, 512, 512)
    assert golden.relative_error(pixel_values[0].mean((1, 2)), figures["pixel_mean"]) < TOLERANCE
    assert golden.relative_error(pixel_values[0, :, 100:108, 200:208], figures["pixel_patch"]) < TOLERANCE


@pytest.mark.parametrize("level", ["res2", "res3", "res4", "res5"])
def test_levels(encoded: tuple[torch.Tensor, dict[str, torch.Tensor]], level: str) -> None:
    mean = encoded[1][level].mean((2, 3))[0]
    assert golden.relative_error(mean, golden.expected()[f"{level}_mean"]) < TOLERANCE


def test_image_tokens(encoded: tuple[torch.Tensor, dict[str, torch.Tensor]]) -> None:
    tokens, figures = encoded[0][0], golden.expected()
    assert golden.relative_error(tokens[:8, :16], figures["image_tokens_0_8"]) < TOLERANCE
    assert golden.relative_error(tokens.norm(dim=-1), figures["image_tokens_norm"]) < TOLERANCE


def test_mask_and_spatial_tokens(network: OspreyNetwork, encoded: tuple[torch.Tensor, dict[str, torch.Tensor]]) -> None:
    with torch.inference_mode():
        mask_tokens, spatial_tokens = network.mask_extractor(encoded[1], [masks_of("m1", "m2", "m3")])
    assert golden.relative_error(mask_tokens[0], golden.expected()["mask_feats"]) < TOLERANCE
    assert golden.relative_error(spatial_tokens[0], golden.expected()["pos_feats"]) < TOLERANCE


@pytest.mark.parametrize("prompt", sorted(PROMPT_MASKS))
def test_logits(network: OspreyNetwork, pixel_values: torch.Tensor, prompt: str) -> None:
    ids = torch.tensor([golden.prompt_ids()[prompt]["ids"]])
    with torch.inference_mode():
        logits = network(ids, pixel_values, [masks_of(*PROMPT_MASKS[prompt])])[0]
    figures = golden.expected()
    assert logits.shape == (ids.shape[1] + 1023, 32000)
    assert golden.relative_error(logits[-1], figures[f"{prompt}_logits_last"]) < TOLERANCE
    assert logits[-40:].argmax(-1).tolist() == figures[f"{prompt}_argmax_tail"].tolist()


@pytest.mark.parametrize("prompt", sorted(PROMPT_MASKS))
def test_greedy_tokens(
    network: OspreyNetwork, encoded: tuple[torch.Tensor, dict[str, torch.Tensor]], prompt: str
) -> None:
    figures = golden.expected()
    image_tokens, levels = encoded
    ids = torch.tensor([golden.prompt_ids()[prompt]["ids"]])
    with torch.inference_mode():
        (mask_tokens,), (spatial_tokens,) = network.mask_extractor(levels, [masks_of(*PROMPT_MASKS[prompt])])
        embeds = network.embed_prompt(ids, image_tokens, mask_tokens, spatial_tokens)
    ours = list(decode(network.llm, embeds, SamplingSettings(max_new_tokens=12)))
    for step, (token, wanted, margin) in enumerate(
        zip(ours, figures[f"{prompt}_greedy"], figures[f"{prompt}_margin"], strict=True)
    ):
        if token != wanted:
            assert margin < 0.05, f"token {step} differs at a margin of {margin}"
            break  # after a tie is broken the other way, what follows is another text
