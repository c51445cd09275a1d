"""The header follows the loading of the model."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.header.events import StatusHandlers
from demo.session.services import Services
from demo.shared.lazy_resource import LazyResource
from osprey_core.config import GenerationDefaults
from osprey_core.runtime.download import DownloadProgress
from tests import fakes


def test_the_timer_rests_once_the_model_is_loaded_and_its_defaults_are_known(model: fakes.FakeModel) -> None:
    model.generation_defaults = GenerationDefaults(0.3, 0.9, 77)
    resource: LazyResource[Any] = LazyResource("fake", lambda: model)
    services = Services(model=resource, segmenter=LazyResource.of(fakes.FakeSegmenter()))
    status = StatusHandlers(services, is_embedded=True)
    before = [0.0, 1.0, 1024]
    header, timer, found = status.look(before)
    assert "osp-loading" in header
    assert timer["active"]
    assert found == gr.skip()
    resource.start().wait(5)
    header, timer, found = status.look(before)
    assert "osp-loading" not in header
    assert not timer["active"]
    assert found == [0.3, 0.9, 77]
    assert status.look(found)[2] == gr.skip()


def test_a_download_is_told_in_bytes_and_percent() -> None:
    resource: LazyResource[Any] = LazyResource("owner/model", lambda: None)
    services = Services(model=resource, segmenter=LazyResource.of(fakes.FakeSegmenter()))
    resource._tell(DownloadProgress(3_500_000_000, 14_000_000_000))
    header = StatusHandlers(services, is_embedded=False).look([0.0, 1.0, 1024])[0]
    assert "Downloading owner/model: 3500 of 14000 MB (25 %)" in header


def test_the_headers_timer_never_writes_a_setting(app: gr.Blocks) -> None:
    timers = {block._id for block in app.blocks.values() if isinstance(block, gr.Timer)}
    (look,) = [each for each in app.fns.values() if any(block in timers for block, _ in each.targets)]
    assert not [block for block in look.outputs if isinstance(block, gr.Slider | gr.Number)]
