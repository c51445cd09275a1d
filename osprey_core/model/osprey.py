"""The whole network: from pictures, masks and ids to logits. It has no state besides its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from osprey_core.config import IMAGE_PLACEHOLDER_ID, PHOTO_PREFIX, LanguageConfig, OspreyConfig, VisionConfig
from osprey_core.model.connector import Connector
from osprey_core.model.extractor import MaskExtractor, RegionExtractor
from osprey_core.model.sampler import SamplingExtractor
from osprey_core.model.vision import build_vision_encoder


class OspreyNetwork(nn.Module):
    """Osprey (Yuan et al., CVPR 2024): encoder, connector, mask extractor and a LLaMA.

    Image and region tokens replace placeholder ids in the prompt's embeddings.
    """

    def __init__(
        self,
        config: OspreyConfig,
        vision_tower: nn.Module,
        mm_projector: Connector,
        mask_extractor: RegionExtractor,
        llm: LlamaForCausalLM,
    ) -> None:
        super().__init__()
        self.config = config
        self.vision_tower = vision_tower
        self.mm_projector = mm_projector
        self.mask_extractor = mask_extractor
        self.llm = llm

    def encode_image(
        self, pixel_values: torch.Tensor, photo_levels: Mapping[str, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Encode pictures once for any number of questions.

        Args:
            pixel_values: float (B, 3, S, S).
            photo_levels: what the photo tower sees in them, {"res2": (B, C, h, w), …, "head": …}; needed where the
                config has one. The tower itself is shared with the segmenter and is no part of this network.

        Returns:
            image tokens (B, N, D) with N = (S/16)², and the levels {"res2": (B, C, h, w), …}, those of the photo tower
            under their names with the prefix.

        Raises:
            ValueError: the photo tower's levels are missing, or given to a model without one.
        """
        levels = self.vision_tower(pixel_values)
        photo = self.config.vision.photo
        if (photo is None) != (photo_levels is None):
            raise ValueError("The photo tower's levels must be given exactly where the model's config has one.")
        if photo is not None and photo_levels is not None:
            levels |= {PHOTO_PREFIX + name: level.to(levels["res4"].dtype) for name, level in photo_levels.items()}
        return self.image_tokens(levels), levels

    def image_tokens(self, levels: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Image tokens (B, N, D) of levels as `encode_image` gives them; only those that tokens are made of count."""
        joined = levels["res4"]  # (B, C, h, w)
        if self.config.vision.photo is not None:
            maps = [levels[PHOTO_PREFIX + name] for name in self.config.vision.photo.image_levels]
            joined = torch.cat([joined, *(resample(level, joined.shape[-2:]) for level in maps)], 1)
        tokens: torch.Tensor = self.mm_projector(joined)
        return tokens

    def forward(
        self,
        input_ids: torch.Tensor,
        pixel_values: torch.Tensor,
        masks: Sequence[torch.Tensor],
        photo_levels: Mapping[str, torch.Tensor] | None = None,
        close_ups: Sequence[Mapping[str, torch.Tensor]] | None = None,
    ) -> torch.Tensor:
        """Logits of whole prompts.

        Args:
            input_ids: int64 (B, T), with -200 once per row for the picture and `<mask>` / `<pos>` ids per region.
            pixel_values: float (B, 3, S, S).
            masks: per row (Q, H, W) masks at the picture's own size, in the order of the row's `<mask>` ids.
            photo_levels: as for `encode_image`.
            close_ups: as for `RegionExtractor.forward`.

        Returns:
            (B, T + N - 1, vocabulary): the picture's id is replaced by N positions.

        Raises:
            ValueError: the number of placeholders differs from the number of pictures or regions.
        """
        image_tokens, levels = self.encode_image(pixel_values, photo_levels)
        mask_tokens, spatial_tokens = self.mask_extractor(levels, masks, close_ups)
        embeds = self.embed_prompt(input_ids, image_tokens, torch.cat(mask_tokens), torch.cat(spatial_tokens))
        return self.llm(inputs_embeds=embeds, use_cache=False).logits

    def embed_prompt(
        self,
        input_ids: torch.Tensor,
        image_tokens: torch.Tensor,
        mask_tokens: torch.Tensor,
        spatial_tokens: torch.Tensor,
    ) -> torch.Tensor:
        """Embed a prompt, with image and region tokens in place of the placeholders.

        Args:
            input_ids: int64 (B, T).
            image_tokens: (B, N, D).
            mask_tokens, spatial_tokens: (R, D), the regions of all rows one after another.

        Returns:
            (B, T + N - 1, D), or (B, T, D) when no row holds a picture.

        Raises:
            ValueError: the counts of placeholders and tokens differ; both are named.
        """
        ids = expand_image_placeholder(input_ids, image_tokens.shape[1])
        return self.splice(ids, image_tokens, mask_tokens, spatial_tokens)

    def splice(
        self, ids: torch.Tensor, image_tokens: torch.Tensor, mask_tokens: torch.Tensor, spatial_tokens: torch.Tensor
    ) -> torch.Tensor:
        """As `embed_prompt`, for ids (B, T) in which the picture's id is already repeated per image token."""
        slots = {
            "<image>": (ids == IMAGE_PLACEHOLDER_ID, image_tokens.flatten(0, 1)),
            "<mask>": (ids == self.config.mask_token_id, mask_tokens),
            "<pos>": (ids == self.config.pos_token_id, spatial_tokens),
        }
        text = (ids >= 0) & (ids < self.config.language.vocab_size)
        # Placeholder ids are outside the embedding table; id 0 is embedded instead and then overwritten.
        embeds = self.llm.get_input_embeddings()(torch.where(text, ids, 0))
        for name, (where, tokens) in slots.items():
            expected, given = int(where.sum()), tokens.shape[0]
            if name == "<image>" and expected == 0:
                continue
            if expected != given:
                raise ValueError(
                    f"The prompt holds {expected} {name} positions, but {given} tokens were given for them."
                )
            embeds = embeds.masked_scatter(where[..., None], tokens.to(embeds.dtype))
        return embeds


def blank_photo_levels(config: VisionConfig, like: torch.Tensor) -> dict[str, torch.Tensor] | None:
    """Zeros in the shape of the photo tower's levels (1, C, h, w), on the device and of the type of `like`.

    None for a model without such a tower.
    """
    if config.photo is None:
        return None
    sizes = config.photo.level_sizes_hw
    return {name: like.new_zeros(1, dim, *sizes[name]) for name, dim in config.photo.channels.items()}


def resample(level: torch.Tensor, size_hw: Sequence[int]) -> torch.Tensor:
    """A level (B, C, h, w) on another grid, bilinear."""
    return F.interpolate(level, size=tuple(size_hw), mode="bilinear", align_corners=False)


def expand_image_placeholder(input_ids: torch.Tensor, count: int) -> torch.Tensor:
    """Repeat the picture's id `count` times in place: (B, T) -> (B, T + count - 1).

    Raises ValueError unless either all rows or none contain the picture's id, once each.
    """
    per_row = (input_ids == IMAGE_PLACEHOLDER_ID).sum(1)
    if int(per_row.max()) == 0:
        return input_ids
    if not bool((per_row == 1).all()):
        raise ValueError(f"Every row must hold the picture once, but the rows hold it {per_row.tolist()} times.")
    repeats = torch.where(input_ids == IMAGE_PLACEHOLDER_ID, count, 1)
    return torch.stack([row.repeat_interleave(n) for row, n in zip(input_ids, repeats, strict=True)])


def llama_config(config: LanguageConfig) -> LlamaConfig:
    """The sizes as a transformers config."""
    return LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        num_key_value_heads=config.num_key_value_heads,
        max_position_embeddings=config.max_position_embeddings,
        rms_norm_eps=config.rms_norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        tie_word_embeddings=False,
    )


def build_network(config: OspreyConfig) -> OspreyNetwork:
    """Build all parts with random weights, on torch's current default device (`meta` included)."""
    dim = config.language.hidden_size
    return OspreyNetwork(
        config,
        vision_tower=build_vision_encoder(config.vision),
        mm_projector=Connector(config.vision.image_token_dim, dim),
        mask_extractor=_build_extractor(config, dim),
        llm=LlamaForCausalLM(llama_config(config.language)),
    )


def _build_extractor(config: OspreyConfig, token_dim: int) -> RegionExtractor:
    """The extractor that the config asks for: mask pooling, or a sampler."""
    if config.extractor.sampler is not None:
        return SamplingExtractor(config.vision.pooled_dims, token_dim, config.extractor, config.extractor.sampler)
    prototypes = config.vision.photo.prototypes if config.vision.photo is not None else 0
    return MaskExtractor(config.vision.pooled_dims, token_dim, config.extractor, prototypes)
