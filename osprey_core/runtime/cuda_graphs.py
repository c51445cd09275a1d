"""CUDA graphs: kernels that are recorded once and then launched all together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import torch

_UNRECORDED = 2
"""Runs before the recording, in which libraries set themselves up."""

_ONE_AT_A_TIME = threading.Lock()
"""A process may have one recording under way."""


@cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    """The one on which is recorded: libraries keep memory for each stream that they have seen."""
    return torch.cuda.Stream(device)


def record_cuda_graph(step: Callable[[], torch.Tensor], device: torch.device) -> Callable[[], torch.Tensor]:
    """Record what a step does.

    Args:
        step: reads and writes memory of the device that stays where it is, and synchronizes with nothing. It runs
            three times here.

    Returns:
        what repeats it, and gives the tensor that it has written; the next repetition writes the same memory.

    Raises RuntimeError if it does something that cannot be recorded. torch does not promise that the device can be
    used as before then.
    """
    with _ONE_AT_A_TIME, torch.cuda.device(device):
        side, current, graph = _side_stream(device), torch.cuda.current_stream(), torch.cuda.CUDAGraph()
        side.wait_stream(current)
        # torch.cuda.graph() would leave this thread on its stream if the recording fails.
        torch.cuda.set_stream(side)
        try:
            for _ in range(_UNRECORDED):
                step()
            torch.cuda.synchronize()
            # Other threads, which encode pictures meanwhile, may allocate memory.
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                result = step()
            except BaseException:
                with suppress(RuntimeError):
                    graph.capture_end()
                raise
            graph.capture_end()
        finally:
            torch.cuda.set_stream(current)
        current.wait_stream(side)

        def replay() -> torch.Tensor:
            with torch.cuda.device(device):
                graph.replay()
            return result

        result.zero_()
        if not replay().any():
            raise RuntimeError("the recording is empty")
    return replay
