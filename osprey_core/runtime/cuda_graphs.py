"""CUDA graphs: kernels that are recorded once and then launched all together."""

from __future__ import annotations

from collections.abc import Callable

import torch

_UNRECORDED = 2
"""Runs before the recording, in which libraries set themselves up."""


def record_cuda_graph(step: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    """Record what a step does on the current CUDA device.

    Args:
        step: reads and writes memory that stays where it is, and synchronizes with nothing. It runs three times here.

    Returns:
        what repeats it, and gives the tensor that it has written; the next repetition writes the same memory.

    Raises RuntimeError if it does something that cannot be recorded.
    """
    side, current = torch.cuda.Stream(), torch.cuda.current_stream()
    side.wait_stream(current)
    with torch.cuda.stream(side):
        for _ in range(_UNRECORDED):
            step()
    current.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # Other threads, which encode pictures meanwhile, may allocate memory.
    with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
        result = step()

    def replay() -> torch.Tensor:
        graph.replay()
        return result

    return replay
