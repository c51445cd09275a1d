"""A complete CLIP of open_clip with a small ConvNeXt tower and seeded weights, and its folder as published ones are."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from osprey_core.analysis.open_vocabulary import OpenVocabulary

MODEL_CFG: dict[str, Any] = {
    "embed_dim": 48,
    "vision_cfg": {
        "timm_model_name": "convnext_atto",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "mlp",
        "timm_drop": 0.0,
        "timm_drop_path": 0.1,
        "image_size": 64,
    },
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@cache
def seeded_clip() -> Any:
    """open_clip's own model, in eval mode. Its text side is made lively, so that different words differ clearly."""
    torch.manual_seed(0)
    model = open_clip.model.CLIP(MODEL_CFG["embed_dim"], dict(MODEL_CFG["vision_cfg"]), dict(MODEL_CFG["text_cfg"]))
    with torch.no_grad():
        model.token_embedding.weight.mul_(40)
        for name, parameter in model.visual.named_parameters():
            if name.endswith("gamma"):  # timm begins layer scale at 1e-6, which hides every block
                parameter.fill_(0.3)
    return model.eval()


def write_clip(folder: Path, model_cfg: dict[str, Any] = MODEL_CFG) -> Path:
    """The seeded model as a folder with open_clip's config and weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().clone() for name, tensor in seeded_clip().state_dict().items()}
    save_file(tensors, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model_cfg}), encoding="utf-8")
    return folder


@cache
def loaded_clip() -> OpenVocabulary:
    """The seeded model as the program loads it, without a folder for vectors."""
    with TemporaryDirectory() as folder:
        read = OpenVocabulary.from_pretrained(str(write_clip(Path(folder))), "cpu", image_size=128)
    return OpenVocabulary("seeded CLIP", read.network, 128)
