"""Keys and values of rows, whose layers may lie on several devices, and whose model may move."""

from __future__ import annotations

import torch

from osprey_core.cache.row_states import KeyValues, RowStates


def own(length: int, *devices: str, dtype: torch.dtype = torch.float32) -> KeyValues:
    return tuple(
        (torch.randn(1, 2, length, 4).to(device, dtype), torch.randn(1, 2, length, 4).to(device, dtype))
        for device in devices
    )


def attend(states: RowStates, layer: int) -> torch.Tensor:
    return states.attend_next(layer, torch.randn(len(states), 2, 4), torch.randn(len(states), 4, 4))


def test_layers_may_lie_on_several_devices() -> None:
    """A second device is at hand everywhere: "meta", whose tensors have no values."""
    states = RowStates()
    for rows in (1, 2):
        states.add(None, own(3, "cpu", "meta"))
        states.begin_step()
        assert attend(states, 0).shape == (rows, 2, 4)
        on_meta = states.attend_next(1, torch.empty(rows, 2, 4, device="meta"), torch.empty(rows, 4, 4, device="meta"))
        assert on_meta.device.type == "meta"
        states.end_step()
    assert [keys.device.type for keys, _ in states.own(0, 4)] == ["cpu", "meta"]


def test_one_row_reads_the_same_whether_its_layers_share_memory() -> None:
    together, apart = RowStates(), RowStates()
    kept = own(5, "cpu", "cpu")
    together.add(None, kept)
    apart.add(None, kept)
    apart._all = None
    queries, next_one = torch.randn(1, 2, 4), torch.randn(1, 4, 4)
    found = []
    for states in (together, apart):
        states.begin_step()
        found.append(states.attend_next(1, queries, next_one))
        states.end_step()
    torch.testing.assert_close(*found)
    for states in (together, apart):
        keys, values = states.own(0, 6)[1]
        assert torch.equal(torch.cat([keys, values], dim=1)[0, :, 5], next_one[0])


def test_a_model_of_another_type_finds_no_old_memory() -> None:
    states = RowStates()
    states.add(None, own(3, "cpu"))
    states.remove(0)
    states.add(None, own(3, "cpu", dtype=torch.bfloat16))
    assert states.own(0, 3)[0][0].dtype == torch.bfloat16
