"""Models with the published shapes and seeded random weights, built where they are needed.

Random weights take as long as trained ones; their answers mean nothing.
"""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import torch
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from benchmarks.models import tiny_config
from osprey_core import Osprey
from osprey_core.config import LanguageConfig, OspreyConfig
from osprey_core.language.tokens import TextTokenizer
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.runtime import hub
from osprey_core.runtime.checkpoint import TOKENIZER_FILE


def config_of(layers: int, tiny: bool) -> OspreyConfig:
    """Osprey-7b's sizes with that many layers in its language model (published: 32), or a tiny model's."""
    return tiny_config() if tiny else OspreyConfig(language=LanguageConfig(num_hidden_layers=layers))


def seeded_model(config: OspreyConfig, device: torch.device, dtype: torch.dtype, seed: int = 0) -> Osprey:
    """A model whose weights are drawn on the device itself, in the given precision."""
    network = _empty_network(config, device, dtype)
    draw_weights(network, seed)
    return Osprey("seeded", network, word_per_id(config.language.vocab_size))


@torch.no_grad()
def copy_to(model: Osprey, device: torch.device) -> Osprey:
    """A copy of a model, weights included, on another device."""
    source = model.network
    network = _empty_network(source.config, device, next(source.parameters()).dtype)
    for copied, original in zip(network.parameters(), source.parameters(), strict=True):
        copied.copy_(original)
    return Osprey(model.name, network, model.prompts.tokenizer)


@torch.no_grad()
def draw_weights(network: nn.Module, seed: int) -> None:
    """Fill all parameters so that a signal keeps its size: matrices by their number of inputs, norms with 1.

    Embeddings are as large as what the layers add to them, so that an answer does not repeat one token.
    """
    generators: dict[torch.device, torch.Generator] = {}
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            if parameter.device not in generators:
                generators[parameter.device] = torch.Generator(parameter.device).manual_seed(seed)
            is_embedding = name.endswith("embed_tokens.weight")
            deviation = 1.0 if is_embedding else 1 / math.sqrt(parameter[0].numel())
            parameter.normal_(0, deviation, generator=generators[parameter.device])
        elif name.endswith("gamma"):
            parameter.fill_(0.1)  # ConvNeXt's scale of a block's output
        else:
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)


def word_per_id(vocab_size: int) -> TextTokenizer:
    """The embedded model's tokenizer with a word of its own for every further id, so that equal texts are equal ids."""
    content = json.loads((hub.EMBEDDED_FOLDER / TOKENIZER_FILE).read_text(encoding="utf-8"))
    vocab = content["model"]["vocab"]
    vocab.update({f"▁#{place}": place for place in range(len(vocab), vocab_size)})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / TOKENIZER_FILE).write_text(json.dumps(content), encoding="utf-8")
        return TextTokenizer.from_folder(Path(folder))


def _empty_network(config: OspreyConfig, device: torch.device, dtype: torch.dtype) -> OspreyNetwork:
    """The network with memory for its weights on a device, not yet filled."""
    with torch.device("meta"):
        network = build_network(config).to(dtype)
    network.to_empty(device=device)
    # Rotary frequencies are computed in float32 whatever the weights are, as when a checkpoint is loaded.
    network.llm.model.rotary_emb = LlamaRotaryEmbedding(config=network.llm.config).to(device)
    assert all(".rotary_emb." in name for name, _ in network.named_buffers()), "other buffers would stay unfilled"
    return network.eval().requires_grad_(False)
