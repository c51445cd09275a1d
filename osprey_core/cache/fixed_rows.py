"""Keys and values of rows in memory that stays where it is, each row's prefix copied in front of its own positions.

A step over them is the same calls on the same memory each time, whatever the rows are: what they differ in, tokens and
positions, is read from memory too. So it can be recorded once and replayed, see `language.recorded_step`. The price is
a copy of the prefix for each row. It knows neither tokens' meaning nor when answers end.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from osprey_core.cache.row_states import KeyValues, length_of


class FixedRows:
    """The rows in the order in which they were added; when one is removed, the last one takes its place.

    The methods are those of `RowStates` that a decoding thread uses.

    Args:
        layers, kv_heads, head_size: of the language model.
        rows, positions: room for so many.
        like: a tensor of the keys' device and type.
    """

    def __init__(
        self, layers: int, kv_heads: int, head_size: int, rows: int, positions: int, like: torch.Tensor
    ) -> None:
        # Zeros, because a position that is hidden still takes part in a product: with a weight of 0.
        self.stored = like.new_zeros(layers, rows, 2 * kv_heads, positions, head_size)
        """Keys of all heads, then values of all heads."""
        self.tokens = torch.zeros(rows, dtype=torch.long, device=like.device)
        """The last token of each row; 0 where there is no row."""
        self.next_positions = torch.zeros_like(self.tokens)
        """Where its keys and values are to be written."""
        self._prefixes: list[KeyValues | None] = []
        self._lengths: list[int] = []
        """With the prefix."""

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def positions(self) -> list[int]:
        """Of each row, the position of its next token."""
        return list(self._lengths)

    def prefix(self, place: int) -> KeyValues | None:
        """The prefix of the row at this place, as it was given."""
        return self._prefixes[place]

    def length(self, place: int) -> int:
        """How many own positions the row at this place has."""
        return self._lengths[place] - length_of(self._prefixes[place])

    def own(self, place: int, length: int) -> KeyValues:
        """A copy of the first `length` own positions of the row at this place."""
        first = length_of(self._prefixes[place])
        rows = (stored[place : place + 1, :, first : first + length].chunk(2, dim=1) for stored in self.stored)
        return tuple((keys.clone(), values.clone()) for keys, values in rows)

    def add(self, prefix: KeyValues | None, own: KeyValues) -> None:
        """Add a row whose own positions, after the prefix, have these keys and values (1, K, S, d) a layer."""
        place, first = len(self), length_of(prefix)
        length = first + own[0][0].shape[2]
        self.stored[:, place, :, length:] = 0  # what an earlier row has left there may not be finite
        for number, stored in enumerate(self.stored):
            if prefix is not None:
                torch.cat([prefix[number][0][0], prefix[number][1][0]], out=stored[place, :, :first])
            torch.cat([own[number][0][0], own[number][1][0]], out=stored[place, :, first:length])
        self._prefixes.append(prefix)
        self._lengths.append(length)

    def remove(self, place: int) -> None:
        """Remove the row at this place; the last row takes its place."""
        last = len(self) - 1
        if place != last:
            self.stored[:, place] = self.stored[:, last]
            self._prefixes[place], self._lengths[place] = self._prefixes[last], self._lengths[last]
        del self._prefixes[last], self._lengths[last]

    def set_step(self, tokens: Sequence[int]) -> None:
        """Write down the rows' last tokens and next positions, for a step to read."""
        rest = [0] * (len(self.tokens) - len(self))
        self.tokens.copy_(torch.tensor([*tokens, *rest]))
        self.next_positions.copy_(torch.tensor([*self._lengths, *rest]))

    def end_step(self) -> None:
        """Keep the position that every layer has written; without this call, the next step writes it again."""
        self._lengths = [length + 1 for length in self._lengths]


class StepWindow:
    """The first rows and positions, as a step over them reads and writes them."""

    def __init__(self, rows: FixedRows, count: int, length: int) -> None:
        stored = rows.stored[:, :count, :, :length]
        self._kv_heads = stored.shape[2] // 2
        self._stored = stored.unbind()
        self.tokens, self.positions = rows.tokens[:count], rows.next_positions[:count]
        self._places = torch.arange(count, device=stored.device)
        self._columns = torch.arange(length, device=stored.device)

    @property
    def constants(self) -> tuple[torch.Tensor, ...]:
        """Tensors that a recording reads and that only this object holds."""
        return self._places, self._columns

    def seen(self) -> torch.Tensor:
        """Bool (C, 1, 1, S): which positions each row sees in its next step."""
        return (self._columns <= self.positions[:, None])[:, None, None]

    def attend_next(self, layer: int, queries: torch.Tensor, own: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Attention (C, H, d) of each row's next position over all before it, and itself.

        Args:
            queries: (C, H, d), scaled.
            own: (C, 2 K, d), the next position's keys and then its values; they are stored.
            seen: of this step.
        """
        stored = self._stored[layer]
        stored[self._places, :, self.positions] = own
        keys, values = stored[:, : self._kv_heads], stored[:, self._kv_heads :]
        grouped = queries.view(len(queries), self._kv_heads, -1, queries.shape[2])  # (C, K, G, d)
        return F.scaled_dot_product_attention(grouped, keys, values, attn_mask=seen, scale=1.0).view_as(queries)
