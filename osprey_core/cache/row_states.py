"""Keys and values of answers that are decoded together, each behind the prefix of its own picture.

Each row's own keys lie in tensors that all rows share and that are longer than what is filled; a row is added after its
prompt was read, and removed when its answer ends. Prefixes are read where they are and never copied. It knows neither
tokens nor when answers end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

KeyValues = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""Per layer keys and values, each (batch, key/value heads, positions, head size); must not be written to."""

_SPARE_POSITIONS = 64
"""So many further positions are made room for at a time."""


def length_of(prefix: KeyValues | None) -> int:
    """How many positions it has; 0 for none."""
    return 0 if prefix is None else prefix[0][0].shape[2]


@dataclass(frozen=True, eq=False)
class _Prefix:
    """A prefix as attention reads it."""

    source: KeyValues
    length: int
    keys: tuple[torch.Tensor, ...]
    """Per layer (K, d, P)."""
    values: tuple[torch.Tensor, ...]
    """Per layer (K, P, d)."""


@dataclass(frozen=True, eq=False)
class _Alone:
    """Where a single row's own keys and values of all layers lie during a step, found for all of them at once."""

    next: tuple[torch.Tensor, ...]
    """Per layer (1, 2 K, d): keys and values of the next position, to be written."""
    keys: tuple[torch.Tensor, ...]
    """Per layer (K, d, S), the next position's included."""
    values: tuple[torch.Tensor, ...]
    """Per layer (K, S, d)."""


class RowStates:
    """The rows in the order in which they were added; when one is removed, the last one takes its place."""

    def __init__(self) -> None:
        self._prefixes: list[_Prefix | None] = []
        self._lengths: list[int] = []
        self._all: torch.Tensor | None = None
        """(L, C, 2 K, S, d), all of `_stored`; None where the layers lie on several devices."""
        self._stored: tuple[torch.Tensor, ...] = ()
        """Per layer (C, 2 K, S, d) with room for C rows of S positions: keys of all heads, then values of all heads."""
        self._alone: _Alone | None = None
        """Within a step of a single row."""
        self._groups: list[tuple[list[int], _Prefix]] = []
        self._longest_prefix = 0
        self._is_each_alone = False
        """Whether every row has a prefix of its own, all of one length."""
        self._places: dict[torch.device, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def positions(self) -> list[int]:
        """Of each row, the position of its next token."""
        return [
            length + (prefix.length if prefix is not None else 0)
            for length, prefix in zip(self._lengths, self._prefixes, strict=True)
        ]

    def prefix(self, place: int) -> KeyValues | None:
        """The prefix of the row at this place, as it was given."""
        prefix = self._prefixes[place]
        return None if prefix is None else prefix.source

    def add(self, prefix: KeyValues | None, own: KeyValues) -> None:
        """Add a row whose own positions, after the prefix, have these keys and values (1, K, S, d) a layer."""
        length = own[0][0].shape[2]
        self._make_room(own, len(self) + 1, length + 1)
        for stored, (keys, values) in zip(self._stored, own, strict=True):
            row = stored[len(self)]
            torch.cat([keys[0], values[0]], out=row[:, :length])
            # What an earlier row has left there may not be finite, and a weight of 0 would not hide that.
            row[:, length:] = 0
        self._prefixes.append(self._read_as(prefix))
        self._lengths.append(length)
        self._alone = None
        self._regroup()

    def remove(self, place: int) -> None:
        """Remove the row at this place; the last row takes its place."""
        last = len(self) - 1
        if place != last:
            for stored in self._stored:
                stored[place] = stored[last]
            self._prefixes[place], self._lengths[place] = self._prefixes[last], self._lengths[last]
        del self._prefixes[last], self._lengths[last]
        self._alone = None
        self._regroup()

    def own(self, place: int, length: int) -> KeyValues:
        """A copy of the first `length` own positions of the row at this place."""
        rows = (stored[place : place + 1, :, :length].chunk(2, dim=1) for stored in self._stored)
        return tuple((keys.clone(), values.clone()) for keys, values in rows)

    def length(self, place: int) -> int:
        """How many own positions the row at this place has."""
        return self._lengths[place]

    def begin_step(self) -> None:
        """Make room for one more position of each row. Its keys and values are then written by `attend`."""
        longest = max(self._lengths) + 1
        if longest > self._stored[0].shape[2]:
            self._resize(self._stored[0].shape[0], longest + _SPARE_POSITIONS)
        self._places.clear()
        self._alone = self._of_one(longest) if len(self) == 1 else None

    def _of_one(self, length: int) -> _Alone:
        """Of the only row, whose next position is the last of so many."""
        kv_heads = self._stored[0].shape[1] // 2
        if self._all is not None:
            own = self._all[:, 0, :, :length]  # (L, 2 K, S, d)
            next_ones, keys = own[:, None, :, length - 1], own[:, :kv_heads].mT
            return _Alone(next_ones.unbind(), keys.unbind(), own[:, kv_heads:].unbind())
        each = [stored[0, :, :length] for stored in self._stored]
        return _Alone(
            tuple(own[None, :, length - 1] for own in each),
            tuple(own[:kv_heads].mT for own in each),
            tuple(own[kv_heads:] for own in each),
        )

    def end_step(self) -> None:
        """Keep the position that every layer has written; without this call, the next step writes it again."""
        self._lengths = [length + 1 for length in self._lengths]
        self._alone = None

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float
    ) -> torch.Tensor:
        """Attention of each row's next position over its prefix, its own positions, and itself.

        Args:
            query: (B, H, 1, d), H a multiple of the key/value heads K.
            key, value: (B, K, 1, d) of the next position; they are stored.

        Returns:
            (B, 1, H, d), as transformers expects it.
        """
        own = torch.cat([key, value], dim=1)[:, :, 0]
        return self.attend_next(layer, query[:, :, 0] * scaling, own)[:, None]

    def attend_next(self, layer: int, queries: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """The same for what `token_step` has at hand.

        Args:
            queries: (B, H, d), scaled.
            own: (B, 2 K, d), the next position's keys and then its values; they are stored.

        Returns:
            (B, H, d).
        """
        batch, heads, size = queries.shape
        if self._alone is not None:
            return self._attend_alone(layer, queries, own, self._alone)
        kv_heads, stored = own.shape[1] // 2, self._stored[layer]
        lengths = self._lengths
        longest = max(lengths) + 1
        is_even = min(lengths) + 1 == longest
        if is_even:
            stored[:batch, :, longest - 1].copy_(own)
        else:
            rows, ends, _ = self._placed(queries.device)
            stored[rows, :, ends] = own
        grouped = queries.view(batch, kv_heads, heads // kv_heads, size)  # (B, K, G, d)
        keys, values = stored[:batch, :kv_heads, :longest], stored[:batch, kv_heads:, :longest]
        scores = grouped @ keys.mT  # (B, K, G, S)
        if not is_even:
            scores.masked_fill_(self._placed(queries.device)[2][:, None, None], float("-inf"))
        if not self._groups:
            return (_weights(scores) @ values).view(batch, heads, size)
        weights = _weights(torch.cat([self._prefix_scores(layer, grouped), scores], dim=-1))
        prefix = self._longest_prefix
        result = weights[..., prefix:] @ values  # (B, K, G, d)
        self._add_prefix_values(layer, weights[..., :prefix], result)
        return result.view(batch, heads, size)

    def _attend_alone(self, layer: int, queries: torch.Tensor, own: torch.Tensor, alone: _Alone) -> torch.Tensor:
        """Of the only row: (1, H, d) for queries of that shape and the next position's keys and values (1, 2 K, d)."""
        alone.next[layer].copy_(own)
        keys, values = alone.keys[layer], alone.values[layer]
        grouped = queries.view(len(keys), -1, queries.shape[2])  # (K, G, d)
        scores = torch.bmm(grouped, keys)  # (K, G, S)
        if not self._groups:
            return torch.bmm(_weights(scores), values).view_as(queries)
        prefix = self._groups[0][1]
        weights = _weights(torch.cat([torch.bmm(grouped, prefix.keys[layer]), scores], dim=-1))
        on_prefix, on_own = weights.split([prefix.length, scores.shape[-1]], dim=-1)
        return torch.baddbmm(torch.bmm(on_prefix, prefix.values[layer]), on_own, values).view_as(queries)

    def _prefix_scores(self, layer: int, queries: torch.Tensor) -> torch.Tensor:
        """(B, K, G, P) for queries (B, K, G, d) and the longest prefix; -inf where a row has none or a shorter one."""
        if self._is_each_alone:
            return torch.stack(
                [torch.bmm(row, shared.keys[layer]) for row, (_, shared) in zip(queries, self._groups, strict=True)]
            )
        scores = queries.new_full((*queries.shape[:3], self._longest_prefix), float("-inf"))
        for places, shared in self._groups:
            scores[_index(places), :, :, : shared.length] = _by_head(queries, places, shared.keys[layer])
        return scores

    def _add_prefix_values(self, layer: int, weights: torch.Tensor, result: torch.Tensor) -> None:
        """Add what rows see in their prefixes, by weights (B, K, G, P), to `result` (B, K, G, d)."""
        if self._is_each_alone:
            for row, seen, (_, shared) in zip(result, weights, self._groups, strict=True):
                row.baddbmm_(seen, shared.values[layer])
            return
        for places, shared in self._groups:
            result[_index(places)] += _by_head(weights[..., : shared.length], places, shared.values[layer])

    def _placed(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """On a device: places of the rows (B,), where each writes (B,), which own positions it does not see (B, S)."""
        if device not in self._places:
            ends = torch.tensor(self._lengths, device=device)
            seen = torch.arange(max(self._lengths) + 1, device=device)
            self._places[device] = (torch.arange(len(self), device=device), ends, seen > ends[:, None])
        return self._places[device]

    def _read_as(self, prefix: KeyValues | None) -> _Prefix | None:
        if prefix is None:
            return None
        for known in self._prefixes:
            if known is not None and known.source is prefix:
                return known
        keys = tuple(layer_keys[0].mT for layer_keys, _ in prefix)
        return _Prefix(prefix, prefix[0][0].shape[2], keys, tuple(layer_values[0] for _, layer_values in prefix))

    def _regroup(self) -> None:
        groups: dict[int, tuple[list[int], _Prefix]] = {}
        for place, prefix in enumerate(self._prefixes):
            if prefix is not None:
                groups.setdefault(id(prefix), ([], prefix))[0].append(place)
        self._groups = list(groups.values())
        lengths = {prefix.length for _, prefix in self._groups}
        self._longest_prefix = max(lengths, default=0)
        self._is_each_alone = len(self._groups) == len(self) and len(lengths) == 1

    def _make_room(self, like: KeyValues, rows: int, positions: int) -> None:
        if not len(self) and not all(
            (stored.device, stored.dtype) == (keys.device, keys.dtype)
            for stored, (keys, _) in zip(self._stored, like, strict=False)
        ):
            self._stored = ()  # the model has moved
        if not self._stored:
            self._stored = tuple(keys.new_empty(0, 2 * keys.shape[1], 0, keys.shape[3]) for keys, _ in like)
        capacity, length = self._stored[0].shape[0], self._stored[0].shape[2]
        if rows > capacity or positions > length:
            wanted = length if positions <= length else positions + _SPARE_POSITIONS
            self._resize(capacity if rows <= capacity else max(rows, 2 * capacity), wanted)

    def _resize(self, rows: int, positions: int) -> None:
        """Room for so many rows and positions; what is stored stays."""
        used, first = len(self), self._stored[0]
        shape = (rows, first.shape[1], positions, first.shape[3])
        # Zeros, because a position that is hidden still takes part in a product: with a weight of 0.
        if all(stored.device == first.device for stored in self._stored):
            self._all = first.new_zeros(len(self._stored), *shape)
            larger = self._all.unbind()
        else:
            self._all = None
            larger = tuple(stored.new_zeros(*shape) for stored in self._stored)
        for before, after in zip(self._stored, larger, strict=True):
            after[:used, :, : before.shape[2]] = before[:used]
        self._stored = larger


def _weights(scores: torch.Tensor) -> torch.Tensor:
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(scores.dtype)


def _index(places: Sequence[int]) -> int | list[int]:
    """Places as an index: of one row its number, which is read without a copy."""
    return places[0] if len(places) == 1 else list(places)


def _by_head(rows: torch.Tensor, places: Sequence[int], shared: torch.Tensor) -> torch.Tensor:
    """Products (n, K, G, m) of some rows of (B, K, G, n) with what they share, (K, n, m); without n for one row."""
    if len(places) == 1:
        return rows[places[0]] @ shared
    # The rows are stacked, so that what they share is read once.
    picked = rows[list(places)].transpose(0, 1)  # (K, n, G, d)
    product = picked.reshape(picked.shape[0], -1, picked.shape[3]) @ shared
    return product.view(*picked.shape[:3], -1).transpose(0, 1)
