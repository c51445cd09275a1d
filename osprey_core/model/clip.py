"""CLIP with a ConvNeXt tower, built of open_clip's own modules, so that regions and words get comparable vectors.

Instead of the whole picture's mean, the head gets the mean of a region (FC-CLIP, Yu et al., 2023). It knows neither
tokenizers nor files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.errors import CheckpointError
from osprey_core.model.mask_pooling import area_weights, cover_grid, mask_pooling
from osprey_core.model.vision import VisionEncoder

MASKS_AT_ONCE = 8
"""Masks that are resized together; each is as large as the picture."""

TEXTS_AT_ONCE = 256
_LARGEST = {"embed_dim": 8192, "context_length": 4096, "vocab_size": 4_000_000, "width": 16_384, "heads": 1024}


@dataclass(frozen=True)
class ClipConfig:
    """The parts of open_clip's `model_cfg` that a ConvNeXt CLIP is described by. The defaults are those of
    `convnext_large_d_320`, the tower of the published Osprey."""

    tower: str = "convnext_large"
    projection: str = "mlp"
    embed_dim: int = 768
    context_length: int = 77
    vocab_size: int = 49408
    width: int = 768
    heads: int = 12
    layers: int = 16

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, largest = getattr(self, field.name), _LARGEST.get(field.name, 256)
            if field.type == "int" and not (type(value) is int and 0 < value <= largest):
                raise ValueError(f"{field.name} is {str(value)[:40]}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")

    @classmethod
    def from_open_clip(cls, values: Mapping[str, Any], name: str) -> ClipConfig:
        """From open_clip's `model_cfg`.

        Raises:
            CheckpointError: the model has another image tower than a ConvNeXt, or another text tower than open_clip's.
            ValueError: an entry is missing or impossible.
        """
        vision, text = values.get("vision_cfg"), values.get("text_cfg")
        if not isinstance(vision, Mapping) or not isinstance(text, Mapping):
            raise ValueError("vision_cfg or text_cfg is missing")
        tower, projection = str(vision.get("timm_model_name")), str(vision.get("timm_proj", "linear"))
        plain = {"context_length", "vocab_size", "width", "heads", "layers"}
        fits = tower.startswith("convnext") and projection in ("mlp", "linear") and not vision.get("timm_pool")
        if not fits or set(text) - plain or values.get("quick_gelu"):
            raise CheckpointError("open_vocabulary.tower_unsupported", name=name)
        return cls(tower, projection, values.get("embed_dim", 0), **dict(text))


class ClipNetwork(nn.Module):
    """Image tower, text tower and scale; parameter names are open_clip's, the text tower's under `text.`."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        # Deferred: open_clip takes seconds to import.
        from open_clip.timm_model import TimmModel
        from open_clip.transformer import TextTransformer

        self.config = config
        self.visual = TimmModel(config.tower, config.embed_dim, pool="", proj=config.projection)
        self.text = TextTransformer(
            context_length=config.context_length,
            vocab_size=config.vocab_size,
            width=config.width,
            heads=config.heads,
            layers=config.layers,
            output_dim=config.embed_dim,
        )
        self.logit_scale = nn.Parameter(torch.ones([]))

    @property
    def scale(self) -> float:
        """What cosines are multiplied by before the softmax: exp(logit_scale), at most 100 as CLIP trains it."""
        return min(float(self.logit_scale.detach().exp()), 100.0)

    def res5(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """The last stage's map before the head's norm, (B, C, S/32, S/32), of pictures (B, 3, S, S)."""
        features: torch.Tensor = self.visual.trunk.forward_features(pixel_values)
        return features

    def embed_regions(self, res5: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Vectors of regions: mask pooling on res5, the trunk's norm, the projection, length 1.

        Args:
            res5: (1, C, h, w), see `res5`.
            masks: bool (Q, H, W), none of them empty. Cells are those that a mask touches, as in FC-CLIP; a mask so
                thin that it touches none is pooled by its share of each cell instead.

        Returns:
            (Q, D) of length 1.
        """
        size_hw = (res5.shape[-2], res5.shape[-1])
        cells = [res5.new_zeros(0, *size_hw, dtype=torch.float32)]
        for start in range(0, len(masks), MASKS_AT_ONCE):
            batch = masks[start : start + MASKS_AT_ONCE]
            covered = cover_grid(batch, size_hw).float()  # (q, h, w)
            vanished = ~covered.flatten(1).any(1)
            if vanished.any():
                covered[vanished] = area_weights(batch[vanished], size_hw)
            cells.append(covered)
        return self.embed_cells(res5, torch.cat(cells))

    def embed_cells(self, res5: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """As `embed_regions`, from the regions' cells of res5's grid or their weights: bool or float (Q, h, w)."""
        weights = cells.float()
        weights = weights / weights.flatten(1).sum(1).clamp(min=1e-12)[:, None, None]
        return F.normalize(self._project(mask_pooling(res5, weights[None])[0]), dim=-1)

    def embed_texts(self, ids: torch.Tensor) -> torch.Tensor:
        """Vectors (T, D) of length 1 of texts as ids (T, context_length), padded with 0 after the end of text.

        Positions after the longest text are cut off: they cannot be seen from those before (the mask is causal).
        """
        vectors = [self.text.positional_embedding.new_zeros(0, self.config.embed_dim)]
        for start in range(0, len(ids), TEXTS_AT_ONCE):
            batch = ids[start : start + TEXTS_AT_ONCE]
            longest = int(batch.argmax(-1).max()) + 1  # the end of text has the largest id
            vectors.append(F.normalize(self._read(batch[:, :longest]), dim=-1))
        return torch.cat(vectors)

    def _read(self, ids: torch.Tensor) -> torch.Tensor:
        """The text tower on ids (T, L), L up to its context (open_clip's own forward needs all of it): (T, D)."""
        tower, length = self.text, ids.shape[1]
        states = tower.token_embedding(ids) + tower.positional_embedding[:length]
        states = tower.ln_final(tower.transformer(states, attn_mask=tower.attn_mask[:length, :length]))
        last = states[torch.arange(len(ids), device=ids.device), ids.argmax(-1)]
        projected: torch.Tensor = last @ tower.text_projection
        return projected

    def _project(self, pooled: torch.Tensor) -> torch.Tensor:
        """The head on pooled features (Q, C), as on a map of one position: (Q, D)."""
        if not len(pooled):
            return pooled.new_zeros(0, self.config.embed_dim)
        projected: torch.Tensor = self.visual.head(self.visual.trunk.head(pooled[..., None, None]))
        return projected


def share_trunk(network: ClipNetwork, encoder: nn.Module) -> bool:
    """Let a CLIP use an encoder's ConvNeXt as its trunk if all of that one's weights are its own; whether it does."""
    if not isinstance(encoder, VisionEncoder):
        return False
    own, other = network.visual.trunk, encoder.trunk
    theirs = other.state_dict()
    ours = {name: tensor for name, tensor in own.state_dict().items() if not name.startswith("head.")}
    if ours.keys() != theirs.keys() or any(tensor.is_meta for tensor in theirs.values()):
        return False
    if not all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items()):
        return False
    own.stem, own.stages = other.stem, other.stages
    return True


def build_clip(config: ClipConfig) -> ClipNetwork:
    """The network with parameters on the current default device; the text tower's mask is always real."""
    network = ClipNetwork(config)
    length = config.context_length
    mask = torch.full((length, length), float("-inf"), device="cpu").triu(1)
    network.text.register_buffer("attn_mask", mask, persistent=False)
    return network
