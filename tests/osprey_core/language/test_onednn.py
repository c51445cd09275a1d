"""Linear layers computed by oneDNN give the results of torch's own, and train as they do."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from osprey_core.language.onednn import HAS_ONEDNN, OneDnnLinear, use_onednn

pytestmark = pytest.mark.skipif(not HAS_ONEDNN, reason="this processor has no oneDNN in torch")


def layer(inputs: int = 24, outputs: int = 10, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(inputs, outputs, bias)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(0, 5), max_size=3),
    inputs=st.integers(1, 40),
    outputs=st.integers(1, 40),
    bias=st.booleans(),
    is_transposed=st.booleans(),
)
def test_results_are_torchs_own(shape: list[int], inputs: int, outputs: int, bias: bool, is_transposed: bool) -> None:
    own = layer(inputs, outputs, bias)
    values = torch.randn(*shape, inputs)
    if is_transposed and values.ndim > 1:
        values = torch.randn(*shape[:-1], inputs, shape[-1]).transpose(-1, -2)
    with torch.inference_mode():
        expected = own(values)
        use_onednn(own)
        assert type(own) is OneDnnLinear
        torch.testing.assert_close(own(values), expected, atol=1e-5, rtol=1e-5)


def test_it_is_more_exact_than_bfloat16() -> None:
    own, values = layer(640, 256), torch.randn(52, 640)
    exact = values.double() @ own.weight.double().t() + own.bias.double()
    use_onednn(own)
    with torch.inference_mode():
        assert (own(values) - exact).abs().max() / exact.abs().max() < 3e-6


def test_gradients_autocast_and_other_types_are_torchs() -> None:
    own, values = layer(), torch.randn(3, 24)
    expected = torch.autograd.grad(own(values).square().sum(), own.weight)[0]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        rounded = own(values)
    use_onednn(own)
    torch.testing.assert_close(torch.autograd.grad(own(values).square().sum(), own.weight)[0], expected)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert own(values).dtype == torch.bfloat16
        assert torch.equal(own(values), rounded)
    with torch.inference_mode():
        assert own.to(torch.bfloat16)(values.bfloat16()).dtype == torch.bfloat16


def test_only_plain_layers_in_float32_are_changed() -> None:
    class Own(nn.Linear):
        pass

    whole = nn.Sequential(layer(), Own(10, 3), layer(3, 3).bfloat16(), nn.Conv2d(1, 1, 1))
    before = {name: value.data_ptr() for name, value in whole.state_dict().items()}
    use_onednn(whole)
    assert [type(part) for part in whole] == [OneDnnLinear, Own, nn.Linear, nn.Conv2d]
    assert {name: value.data_ptr() for name, value in whole.state_dict().items()} == before
