"""Find and read CLIP models of open_clip: a local folder or a Hub repository with config and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from osprey_core.config import CLIP_MEAN, CLIP_STD, Triple
from osprey_core.errors import CheckpointError, ModelNotFoundError
from osprey_core.language.onednn import use_onednn
from osprey_core.model.clip import ClipConfig, ClipNetwork, build_clip
from osprey_core.runtime import hub
from osprey_core.runtime.checkpoint import read_json, read_tensors

CLIP = "clip"
"""Stands for the CLIP whose image tower the published Osprey uses."""

CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "open_clip_pytorch_model.safetensors")


@dataclass(frozen=True)
class ClipFiles:
    """Config, weights and normalisation of a CLIP model."""

    folder: Path
    config: ClipConfig
    weights: Path
    mean: Triple = CLIP_MEAN
    std: Triple = CLIP_STD


def find_clip(name: str, revision: str | None = None) -> ClipFiles:
    """Files of a CLIP: "clip", a local folder, or a Hub repository of open_clip (downloaded once, then cached).

    Raises:
        ModelNotFoundError: there is no such model, or the Hub cannot be reached.
        CheckpointError: it is no CLIP whose regions can be compared with words.
    """
    folder = Path(name)
    if name == CLIP or not folder.is_dir():
        repository = hub.CLIP_REPO if name == CLIP else name
        config_path = hub.fetch_file(repository, CONFIG_FILE, revision)
        weights = _fetch_weights(repository, revision)
    else:
        config_path = folder / CONFIG_FILE
        found = [folder / file for file in WEIGHTS_FILES if (folder / file).is_file()]
        if not config_path.is_file():
            raise ModelNotFoundError("checkpoint.config_missing", folder=str(folder))
        if not found:
            raise ModelNotFoundError("checkpoint.weights_missing", folder=str(folder))
        weights = found[0]
    values = read_json(config_path)
    try:
        config = ClipConfig.from_open_clip(values["model_cfg"], name)
        preprocessing = values.get("preprocess_cfg", {})
        mean, std = (_triple(preprocessing.get(key, usual)) for key, usual in (("mean", CLIP_MEAN), ("std", CLIP_STD)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error)[:120]
        raise CheckpointError("open_vocabulary.config_invalid", path=str(config_path), reason=reason) from error
    return ClipFiles(config_path.parent, config, weights, mean, std)


def load_clip(
    files: ClipFiles, device: torch.device, dtype: torch.dtype, image_side: Mapping[str, torch.Tensor] | None = None
) -> ClipNetwork:
    """Build the network and fill it, in eval mode, without gradients.

    image_side: tensors "visual.…" in the place of the file's, where they have the names and shapes of this CLIP; see
        `checkpoint.read_clip_image_side`.

    Raises CheckpointError for missing, unexpected or mis-shaped tensors, values that are not finite, or a broken file.
    """
    with torch.device("meta"):
        network = build_clip(files.config)
    tensors = {ours: tensor for name, tensor in read_tensors(files.weights) if (ours := _our_name(name)) is not None}
    wanted = network.state_dict()
    shapes = {name: tensor.shape for name, tensor in wanted.items() if name.startswith("visual.")}
    if image_side and {name: tensor.shape for name, tensor in image_side.items()} == shapes:
        tensors |= image_side
    wrong = sorted(set(wanted) ^ set(tensors))
    wrong += [name for name in wanted if name in tensors and wanted[name].shape != tensors[name].shape]
    wrong += [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if wrong:
        names = ", ".join(wrong[:8]) + (f" and {len(wrong) - 8} more" if len(wrong) > 8 else "")
        raise CheckpointError("open_vocabulary.weights_mismatch", folder=str(files.folder), names=names)
    placed = {name: tensor.to(device=device, dtype=dtype) for name, tensor in tensors.items()}
    network.load_state_dict(placed, strict=True, assign=True)
    network.text.attn_mask = network.text.attn_mask.to(device=device, dtype=dtype)
    use_onednn(network)
    return network.eval().requires_grad_(False)


def _our_name(name: str) -> str | None:
    """The text tower has a prefix with us; in files of open_clip's first layout it has none."""
    if name in ("logit_bias", "attn_mask", "text.attn_mask"):
        return None
    return name if name.startswith(("visual.", "text.")) or name == "logit_scale" else f"text.{name}"


def _triple(values: object) -> Triple:
    if not isinstance(values, list | tuple) or len(values) != 3:
        raise ValueError("mean and std need three numbers")
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _fetch_weights(repository: str, revision: str | None) -> Path:
    """The first of the known weights files that the repository has."""
    for file in WEIGHTS_FILES:
        try:
            return hub.fetch_file(repository, file, revision)
        except ModelNotFoundError as error:
            if error.code != "hub.file_unknown":
                raise
            missing = error
    raise missing
