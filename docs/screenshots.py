"""Pictures of the page's main states for the README, taken in Chromium with the embedded model.

Run by hand from the root of the repository: python docs/screenshots.py [NAME ...]. Writes docs/*.png, and under the
name "moving" docs/moving.webp: clicks and answers in about 15 seconds. Knows the page as a person does, and the browser
tests' page object.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from osprey_core import Osprey  # noqa: E402
from osprey_core.segment import load_segmenter  # noqa: E402
from tests.browser.conftest import CHROMIUM, Visit  # noqa: E402
from tests.fakes import served  # noqa: E402

PATIENCE_MS = 240_000
MAX_BYTES = 300_000
SAVANNA = 5
"""Place among the examples."""
THINGS = {
    region["name"]: region["point"]
    for region in json.loads((ROOT / "examples/scenes.json").read_text(encoding="utf-8"))[SAVANNA]["regions"]
}
"""What stands there, and a pixel of each thing."""


def marking(person: Visit) -> None:
    """Three things marked, one of them named, and a question about two of them."""
    person.open_example(SAVANNA)
    for count, spot in enumerate((THINGS[name] for name in ("lion", "elephant", "leopard")), 1):
        person.click(*spot)
        person.wait_regions(count)
    person.page.locator(".osp-pick").first.dblclick()
    person.page.keyboard.type("lion")
    person.page.keyboard.press("Enter")
    person.page.locator(".osp-name", has_text="lion").wait_for()
    for count, question in enumerate(("What is @2?", "What colour is @3?", "How do @1 and @2 relate?"), 1):
        person.ask(question)
        person.wait_answer(count, PATIENCE_MS)


def everything(person: Visit) -> None:
    """All that stands out, described."""
    person.open_example(SAVANNA)
    person.tool("everything")
    person.page.click("#everything .osp-describe", timeout=PATIENCE_MS)
    person.page.wait_for_function(
        "!document.querySelector('#everything tbody').innerText.includes('…')", timeout=PATIENCE_MS
    )


def closer(person: Visit) -> None:
    """Two pictures open, and where the encoder finds the second one like the lion in it."""
    person.open_example(SAVANNA - 1)
    person.page.locator(".osp-strip [data-example^='06']").click()
    person.page.wait_for_function("document.querySelectorAll('.osp-leaf').length === 2", timeout=PATIENCE_MS)
    person.page.wait_for_timeout(1000)
    person.click(*THINGS["lion"])
    person.wait_regions(1)
    person.page.click("#closer [data-kind=inside]")
    person.page.click("#osp-closer-inside .osp-go")
    person.page.wait_for_function(
        "document.querySelectorAll('.osp-maps img').length === 4 && "
        "document.querySelector('#osp-closer-inside .osp-go').offsetParent",
        timeout=PATIENCE_MS,
    )


SHOTS: dict[str, tuple[Callable[[Visit], None], dict[str, Any]]] = {
    "page": (marking, {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"}),
    "dark": (marking, {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"}),
    "phone": (marking, {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}),
    "closer": (closer, {"viewport": {"width": 1440, "height": 820}, "color_scheme": "light"}),
    "everything": (everything, {"viewport": {"width": 1440, "height": 1100}, "color_scheme": "light"}),
}


FRAME_SECONDS = 0.25
MOVING_SIZE = (960, 600)
POINTER = """
() => {
  const dot = document.createElement("div");
  dot.style.cssText = "position:fixed;z-index:99999;width:22px;height:22px;margin:-11px;border-radius:50%;" +
    "border:3px solid #c2410c;background:#c2410c33;pointer-events:none;left:50%;top:50%";
  document.body.append(dot);
  const follow = (event) => Object.assign(dot.style, { left: `${event.clientX}px`, top: `${event.clientY}px` });
  addEventListener("mousemove", follow, true);
}
"""
"""A screenshot holds no mouse pointer, so the page is given one to be seen."""


class Film:
    """Screenshots of a page one after the other, saved as one moving WebP."""

    def __init__(self, person: Visit) -> None:
        self._page = person.page
        self._frames: list[Image.Image] = []
        self._seconds: list[float] = []
        self._x, self._y = 600.0, 375.0

    def take(self, seconds: float = FRAME_SECONDS) -> None:
        """The page as it is now, shown for so long; a frame that is the same as the last prolongs it."""
        shot = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        frame = shot.resize(MOVING_SIZE, Image.Resampling.LANCZOS)
        if self._frames and frame.tobytes() == self._frames[-1].tobytes():
            self._seconds[-1] += seconds
            return
        self._frames.append(frame)
        self._seconds.append(seconds)

    def move(self, x: float, y: float, steps: int = 4) -> None:
        """The pointer moved in steps to a place on the screen, filmed."""
        for step in range(1, steps + 1):
            share = step / steps
            self._page.mouse.move(self._x + (x - self._x) * share, self._y + (y - self._y) * share)
            self.take(0.1)
        self._x, self._y = x, y

    def save(self, path: Path) -> None:
        first, *rest = self._frames
        durations = [round(1000 * seconds) for seconds in self._seconds]
        first.save(path, save_all=True, append_images=rest, duration=durations, loop=0, quality=62, method=6)


def moving(person: Visit) -> Film:
    """A click on a thing, a question typed, its answer; a second thing, and how the two relate."""
    film = Film(person)
    person.page.evaluate(POINTER)
    person.open_example(SAVANNA)
    film.take(1.0)
    for count, (name, question) in enumerate((("lion", "What is this?"), ("elephant", "How do @1 and @2 relate?")), 1):
        film.move(*person.at(*THINGS[name]))
        person.click(*THINGS[name])
        film.take(0.3)
        person.wait_regions(count)
        film.take(1.2)
        field = person.page.locator("#question textarea")
        box = field.bounding_box()
        film.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
        field.click()
        for end in range(3, len(question) + 3, 3):
            field.fill(question[:end])
            film.take(0.12)
        person.page.click("#send")
        film.take(0.3)
        person.wait_answer(count, PATIENCE_MS)
        film.take(2.5)
    return film


def main(names: list[str]) -> None:
    model, segmenter = Osprey.from_pretrained("nano"), load_segmenter()
    with served(model, segmenter, ROOT / "examples") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        )
        for name in names or (*SHOTS, "moving"):
            story, settings = SHOTS.get(name, (None, {"viewport": {"width": 1200, "height": 750}}))
            person = Visit(browser.new_context(**settings).new_page())
            person.page.goto(address, wait_until="domcontentloaded")
            person.page.wait_for_selector(".osp-root .osp-toolbar", timeout=PATIENCE_MS)
            if story is None:
                path = ROOT / "docs/moving.webp"
                moving(person).save(path)
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")
                continue
            story(person)
            person.page.mouse.move(2, 2)
            person.page.evaluate("window.scrollTo(0, 0)")
            person.page.wait_for_timeout(1500)
            image = Image.open(io.BytesIO(person.page.screenshot(full_page=name in ("phone", "closer")))).convert("RGB")
            path = ROOT / "docs" / f"{name}.png"
            image.save(path, optimize=True)
            if path.stat().st_size > MAX_BYTES:  # maps and gradients do not shrink well; 256 colours are close enough
                image.quantize(256).save(path, optimize=True)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
