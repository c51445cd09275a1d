"""Matrices that read the same input, stored one below the other, so that one product serves them all.

For a small model the calls take longer than the arithmetic. The modules keep their parameters, which become views of
the joined matrix: no model stores anything twice, and whoever reads, writes, saves or moves a parameter finds what it
expects. A parameter that was moved since, or got other memory, is joined anew the next time. It does not know what is
computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

MOST_BYTES = 2**25
"""On a CPU, larger matrices stay apart: reading them takes far longer than a call, and joining them is a copy."""


def joined(linears: Sequence[nn.Linear]) -> tuple[torch.Tensor, ...]:
    """The weights (N, K) of linear layers that have the same inputs, as few as possible.

    Returns:
        one matrix, (N of all, K), if the weights are or could be stored one below the other; otherwise one for each.
        They share memory with the layers' parameters. Weights that are being trained, or of which another tensor holds
        a part of the memory, are not moved. Weights that lie in the same memory in two models get memory of their own
        in each.
    """
    weights = [linear.weight.detach() for linear in linears]
    if len(weights) == 1:
        return (weights[0],)
    if not _is_row_after_row(weights):
        if any(linear.weight.requires_grad for linear in linears) or not _may_be_moved(weights):
            return tuple(weights)
        weights = _moved(linears)
    first = weights[0]
    return (first.as_strided((sum(map(len, weights)), first.shape[1]), first.stride()),)


@torch.inference_mode(False)
@torch.no_grad()
def _moved(linears: Sequence[nn.Linear]) -> list[torch.Tensor]:
    """The weights after they were stored one below the other, as ordinary tensors: others may train them later."""
    together = torch.cat([linear.weight for linear in linears])
    for linear, part in zip(linears, together.split([linear.out_features for linear in linears]), strict=True):
        linear.weight.data = part
    return [linear.weight.detach() for linear in linears]


def _is_row_after_row(weights: Sequence[torch.Tensor]) -> bool:
    """Whether the weights follow each other in one piece of memory."""
    place = weights[0].storage_offset()
    for weight in weights:
        same = weight.untyped_storage().data_ptr() == weights[0].untyped_storage().data_ptr()
        if not (same and weight.is_contiguous() and weight.storage_offset() == place):
            return False
        place += weight.numel()
    return True


def _may_be_moved(weights: Sequence[torch.Tensor]) -> bool:
    first = weights[0]
    if any(weight.dtype != first.dtype or weight.device != first.device for weight in weights):
        return False
    if any(weight.is_inference() for weight in weights):
        return False
    if first.device.type == "cpu" and sum(weight.nbytes for weight in weights) > MOST_BYTES:
        return False
    return all(weight.untyped_storage().nbytes() == weight.nbytes for weight in weights)
