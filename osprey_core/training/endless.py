"""Batches without end of a data set whose items are made by number, by worker processes or here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from osprey_core.training.batches import one_thread

T = TypeVar("T")


def endless_batches(items: Dataset[T], first: int, size: int, workers: int) -> Iterator[list[T]]:
    """Lists of `size` items each, in the order of their numbers, from item `first` on."""
    loader: DataLoader[T] = DataLoader(
        items,
        batch_sampler=_Numbers(first, size),
        num_workers=workers,
        collate_fn=list,
        prefetch_factor=3 if workers else None,
        worker_init_fn=_begin,
    )
    yield from loader


class _Numbers:
    """Numbers of items, batch by batch."""

    def __init__(self, first: int, size: int) -> None:
        self._first, self._size = first, size

    def __iter__(self) -> Iterator[list[int]]:
        start = self._first
        while True:
            yield list(range(start, start + self._size))
            start += self._size


def _begin(number: int) -> None:
    one_thread(number)
    # A batch holds hundreds of tensors, each of which would keep a file open.
    torch.multiprocessing.set_sharing_strategy("file_system")
