"""Components with what they show, put together."""

from __future__ import annotations

import gradio as gr

from demo.shared.outputs import Outputs


def test_two_are_one_in_their_order() -> None:
    first: Outputs[int] = Outputs(("a",), lambda shown: [{"value": shown}])
    second: Outputs[int] = Outputs(("b", "c"), lambda shown: [{"value": -shown}, {"visible": shown > 0}])
    both = first + second
    assert both.components == ("a", "b", "c")
    assert both.properties(3) == [{"value": 3}, {"value": -3}, {"visible": True}]
    assert both.updates(3) == [gr.update(value=3), gr.update(value=-3), gr.update(visible=True)]
    assert both.unchanged() == [gr.skip()] * 3
