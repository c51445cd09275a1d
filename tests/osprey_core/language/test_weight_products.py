"""Every way of multiplying rows with weights gives torch's product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from osprey_core.language import weight_products
from osprey_core.language.weight_products import Weight


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("by_numpy", [False, True])
@pytest.mark.parametrize("has_onednn", [False, True])
@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 2, 9])
def test_products_are_torchs(
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
    rows: int,
    is_large: bool,
    has_onednn: bool,
    by_numpy: bool,
    dtype: torch.dtype,
) -> None:
    monkeypatch.setattr(weight_products, "_LARGE_BYTES", 1 if is_large else 2**24)
    monkeypatch.setattr(weight_products, "NUMPY_IS_SERIAL", by_numpy)
    monkeypatch.setattr(weight_products, "HAS_ONEDNN", has_onednn and weight_products.HAS_ONEDNN)
    torch.manual_seed(rows)
    matrix = torch.randn(12, 7).to(dtype)
    inputs, hidden = torch.randn(7, rows).to(dtype).t(), torch.randn(rows, 12).to(dtype)  # not contiguous
    weight = Weight(matrix)

    def check(found: torch.Tensor, expected: torch.Tensor) -> None:
        tolerance = 1e-5 if dtype == torch.float32 else 0.1
        torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)

    with torch.inference_mode():
        check(weight.times(inputs), inputs @ matrix.t())
        check(weight.added(hidden, inputs), hidden + inputs @ matrix.t())
        check(weight.below(5).times(inputs), (inputs @ matrix.t())[:, 5:])
    matrix.mul_(2)  # values that are changed in place are used as they are
    with torch.inference_mode():
        check(weight.times(inputs), inputs @ matrix.t())


@pytest.mark.skipif(not weight_products.IS_X86, reason="the ways are chosen on x86 alone")
def test_a_row_goes_to_numpy_on_one_thread_alone(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr(weight_products, "NUMPY_IS_SERIAL", True)
    asked, real = list[int](), np.dot

    def dot(*given: np.ndarray) -> object:
        asked.append(1)
        return real(*given)

    monkeypatch.setattr(np, "dot", dot)
    weight = Weight(torch.randn(12, 7))
    with torch.inference_mode():
        weight.times(torch.randn(1, 7))
        weight.times(torch.randn(2, 7))
    assert len(asked) == (1 if threads == 1 else 0)


def test_autocast_rounds_as_it_does_elsewhere() -> None:
    weight = Weight(torch.randn(12, 7))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert weight.times(torch.randn(1, 7)).dtype == torch.bfloat16
