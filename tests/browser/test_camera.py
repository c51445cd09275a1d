"""A picture from the camera: preview, take, cancel; a refusal is one sentence; no camera, no button."""

from __future__ import annotations

from typing import Any

import pytest

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LARGE, STRIP = ".osp-sources > .osp-camera", ".osp-strip .osp-camera"
LIVE = "document.querySelector('dialog.osp-camera video')?.srcObject?.active === true"
GIVEN_BACK = "window.given.active === false"  # a dialog's close event comes a moment after it has gone


def with_script(visit: Any, address: str, script: str) -> Any:
    """The page as it is once this script has run before all others."""
    person = visit(address)
    person.page.add_init_script(script)
    person.load_again()
    return person


PICTURE = """navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 240];
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = "rgb(200, 40, 40)";
    context.fillRect(0, 0, 160, 240);
    context.fillStyle = "rgb(40, 60, 200)";
    context.fillRect(160, 0, 160, 240);
  }, 20);
  window.given = canvas.captureStream(25);
  return window.given;
};"""


def test_a_picture_is_taken_and_asked_about(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = with_script(visit, address, PICTURE)
    person.page.click(LARGE)
    person.page.wait_for_function(LIVE)
    person.page.click(".osp-camera >> text=Cancel")
    assert not person.page.locator("dialog.osp-camera").is_visible()
    person.page.wait_for_function(GIVEN_BACK, timeout=30_000)
    assert not person.has_picture()
    person.page.click(LARGE)
    person.page.wait_for_function("!document.querySelector('.osp-camera-take').disabled", timeout=30_000)
    person.page.wait_for_timeout(300)
    person.page.click(".osp-camera-take")
    person.page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit", timeout=30_000)
    person.page.wait_for_function(GIVEN_BACK, timeout=30_000)
    person.page.wait_for_timeout(150)
    person.tool("brush")
    person.drag((40, 100), (100, 100))
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    image = model.calls[-1].image
    assert image.shape == (240, 320, 3)
    assert abs(image[100, 80].astype(int) - (200, 40, 40)).max() < 20
    assert abs(image[100, 240].astype(int) - (40, 60, 200)).max() < 20
    assert person.page.locator(STRIP).is_visible()


@pytest.mark.parametrize(
    ("error", "sentence"), [("NotAllowedError", "allow it in the browser"), ("NotFoundError", "connect one")]
)
def test_why_there_is_no_picture_is_one_sentence(visit: Any, address: str, error: str, sentence: str) -> None:
    refuse = f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '{error}'));"
    person = with_script(visit, address, refuse)
    person.page.click(LARGE)
    person.wait_toast(sentence)
    assert not person.page.locator("dialog.osp-camera").is_visible()


def test_where_the_browser_has_no_camera_none_is_offered(visit: Any, address: str) -> None:
    person = with_script(
        visit, address, "Object.defineProperty(navigator, 'mediaDevices', { value: undefined, configurable: true });"
    )
    person.open_example()
    assert person.page.locator("button.osp-camera").count() == 0


def test_a_real_capture_device(browser: Any, address: str) -> None:
    """Chromium's own fake device, through all of its media stack."""
    fake = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    other = browser.browser_type.launch(executable_path=browser_path(), args=fake)
    try:
        page = other.new_page()
        page.goto(address, wait_until="domcontentloaded")
        page.click(LARGE, timeout=30_000)
        page.wait_for_function("!document.querySelector('.osp-camera-take').disabled", timeout=30_000)
        page.click(".osp-camera-take")
        page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit", timeout=30_000)
    finally:
        other.close()


def browser_path() -> str:
    from tests.browser.conftest import CHROMIUM

    return str(CHROMIUM)
