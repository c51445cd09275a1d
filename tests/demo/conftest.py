"""A page with fake model and segmenter, and a person on it."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from demo.app import build_app
from demo.options import Options
from demo.session.marks import mark_point
from demo.session.pictures import open_picture
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from tests import fakes
from tests.demo import page_events
from tests.demo.sessions import png


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


@pytest.fixture
def services(model: fakes.FakeModel) -> Services:
    return Services(model=LazyResource.of(model, "fake"), segmenter=LazyResource.of(fakes.FakeSegmenter()))


@pytest.fixture
def opened() -> Session:
    return open_picture(png(), "shapes.png")


@pytest.fixture
def two(services: Services, opened: Session) -> Session:
    """Red as region 1, blue as region 2, which is selected."""
    session = mark_point(services, opened, 80, 100, "new")
    return mark_point(services, session, 250, 110, "new")
