"""The models that are measured: the shipped one, and the published widths with seeded random weights.

Random weights take as long as trained ones; their answers mean nothing.
"""

from __future__ import annotations

import copy
from typing import Literal, get_args

import torch
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from osprey_core import Osprey
from osprey_core.config import ExtractorConfig, LanguageConfig, OspreyConfig, VisionConfig
from osprey_core.language.onednn import use_onednn
from osprey_core.language.tokens import TextTokenizer
from osprey_core.model import build_network
from osprey_core.runtime import hub

Shape = Literal["nano", "wide", "tiny"]
SHAPES: tuple[str, ...] = get_args(Shape)

WIDE_LAYERS = 2
"""Of the published model's 32: every ratio that the language model decides is the same with all of them."""


def build(shape: str, seed: int = 0) -> Osprey:
    """A model in float32 on the CPU: "nano", "wide" (Osprey-7b but for its depth), or "tiny" to try the program."""
    if shape == "nano":
        return Osprey.from_pretrained("nano", "cpu", "float32")
    torch.manual_seed(seed)
    config = OspreyConfig(language=LanguageConfig(num_hidden_layers=WIDE_LAYERS)) if shape == "wide" else tiny_config()
    network = build_network(config).eval().requires_grad_(False)
    use_onednn(network)  # as loading does
    # Any vocabulary that the model embeds will do; this one is at hand.
    return Osprey(shape, network, TextTokenizer.from_folder(hub.EMBEDDED_FOLDER))


def copy_of(model: Osprey) -> Osprey:
    """A copy with weights of its own."""
    return Osprey(model.name, copy.deepcopy(model.network), model.prompts.tokenizer)


def in_bfloat16(model: Osprey) -> Osprey:
    """A copy of a model in bfloat16."""
    network = copy.deepcopy(model.network).to(torch.bfloat16)
    # As when loading: rotary frequencies are computed in float32 whatever the weights are.
    network.llm.model.rotary_emb = LlamaRotaryEmbedding(config=network.llm.config)
    return Osprey(model.name, network, model.prompts.tokenizer)


def decoder_bytes(model: Osprey) -> int:
    """Bytes of weights that every new token needs: the language model's, but for the embedding table."""
    llm = model.network.llm
    tensors = [*llm.model.layers.parameters(), *llm.model.layers.buffers(), *llm.lm_head.parameters()]
    return sum(tensor.nbytes for tensor in tensors)


def tiny_config() -> OspreyConfig:
    """ConvNeXt-atto at 64 px over a one-layer LLaMA with the embedded model's vocabulary."""
    return OspreyConfig(
        vision=VisionConfig("convnext_atto", 64, (40, 80, 160, 320)),
        extractor=ExtractorConfig(level_width=32, mask_size=16, spatial_width=32),
        language=LanguageConfig(
            vocab_size=2048,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=1024,
        ),
    )
