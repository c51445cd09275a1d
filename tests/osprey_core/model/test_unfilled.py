"""Networks that are filled afterwards: the same parameters, and nothing computes their first values."""

from __future__ import annotations

import timm
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from osprey_core.model.unfilled import unfilled

CHANGES = ("uniform_", "normal_", "erfinv_", "clamp_", "mul_", "add_", "fill_", "zero_")


class Operations(TorchDispatchMode):
    """Collects the names of the operations that reach torch's kernels."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def network() -> nn.Module:
    norms = nn.Sequential(nn.LayerNorm(4), nn.ConvTranspose2d(4, 2, 2), nn.Embedding(3, 4))
    return nn.Sequential(timm.create_model("convnext_atto", num_classes=0), norms)


def test_it_has_the_same_parameters_and_sets_no_value() -> None:
    with Operations() as usual, torch.device("meta"):
        wanted = network()
    with Operations() as operations, unfilled():
        found = network()
    assert usual.names & set(CHANGES), "the test sees initialisation where there is some"
    assert not operations.names & set(CHANGES)
    assert {name: (value.shape, value.dtype, value.device) for name, value in found.state_dict().items()} == {
        name: (value.shape, value.dtype, value.device) for name, value in wanted.state_dict().items()
    }
    assert all(parameter.requires_grad for parameter in found.parameters())


def test_tensors_with_values_are_computed_as_usual() -> None:
    with unfilled():
        values = torch.zeros(3, device="cpu").add_(2).mul_(3)
        nn.init.constant_(values[:1], 1)
    assert values.tolist() == [1, 6, 6]
