"""Chromium for the tests of the page, and a page object that speaks in picture pixels."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import fakes

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE_MS = 30_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not os.path.exists(CHROMIUM):
        pytest.skip("chromium is not installed; install the package chromium, or set CHROMIUM to its path")
    playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture
def address(tmp_path: Path, model: fakes.FakeModel) -> Iterator[str]:
    """The page, with that model and three shapes to mark as its only example."""
    fakes.picture().save(tmp_path / "shapes.png")
    with fakes.served(model, fakes.FakeSegmenter(), tmp_path) as address:
        yield address


@dataclass
class Visit:
    """One person with the page open."""

    page: Any
    problems: list[str] = field(default_factory=list)

    def open_example(self, place: int = 0) -> None:
        button = ".osp-large button" if not self.has_picture() else ".osp-strip [data-example]"
        before = self.page.evaluate("document.querySelector('.osp-canvas').dataset.fit || ''")
        self.page.locator(button).nth(place).click()
        self.page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit")
        if before:
            self.page.wait_for_function("!document.querySelector('.osp-card')")
        self.page.wait_for_timeout(150)

    def load_again(self) -> None:
        """As a reload. What the page that goes says of streams that the browser cuts is no problem of the next one."""
        address, problems = self.page.url, list(self.problems)
        self.page.goto("about:blank")
        self.problems[:] = problems
        self.page.goto(address, wait_until="domcontentloaded")
        self.page.wait_for_selector(".osp-root .osp-toolbar", timeout=PATIENCE_MS)

    def leave(self) -> None:
        """Closes the page, so that its server can end at once instead of waiting for it."""
        self.page.context.close()

    def has_picture(self) -> bool:
        return bool(self.page.locator(".osp-has-picture").count())

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the picture is on the screen."""
        fit = json.loads(self.page.evaluate("document.querySelector('.osp-canvas').dataset.fit"))
        box = self.page.locator(".osp-canvas").bounding_box()
        return box["x"] + fit["x"] + x * fit["scale"], box["y"] + fit["y"] + y * fit["scale"]

    def scale(self) -> float:
        return float(json.loads(self.page.evaluate("document.querySelector('.osp-canvas').dataset.fit"))["scale"])

    def tool(self, name: str) -> None:
        self.page.click(f".osp-toolbar .osp-{name}")

    def click(self, x: float, y: float, **how: Any) -> None:
        self.page.mouse.click(*self.at(x, y), **how)

    def drag(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point))
        self.page.mouse.up()

    def wait_regions(self, count: int) -> None:
        self.page.wait_for_function(f"document.querySelectorAll('.osp-card').length === {count}", timeout=PATIENCE_MS)

    def region_texts(self) -> list[str]:
        return [text.strip() for text in self.page.locator(".osp-card .osp-percent").all_inner_texts()]

    def ask(self, text: str) -> None:
        self.page.fill("#question textarea", text)
        self.page.click("#send")

    def wait_answer(self, count: int, patience_ms: int = PATIENCE_MS) -> str:
        """The text of the `count`-th answer, once it is complete."""
        self.page.wait_for_function(
            f"document.querySelectorAll('#chatbot .bot.message').length >= {count} && "
            "!document.querySelector('#chatbot .osp-caret') && document.querySelector('#send')?.offsetParent",
            timeout=patience_ms,
        )
        return str(self.page.locator("#chatbot .bot.message").nth(count - 1).inner_text())

    def questions(self) -> list[str]:
        return list(self.page.locator("#chatbot .user.message").all_inner_texts())

    def wait_toast(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)

    def close_toasts(self) -> None:
        # All at once, and by the page itself: a toast may go by itself at any moment.
        self.page.evaluate("document.querySelectorAll('.toast-close').forEach((button) => button.click())")
        self.page.wait_for_function("!document.querySelector('.toast-body')", timeout=PATIENCE_MS)

    def forgive_a_lost_server(self) -> None:
        """Forget what the console says of a server that was away: the browser's words, and those of Gradio's scripts.

        Gradio's say it of requests, and of streams that end with the page that goes.
        """
        told = (
            "ERR_CONNECTION_REFUSED",
            "ERR_CONNECTION_RESET",
            "ERR_INCOMPLETE_CHUNKED_ENCODING",
            "ERR_INTERNET_DISCONNECTED",
            "AbortError",
            "Connection errored out",
            "TypeError: network error",
        )
        self.problems[:] = [
            problem
            for problem in self.problems
            if not any(words in problem for words in told) and not _is_gradios_failed_fetch(problem)
        ]


def _is_gradios_failed_fetch(problem: str) -> bool:
    """Whether an error is a failed request of Gradio's own scripts: every frame lies in its bundle."""
    said, *frames = problem.splitlines()
    return "Failed to fetch" in said and bool(frames) and all("/assets/" in frame for frame in frames)


@pytest.fixture
def visit(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """Opens the page at an address in a context of its own; at the end the console must have stayed clean."""
    for server in {"address", "large"} & set(request.fixturenames):
        # Begun first, it ends last: a server that pages are still connected to waits five seconds for them.
        request.getfixturevalue(server)
    contexts: list[Any] = []
    visits: list[Visit] = []

    def open_page(address: str, width: int = 1440, height: int = 900, **context_options: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, **context_options)
        contexts.append(context)
        page = context.new_page()
        person = Visit(page)
        visits.append(person)
        page.on("console", lambda message: person.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: person.problems.append(str(error)))
        page.goto(address, wait_until="domcontentloaded")
        page.wait_for_selector(".osp-root .osp-toolbar", timeout=PATIENCE_MS)
        return person

    yield open_page
    problems = [problem for person in visits for problem in person.problems]
    for context in contexts:
        context.close()
    assert problems == []
