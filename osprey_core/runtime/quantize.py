"""Smaller weights for the language model's linear layers: 8-bit anywhere, 8- and 4-bit of bitsandbytes on NVIDIA GPUs.

Encoder, extractor, embeddings and the head over the vocabulary keep their precision. `drift` measures the effect on
answers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import LlamaForCausalLM

from osprey_core.errors import InputError
from osprey_core.language.generation import decode
from osprey_core.language.sampling import SamplingSettings
from osprey_core.runtime.choices import QUANTIZATIONS

_FEW_ROWS = 64
"""Up to this number of rows, a CPU's time is spent on reading the weights, so reading 8-bit ones is faster."""


class Int8Linear(nn.Module):
    """y = x (s ⊙ Q)ᵀ + b with Q int8 (N, K) and one scale s per output, symmetric; computed in bfloat16.

    The multiplication is torch's own, which unpacks in registers. Libraries that unpack into memory first are no faster
    than no quantization, unless they are compiled.
    """

    weight: torch.Tensor
    scales: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scales = weight.abs().amax(dim=1).clamp(min=1e-12) / 127
        self.register_buffer("weight", (weight / scales[:, None]).round().to(torch.int8).contiguous())
        self.register_buffer("scales", scales.to(torch.bfloat16))
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, K) -> (…, N), of x's dtype."""
        rows = x.reshape(-1, x.shape[-1]).to(torch.bfloat16)
        if rows.shape[0] <= _FEW_ROWS and rows.device.type == "cpu":
            product = torch._weight_int8pack_mm(rows, self.weight, self.scales)
        else:
            product = (rows @ self.weight.to(torch.bfloat16).T) * self.scales
        result = product.view(*x.shape[:-1], -1).to(x.dtype)
        return result if self.bias is None else result + self.bias


def quantize(llm: LlamaForCausalLM, how: str) -> None:
    """Replace the linear layers of a language model's decoder, in place.

    Args:
        how: "none"; "int8" on any device; "8bit" or "4bit" (nf4), which need an NVIDIA GPU and bitsandbytes.

    Raises:
        InputError: the name is unknown, or this machine lacks what it needs.
    """
    replacement = replacement_for(how, llm.lm_head.weight.device)
    if replacement is None:
        return
    for layer in llm.model.layers:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(parent, name, replacement(child))


def is_quantized(llm: LlamaForCausalLM) -> bool:
    """Whether `quantize` has replaced the model's layers."""
    return not llm.model.layers[0].self_attn.q_proj.weight.is_floating_point()


def replacement_for(how: str, device: torch.device) -> Callable[[nn.Linear], nn.Module] | None:
    """A function from a linear layer to a quantized one; None for "none". Raises InputError as `quantize` does."""
    if how not in QUANTIZATIONS:
        raise InputError("quantization.unknown", name=repr(how), known=", ".join(QUANTIZATIONS))
    if how == "none":
        return None
    if how == "int8":
        return Int8Linear
    if device.type != "cuda":
        raise InputError("quantization.gpu_missing", name=repr(how), device=device.type)
    try:
        bitsandbytes = importlib.import_module("bitsandbytes")
    except ImportError:
        raise InputError("quantization.bitsandbytes_missing", name=repr(how)) from None
    return lambda linear: _bitsandbytes_layer(bitsandbytes, linear, how)


def _bitsandbytes_layer(bitsandbytes: Any, linear: nn.Linear, how: str) -> nn.Module:
    """The quantized layer. bitsandbytes quantizes weights when they are moved to the GPU, so they start on the CPU."""
    modules, weight = bitsandbytes.nn, linear.weight.detach()
    sizes = (linear.in_features, linear.out_features, linear.bias is not None)
    layer: nn.Module
    if how == "8bit":
        layer = modules.Linear8bitLt(*sizes, has_fp16_weights=False)
        layer.weight = modules.Int8Params(weight.cpu(), requires_grad=False, has_fp16_weights=False)
    else:
        layer = modules.Linear4bit(*sizes, compute_dtype=weight.dtype, quant_type="nf4")
        layer.weight = modules.Params4bit(weight.cpu(), requires_grad=False, quant_type="nf4")
    if linear.bias is not None:
        layer.bias = nn.Parameter(linear.bias.detach(), requires_grad=False)
    return layer.to(weight.device)


@dataclass(frozen=True)
class Drift:
    """The difference between two language models' answers."""

    same_tokens: float
    """Share of the reference's greedy tokens that the other model also chooses, after the same beginning."""
    same_answers: float
    """Share of prompts whose greedy answers are the same from end to end."""
    logit_error: float
    """Largest difference of a logit, relative to the reference's largest logit."""


@torch.inference_mode()
def drift(
    reference: LlamaForCausalLM,
    other: LlamaForCausalLM,
    prompts: Sequence[torch.Tensor],
    new_tokens: int = 16,
    other_prompts: Sequence[torch.Tensor] | None = None,
) -> Drift:
    """Compare two language models on the reference's own greedy answers.

    Args:
        prompts: embedded prompts (1, T, D), at least one.
        new_tokens: length of the answers.
        other_prompts: the same prompts as embedded by the other model, in its own precision, so that its encoder's
            drift counts as well; None gives it the same tensors.
    """
    same_tokens, same_answers, error, largest = 0, 0, 0.0, 0.0
    for prompt, others in zip(prompts, prompts if other_prompts is None else other_prompts, strict=True):
        answer = list(decode(reference, prompt, SamplingSettings(max_new_tokens=new_tokens)))
        ids = torch.tensor([answer[:-1]], device=prompt.device)
        wanted, got = (
            llm(
                inputs_embeds=torch.cat([embeds, llm.get_input_embeddings()(ids).to(embeds.dtype)], dim=1),
                use_cache=False,
                logits_to_keep=new_tokens,
            )
            .logits[0]
            .float()
            for llm, embeds in ((reference, prompt), (other, others))
        )
        agreeing = int((got.argmax(-1) == wanted.argmax(-1)).sum())
        same_tokens += agreeing
        same_answers += agreeing == new_tokens
        error = max(error, float((got - wanted).abs().max()))
        largest = max(largest, float(wanted.abs().max()))
    count = len(prompts)
    return Drift(same_tokens / (count * new_tokens), same_answers / count, error / largest)
