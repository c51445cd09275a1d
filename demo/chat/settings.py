"""The sampling controls below the chat, which take the model's defaults once it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.i18n.switching import in_words
from demo.session.model_defaults import values_of
from demo.shared import queues
from demo.shared.queues import private
from osprey_core.config import GenerationDefaults


@dataclass(frozen=True)
class SettingsPanel:
    """The controls, and the model's default values for them."""

    temperature: gr.Slider
    top_p: gr.Slider
    max_new_tokens: gr.Slider
    seed: gr.Textbox
    defaults: gr.State
    """The model's temperature, top-p and longest answer. The controls follow this state, see `wire_settings`."""

    @property
    def components(self) -> list[Any]:
        """In the order in which `SamplingSettings.read` takes their values."""
        return [self.temperature, self.top_p, self.max_new_tokens, self.seed]


def build_settings(defaults: GenerationDefaults, visible: bool = True) -> SettingsPanel:
    """The controls in a closed accordion, with these initial values."""
    with in_words(gr.Accordion(open=False, elem_id="settings", visible=visible), label="settings.title"):
        with gr.Row():
            temperature = in_words(
                gr.Slider(0, 2, defaults.temperature, step=0.05),
                label="settings.temperature",
                info="settings.temperature_info",
            )
            top_p = in_words(
                gr.Slider(0.05, 1, defaults.top_p, step=0.05), label="settings.top_p", info="settings.top_p_info"
            )
        with gr.Row():
            max_new_tokens = in_words(
                gr.Slider(1, 2048, defaults.max_new_tokens, step=1), label="settings.max_new_tokens"
            )
            seed = in_words(gr.Textbox("", max_lines=1), label="settings.seed", info="settings.seed_info")
    return SettingsPanel(temperature, top_p, max_new_tokens, seed, gr.State(values_of(defaults)))


def wire_settings(settings: SettingsPanel) -> None:
    """Once the model's defaults are known, set the controls that the person has not changed to them."""
    controls = settings.components[:3]
    follow = DefaultsHandler(tuple(control.value for control in controls))
    settings.defaults.change(follow.take_defaults, [settings.defaults, *controls], controls, **private(queues.AT_ONCE))


@dataclass(frozen=True)
class DefaultsHandler:
    """Sets the controls to the model's defaults; `first` holds their initial values."""

    first: tuple[float, ...]

    def take_defaults(self, defaults: list[float], *values: float) -> list[Any]:
        """Updates of the controls; controls that the person has changed stay."""
        controls = zip(values, self.first, defaults, strict=True)
        return [default if value == first else gr.skip() for value, first, default in controls]
