"""The controls of sampling take the model's own defaults, and leave alone what a person has changed."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from demo.app import build_app
from demo.chat.settings import DefaultsHandler
from demo.i18n.catalog import text
from demo.options import Options
from osprey_core.config import GenerationDefaults
from tests import fakes


def test_defaults_of_the_loaded_model_spare_what_the_person_has_changed() -> None:
    follow = DefaultsHandler((0.0, 1.0, 1024))
    assert follow.take_defaults([0.3, 0.9, 77], 0.0, 1.0, 1024) == [0.3, 0.9, 77]
    assert follow.take_defaults([0.3, 0.9, 77], 0.7, 1.0, 512) == [gr.skip(), 0.9, gr.skip()]


def test_a_model_that_is_there_shows_its_defaults_from_the_start(example_folder: Path, model: fakes.FakeModel) -> None:
    model.generation_defaults = GenerationDefaults(0.3, 0.9, 77)
    app = build_app(model, fakes.FakeSegmenter(), Options(), example_folder)
    shown = {block.label: block.value for block in app.blocks.values() if isinstance(block, gr.Slider)}
    assert shown == {
        text("settings.temperature"): 0.3,
        text("settings.top_p"): 0.9,
        text("settings.max_new_tokens"): 77,
    }
