"""Components together with functions that compute their properties, so that events of one panel can update another.

A panel does not import other panels. If its events change what others show, `demo.app` passes it their `Outputs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import gradio as gr

Shown = TypeVar("Shown")
Properties = dict[str, Any]
"""Properties of one component by name. Gradio does not send None to the browser: use an empty value instead."""


@dataclass(frozen=True)
class Outputs(Generic[Shown]):
    """Components, and the properties that show a value: one entry for each component, in the same order."""

    components: tuple[Any, ...]
    properties: Callable[[Shown], list[Properties]]

    def updates(self, shown: Shown) -> list[Any]:
        """One update for each component."""
        return [gr.update(**properties) for properties in self.properties(shown)]

    def unchanged(self) -> list[Any]:
        """One update for each component that leaves it unchanged."""
        return [gr.skip() for _ in self.components]

    def __add__(self, other: Outputs[Shown]) -> Outputs[Shown]:
        """The outputs of both, the other's last."""
        return Outputs(
            (*self.components, *other.components), lambda shown: [*self.properties(shown), *other.properties(shown)]
        )
