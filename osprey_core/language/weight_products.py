"""Products of rows with the weights of linear layers; in float32 on x86 not all by the library that torch chooses.

`torch.mm` leaves them to MKL, which reads the weights for a single row on one core. Therefore:

- several rows go to oneDNN, see `language.onednn`;
- a single row with several threads is multiplied by as many parts of the weights, so that each thread reads its own;
- a single row with one thread goes to numpy's OpenBLAS, if that too has been told to use one thread, and so do the
  parts of large weights: it reads them as fast as the memory gives them.

The sums are the same but for rounding. Everything else, such as bfloat16 or a GPU, is `torch.mm`'s.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch

from osprey_core.language import onednn
from osprey_core.language.onednn import HAS_ONEDNN, IS_X86


def _multiplies_serially() -> bool:
    if not IS_X86 or os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        return False
    built: Any = np.show_config(mode="dicts")
    return "openblas" in str(built.get("Build Dependencies", {}).get("blas", {}).get("name", ""))


NUMPY_IS_SERIAL = _multiplies_serially()
"""Whether numpy multiplies by OpenBLAS on the thread that calls it: threads of its own would keep cores busy while they
wait. It looks at the environment as it is when this is imported; OpenBLAS has read it when numpy was."""


_LARGE_BYTES = 2**24
"""Of weights whose parts are worth waking other threads for, besides torch's own."""


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "products")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a child has none of them


class Weight:
    """The weight (N, K) of a linear layer without bias, sharing its memory."""

    def __init__(self, weight: torch.Tensor) -> None:
        self._weight, self._transposed = weight, weight.t()
        is_full = IS_X86 and weight.device.type == "cpu" and weight.dtype == torch.float32
        self._is_ours = is_full and weight.is_contiguous()
        """Whether the way to multiply is chosen here."""
        self._split: torch.Tensor | None = None
        """(P, K, N / P) for P threads."""
        self._array = self._transposed.numpy() if self._is_ours and NUMPY_IS_SERIAL else None

    def below(self, row: int) -> Weight:
        """The weight without its first rows, those of the first outputs."""
        return Weight(self._weight[row:])

    def times(self, inputs: torch.Tensor) -> torch.Tensor:
        """The product (M, N) of inputs (M, K) with the transposed weight."""
        if not self._is_ours or torch.is_autocast_enabled("cpu"):
            return inputs @ self._transposed
        if len(inputs) == 1:
            threads = torch.get_num_threads()
            if threads == 1 and self._array is not None:
                return torch.from_numpy(np.dot(inputs.numpy(), self._array))
            if threads > 1 and self._array is not None and self._weight.nbytes >= _LARGE_BYTES:
                return self._by_numpy(inputs, threads)
            if threads > 1 and (split := self._by_threads(threads)) is not None:
                return torch.bmm(inputs.expand(threads, -1, -1), split).view(1, -1)
        return onednn.linear(inputs, self._weight) if HAS_ONEDNN else inputs @ self._transposed

    def added(self, hidden: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """The sum (M, N) of `hidden` (M, N) and the product."""
        if not self._is_ours or torch.is_autocast_enabled("cpu"):
            return torch.addmm(hidden, inputs, self._transposed)
        return self.times(inputs).add_(hidden)

    def _by_numpy(self, inputs: torch.Tensor, threads: int) -> torch.Tensor:
        """The product (1, N) of a row, a part of the outputs by each thread."""
        assert self._array is not None
        product = inputs.new_empty(1, len(self._weight))
        row, results = inputs[0].numpy(), np.array_split(product[0].numpy(), threads)
        first, *others = zip(np.array_split(self._array, threads, axis=1), results, strict=True)
        try:
            waited_for = [_threads().submit(np.dot, row, part, result) for part, result in others]
        except RuntimeError:  # the interpreter ends, and has closed all pools
            np.dot(row, self._array, product[0].numpy())
            return product
        np.dot(row, *first)
        for each in waited_for:
            each.result()
        return product

    def _by_threads(self, threads: int) -> torch.Tensor | None:
        """The transposed weight in parts of outputs, one for each thread; None if they cannot be shared out evenly."""
        outputs, width = self._weight.shape
        if outputs % threads:
            return None
        if self._split is None or len(self._split) != threads:
            self._split = self._weight.view(threads, -1, width).mT
        return self._split
