"""A page with fake model and segmenter, and a person on it."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from demo.app import build_app
from demo.options import Options
from demo.session.workspace import Workspace
from tests import fakes
from tests.demo import page_events


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture
def example_folder(tmp_path: Path) -> Path:
    fakes.picture().save(tmp_path / "one.png")
    fakes.picture(scale=2).save(tmp_path / "two.png")
    return tmp_path


@pytest.fixture
def app(model: fakes.FakeModel, example_folder: Path) -> gr.Blocks:
    return build_app(model, fakes.FakeSegmenter(), Options(), example_folder)


@pytest.fixture
def workspace(app: gr.Blocks) -> Workspace:
    """That of somebody who opened the first example and marked the red shape."""
    workspace = Workspace()
    page_events.gesture(app, workspace, "open_picture", seq=1, example="one.png")
    page_events.click(app, workspace, 2, 80, 100)
    return workspace
