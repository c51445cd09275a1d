"""Components together with what they show of a value, so that the events of one panel can bring another up to date.

A panel knows no other panel. Where its events change what others show, `demo.app` hands it their `Outputs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import gradio as gr

Shown = TypeVar("Shown")
Properties = dict[str, Any]
"""Properties of one component by name. None does not reach the browser: an empty value stands for nothing."""


@dataclass(frozen=True)
class Outputs(Generic[Shown]):
    """Components, and the properties that show a value: one entry for each component, in the same order."""

    components: tuple[Any, ...]
    properties: Callable[[Shown], list[Properties]]

    def updates(self, shown: Shown) -> list[Any]:
        """One update for each component."""
        return [gr.update(**properties) for properties in self.properties(shown)]

    def unchanged(self) -> list[Any]:
        """One update for each component that leaves it as it is."""
        return [gr.skip() for _ in self.components]

    def __add__(self, other: Outputs[Shown]) -> Outputs[Shown]:
        """The components of both, first these, then the other's."""
        return Outputs(
            (*self.components, *other.components), lambda shown: [*self.properties(shown), *other.properties(shown)]
        )
