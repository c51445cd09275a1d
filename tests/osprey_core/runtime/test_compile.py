"""A compiled model answers as an uncompiled one; where nothing can be compiled it says so and answers all the same."""

from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest
import torch

from osprey_core import InputError, Osprey
from osprey_core.runtime.compile import compile_network
from tests.tiny import tiny_osprey

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
MASKS = [np.zeros((48, 80), bool) for _ in range(3)]
for number, one in enumerate(MASKS):
    one[5 : 20 + number, 5 : 20 + 9 * number] = True


def answers(model: Osprey) -> list[str]:
    view = model.open(PICTURE)
    first = view.ask("what is <region1>", MASKS, max_new_tokens=6)
    return [first, view.ask("and now", MASKS, [("what is <region1>", first)]), *model.describe(PICTURE, MASKS)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_a_compiled_model_answers_alike() -> None:
    plain, fast = tiny_osprey(), tiny_osprey()
    if not compile_network(fast.network):
        pytest.skip("torch cannot compile here")
    assert fast.network.llm.model.layers[0].mlp._compiled_call_impl is not None
    assert answers(fast) == answers(plain)
    ids = torch.randint(0, 200, (2, 12))
    with torch.inference_mode():
        got, want = fast.network.llm(ids).logits, plain.network.llm(ids).logits
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


def test_where_nothing_can_be_compiled_one_sentence_says_so(caplog: pytest.LogCaptureFixture) -> None:
    model = tiny_osprey()

    def broken(graph: object, inputs: object) -> None:
        raise RuntimeError("no compiler\nand a long trace")

    torch._dynamo.reset()
    with caplog.at_level(logging.WARNING, "osprey_core"):
        assert compile_network(model.network, broken) is False  # type: ignore[arg-type]
    (message,) = [one.getMessage() for one in caplog.records if one.name == "osprey_core.runtime.compile"]
    assert "no compiler" in message
    assert "long trace" not in message
    assert answers(model) == answers(tiny_osprey())


def test_a_spread_model_is_not_compiled() -> None:
    with pytest.raises(InputError, match="not both"):
        Osprey.from_pretrained("no/such-model", "cpu", device_map="auto", compiled=True)
