"""The mean of two models: between both, weight by weight."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osprey_core import Osprey
from osprey_core.errors import InputError
from osprey_core.training.averaging import average, main
from tests.tiny import tiny_osprey


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_every_weight_lies_between_both(share: float) -> None:
    one, two = tiny_osprey(seed=1).network, tiny_osprey(seed=2).network
    before = {name: p.detach().clone() for name, p in one.named_parameters()}
    theirs = {name: p.detach().clone() for name, p in two.named_parameters()}
    average(one, two, share)
    for name, p in one.named_parameters():
        assert torch.allclose(p, (1 - share) * before[name] + share * theirs[name], atol=1e-6), name
    assert all(torch.equal(theirs[name], p) for name, p in two.named_parameters())


def test_shares_out_of_range_and_other_sizes_are_refused() -> None:
    one, other = tiny_osprey().network, tiny_osprey().network
    with pytest.raises(InputError, match=r"from 0 to 1, not 1\.5"):
        average(one, other, 1.5)
    other.mm_projector = torch.nn.Linear(1, 1)  # type: ignore[assignment]
    with pytest.raises(InputError, match="different sizes"):
        average(one, other, 0.5)


def test_the_command_writes_a_model_that_is_the_mean(tmp_path: Path) -> None:
    for seed in (1, 2):
        tiny_osprey(seed=seed).save(tmp_path / str(seed))
    assert main([str(tmp_path / "1"), str(tmp_path / "2"), "--share", "0.25", "--out", str(tmp_path / "mean")]) == 0
    one, two, mean = (Osprey.from_pretrained(str(tmp_path / name), "cpu", "float32") for name in ("1", "2", "mean"))
    weights = zip(one.network.parameters(), two.network.parameters(), mean.network.parameters(), strict=True)
    for a, b, found in weights:
        assert torch.allclose(found, 0.75 * a + 0.25 * b, atol=1e-3)
    assert main([str(tmp_path / "1"), str(tmp_path / "nowhere"), "--out", str(tmp_path / "x")]) == 2


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tiny_osprey().save(tmp_path / "model")
    (tmp_path / "file").write_text("")
    model = str(tmp_path / "model")
    assert main([model, model, "--out", str(tmp_path / "file" / "mean")]) == 2
    assert "cannot be written" in caplog.text
