"""The whole network: from pictures, masks and ids to logits. It has no state besides its weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from osprey_core.config import IMAGE_PLACEHOLDER_ID, LanguageConfig, OspreyConfig
from osprey_core.model.connector import Connector
from osprey_core.model.extractor import MaskExtractor
from osprey_core.model.vision import VisionEncoder, build_vision_encoder


class OspreyNetwork(nn.Module):
    """Osprey (Yuan et al., CVPR 2024): encoder, connector, mask extractor and a LLaMA.

    Image and region tokens replace placeholder ids in the prompt's embeddings.
    """

    def __init__(
        self,
        config: OspreyConfig,
        vision_tower: VisionEncoder,
        mm_projector: Connector,
        mask_extractor: MaskExtractor,
        llm: LlamaForCausalLM,
    ) -> None:
        super().__init__()
        self.config = config
        self.vision_tower = vision_tower
        self.mm_projector = mm_projector
        self.mask_extractor = mask_extractor
        self.llm = llm

    def encode_image(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Encode pictures once for any number of questions.

        Args:
            pixel_values: float (B, 3, S, S).

        Returns:
            image tokens (B, N, D) with N = (S/16)², and the levels {"res2": (B, C, h, w), …}.
        """
        levels = self.vision_tower(pixel_values)
        return self.mm_projector(levels["res4"]), levels

    def forward(
        self, input_ids: torch.Tensor, pixel_values: torch.Tensor, masks: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Logits of whole prompts.

        Args:
            input_ids: int64 (B, T), with -200 once per row for the picture and `<mask>` / `<pos>` ids per region.
            pixel_values: float (B, 3, S, S).
            masks: per row (Q, H, W) masks at the picture's own size, in the order of the row's `<mask>` ids.

        Returns:
            (B, T + N - 1, vocabulary): the picture's id is replaced by N positions.

        Raises:
            ValueError: the number of placeholders differs from the number of pictures or regions.
        """
        image_tokens, levels = self.encode_image(pixel_values)
        mask_tokens, spatial_tokens = self.mask_extractor(levels, masks)
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
        mm_projector=Connector(config.vision.level_dims[2], dim),
        mask_extractor=MaskExtractor(config.vision.level_dims, dim, config.extractor),
        llm=LlamaForCausalLM(llama_config(config.language)),
    )
