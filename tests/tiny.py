"""A complete Osprey small enough to build in a moment, with random but seeded weights, for tests of everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM

from osprey_core.cache.prefix_attention import use_prefix_attention
from osprey_core.config import (
    ExtractorConfig,
    GenerationDefaults,
    LanguageConfig,
    OspreyConfig,
    PromptConfig,
    VisionConfig,
)
from osprey_core.engine import Osprey
from osprey_core.language.tokens import TextTokenizer
from osprey_core.model import build_network


def tiny_tokenizer() -> TextTokenizer:
    """Bytes, a few letters, and some merges that cross word starts."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abcdefghijklmnopqrstuvwxyz"]
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("▁", "a"), ("i", "s"), ("▁", "is")]
    pieces += [a + b for a, b in merges]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    return TextTokenizer(Tokenizer(BPE(vocab=vocab, merges=merges, unk_token="<unk>", byte_fallback=True)), 1, 2)


def tiny_config(context: int = 640, answer_end: str = "eos") -> OspreyConfig:
    """ConvNeXt-atto at 64 px over a one-layer LLaMA."""
    return OspreyConfig(
        vision=VisionConfig("convnext_atto", 64, (40, 80, 160, 320)),
        extractor=ExtractorConfig(level_width=32, mask_size=16, spatial_width=32),
        language=LanguageConfig(
            vocab_size=tiny_tokenizer().vocab_size,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=context,
        ),
        prompt=PromptConfig(system="Hi.", image_intro="<image>\n", answer_end=answer_end),  # type: ignore[arg-type]
        generation=GenerationDefaults(temperature=0.0, max_new_tokens=24),
    )


def tiny_osprey(context: int = 640, seed: int = 0, answer_end: str = "eos") -> Osprey:
    """A model whose answers are noise, but always the same noise."""
    torch.manual_seed(seed)
    network = build_network(tiny_config(context, answer_end)).eval().requires_grad_(False)
    return Osprey("tiny", network, tiny_tokenizer())


@contextmanager
def positions_computed(model: Osprey) -> Iterator[list[int]]:
    """Lengths of the language model's passes, as they happen."""
    lengths: list[int] = []

    def note(module: torch.nn.Module, arguments: tuple, keywords: dict) -> None:
        inputs = keywords.get("inputs_embeds")
        lengths.append((keywords["input_ids"] if inputs is None else inputs).shape[1])

    handle = model.network.llm.model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield lengths
    finally:
        handle.remove()


def tiny_llama(layers: int = 2, **sizes: Any) -> LlamaForCausalLM:
    """A LLaMA alone with seeded weights, its norms' too, that reads prefixes; in eval mode, without gradients."""
    torch.manual_seed(0)
    usual: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, **sizes}
    config = LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=layers, initializer_range=0.3, **usual
    )
    llm = LlamaForCausalLM(config).eval().requires_grad_(False)
    for name, parameter in llm.named_parameters():
        if "norm" in name:
            parameter.uniform_(0.5, 1.5)
    use_prefix_attention(llm)
    return llm
