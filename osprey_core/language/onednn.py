"""Linear layers in float32 on x86 processors: by oneDNN, which comes with torch, instead of MKL.

torch leaves such products to MKL, which on processors of other makers than its own does without a part of their
instructions: oneDNN was 1.4 to 2.5 times as fast on an AMD EPYC for 16 rows and more. The sums are the same but for
rounding. Products in bfloat16 and convolutions are oneDNN's anyway.
"""

from __future__ import annotations

import platform

import torch
from torch import nn

IS_X86 = platform.machine() in ("x86_64", "AMD64")

HAS_ONEDNN = IS_X86 and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
"""Whether oneDNN's product can be called. torch has no public name for it: its own compiler calls it by this one."""


def linear(inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """The result (…, N) of a linear layer for float32 inputs (…, K) on a CPU, weight (N, K) and bias (N,).

    Without gradients; only where `HAS_ONEDNN`.
    """
    result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
    return result


class OneDnnLinear(nn.Linear):
    """A linear layer that oneDNN computes where it can; the same parameters and results."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(…, K) to (…, N)."""
        is_full = all(each.dtype == torch.float32 and each.device.type == "cpu" for each in (inputs, self.weight))
        if not is_full or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or not inputs.numel():
            return super().forward(inputs)
        return linear(inputs, self.weight, self.bias)


def use_onednn(module: nn.Module) -> None:
    """Have oneDNN compute the linear layers of a module that are in float32 on a CPU, where there is a oneDNN.

    Their parameters stay where they are. For networks that answer; a compiler finds its own way.
    """
    if not HAS_ONEDNN:
        return
    for part in module.modules():
        if type(part) is nn.Linear and part.weight.dtype == torch.float32 and part.weight.device.type == "cpu":
            part.__class__ = OneDnnLinear
