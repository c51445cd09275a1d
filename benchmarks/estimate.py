"""Estimates times on cards that were not measured: the larger of bytes over bandwidth and FLOPs over speed.

Nothing here is measured. The share of its data sheet that a card reaches is an assumption, stated in `Card`.
"""

from __future__ import annotations

from dataclasses import dataclass

from osprey_core.config import OspreyConfig

CONVNEXT_LARGE_GMACS_AT_224 = 34.4
"""timm's figure for ConvNeXt-L; it grows with the number of pixels."""

TEXT_TOKENS = 60
"""Behind the picture, in a first question."""


@dataclass(frozen=True)
class Card:
    """A GPU by its data sheet, and the shares of it that well-written code is assumed to reach."""

    name: str
    tera_flops: float
    """bfloat16, dense."""
    giga_bytes_per_second: float
    memory_gb: int
    compute_share: float = 0.5
    bandwidth_share: float = 0.7

    def seconds(self, flops: float, nbytes: float) -> float:
        """For work of that size."""
        computing = flops / (self.tera_flops * 1e12 * self.compute_share)
        return max(computing, nbytes / (self.giga_bytes_per_second * 1e9 * self.bandwidth_share))


CARDS = (Card("H100", 989, 3350, 80), Card("24 GB consumer card", 165, 1008, 24))


@dataclass(frozen=True)
class Estimate:
    """Seconds of a published-size model on one card, in bfloat16."""

    card: str
    baseline_first_token: float
    """Everything again: encoder, whole prompt."""
    cached_first_token: float
    """Only the text behind the picture."""
    tokens_per_second: float
    regions_per_second: float
    """Of 64 described in one batch, 12 tokens each."""
    picture_cache_mb: float
    """Keys and values of the prompt up to and including the picture."""


def estimate(config: OspreyConfig, card: Card) -> Estimate:
    """For a model of that configuration; its weights have 2 bytes each."""
    language = config.language
    width, layers = language.hidden_size, language.num_hidden_layers
    head = width // language.num_attention_heads
    per_layer = 2 * width**2 + 2 * width * language.num_key_value_heads * head + 3 * width * language.intermediate_size
    weights = layers * per_layer + width * language.vocab_size
    prefix = config.vision.image_token_count + TEXT_TOKENS // 2
    kv_bytes = 2 * layers * language.num_key_value_heads * head * 2  # per position

    def pass_seconds(rows: int, positions: int, own_context: int) -> float:
        """`rows` sequences, `positions` each, over the one prefix and `own_context` further positions of each row."""
        count = rows * positions
        flops = 2 * weights * count + 4 * layers * width * count * (prefix + own_context)
        return card.seconds(flops, 2 * weights + kv_bytes * (prefix + rows * own_context))

    encoder_macs = CONVNEXT_LARGE_GMACS_AT_224 * 1e9 * (config.vision.image_size / 224) ** 2
    encoder = card.seconds(2 * encoder_macs, 2 * 198e6)
    whole = 2 * weights * (prefix + TEXT_TOKENS) + 2 * layers * width * (prefix + TEXT_TOKENS) ** 2
    batch = pass_seconds(64, TEXT_TOKENS, TEXT_TOKENS) + 12 * pass_seconds(64, 1, TEXT_TOKENS)
    return Estimate(
        card.name,
        baseline_first_token=encoder + card.seconds(whole, 2 * weights),
        cached_first_token=pass_seconds(1, TEXT_TOKENS, TEXT_TOKENS),
        tokens_per_second=1 / pass_seconds(1, 1, TEXT_TOKENS),
        regions_per_second=64 / batch,
        picture_cache_mb=kv_bytes * prefix / 2**20,
    )
