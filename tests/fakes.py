"""A model and a segmenter for tests of the page: instant, deterministic, and telling about the pixels they got."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from osprey_core.config import GenerationDefaults
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import Abilities, Guess, NamedRegion
from osprey_core.regions import masks
from osprey_core.segment.protocol import ScoredMask


@dataclass
class Call:
    """One question as the fake model got it."""

    question: str
    regions: list[NDArray[np.bool_]]
    history: list[Any]
    settings: dict[str, Any]
    image: NDArray[np.uint8]
    about: tuple[int, ...] | None = None


class FakeStream:
    """Words of an answer with a pause before each; stops like the real stream."""

    def __init__(
        self,
        words: Sequence[str],
        pause: float,
        trimmed_turns: int = 0,
        fail_after: int | None = None,
        settings: SamplingSettings | None = None,
    ) -> None:
        self._words, self.pause, self._fail_after = words, pause, fail_after
        self._stop = threading.Event()
        self.finish_reason: str | None = None
        self.trimmed_turns, self.settings = trimmed_turns, settings
        self.prompt_tokens, self.new_tokens = 42, 0
        self.seconds_to_first_token, self.tokens_per_second = pause, 1 / pause if pause else 1000.0

    def __iter__(self) -> Iterator[str]:
        for place, word in enumerate(self._words):
            if self.pause:
                self._stop.wait(self.pause)
            if self._stop.is_set():
                self.finish_reason = "stopped"
                return
            if place == self._fail_after:
                raise RuntimeError("the fake model broke")
            self.new_tokens += 1
            yield word
        self.finish_reason = "eos"

    def stop(self) -> None:
        self._stop.set()


@dataclass
class FakeView:
    model: FakeModel
    image: NDArray[np.uint8]

    def stream(
        self,
        question: str,
        regions: Any = (),
        history: Any = (),
        about: Sequence[int] | None = None,
        **settings: Any,
    ) -> FakeStream:
        """An answer that states area, box and mean colour of every region."""
        meant = None if about is None else tuple(about)
        call = Call(question, [np.array(mask) for mask in regions], list(history), settings, self.image, meant)
        self.model.calls.append(call)
        self._refuse(call.regions)
        if "explode" in question:
            raise RuntimeError("secret traceback")
        told = [describe_mask(self.image, mask) for mask in call.regions]
        text = f"{question} -> " + " | ".join(f"region{place}: {words}" for place, words in enumerate(told, 1))
        if self.model.reply:
            text = self.model.reply
        if "long" in question:
            text = " ".join(["word"] * 400)
        pieces = [piece + " " for piece in text.split(" ")]
        pieces[-1] = pieces[-1].rstrip()
        fail_after = 3 if "break" in question else None
        chosen = {name: value for name, value in settings.items() if name not in ("without", "top_logprobs")}
        longest = self.model.generation_defaults.max_new_tokens
        told_settings = SamplingSettings(**chosen).with_longest(longest).with_seed()
        stream = FakeStream(pieces, self.model.pause, self.model.trimmed_turns, fail_after, told_settings)
        self.model.streams.append(stream)
        return stream

    def describe(self, regions: Any, style: str = "short", **settings: Any) -> Iterator[tuple[int, str]]:
        """The area of each region; the last one comes first."""
        described = list(enumerate(np.array(mask) for mask in regions))
        for place, mask in reversed(described):
            self.model.calls.append(Call(style, [mask], [], settings, self.image))
            time.sleep(self.model.pause)
            self._refuse([mask])
            yield place, self.model.reply or describe_mask(self.image, mask)

    def _refuse(self, regions: Sequence[NDArray[np.bool_]]) -> None:
        for mask in regions:
            if color_name(self.image, mask) == self.model.unable:
                raise InputError("openai_model.cut_off", model=self.model.name)

    def name(self, mask: Any, guesses: int = 3) -> NamedRegion:
        """The model's `names`, whatever the mask shows."""
        self.model.named.append(np.array(mask))
        return NamedRegion(self.model.names[:guesses], 0.5)

    def answer_likelihoods(
        self, question: str, regions: Any, answers: Sequence[str], whole: bool = True
    ) -> NDArray[np.float64]:
        """Calls a region by its only colour, with probability 0.9, and says yes if asked for that name."""
        rows = []
        for mask in regions:
            name = color_name(self.image, np.array(mask))
            says_yes = bool(name) and name in question
            told = [answer == name if whole else answer.startswith("Yes") == says_yes for answer in answers]
            rows.append([0.9 if is_told else 0.001 for is_told in told])
        return np.log(np.array(rows).reshape(-1, len(answers)))


@dataclass
class FakeModel:
    """Has the page's side of osprey_core.Osprey."""

    name: str = "fake"
    device: str = "cpu"
    dtype: str = "float32"
    is_embedded: bool = True
    generation_defaults: GenerationDefaults = field(default_factory=lambda: GenerationDefaults(temperature=0.0))
    pause: float = 0.0
    trimmed_turns: int = 0
    calls: list[Call] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)
    opened: int = 0
    reply: str = ""
    """The text of every answer and caption; empty for one that tells about the pixels."""
    names: tuple[Guess, ...] = ()
    """What the model gives as names; without any it cannot tell confidences."""
    english_only: bool = False
    unable: str = "nothing"
    """The shape about which it cannot say anything."""
    named: list[NDArray[np.bool_]] = field(default_factory=list)
    """Masks that were named."""

    @property
    def abilities(self) -> Abilities:
        return Abilities(confidence=bool(self.names), english_only=self.english_only)

    def open(self, image: Any) -> FakeView:
        self.opened += 1
        return FakeView(self, np.array(image))


def describe_mask(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> str:
    """Area, box and mean colour, so that an answer proves which pixels it is about."""
    box = ",".join(map(str, masks.box_xyxy(mask)))
    red, green, blue = (round(float(value)) for value in image[mask].mean(axis=0))
    return f"area={masks.area(mask)} box={box} rgb={red},{green},{blue}"


def color_name(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> str:
    """The name of the shape of `picture()` whose colour all pixels of the mask have, or ""."""
    return next((name for name, (_, _, color) in SHAPES.items() if (image[mask] == color).all()), "")


class FakeSegmenter:
    """Finds the 4-connected pixels of exactly the clicked colour; in a box, whatever is not the box's corner colour.

    As a second extent it offers the bounding box of what it found.
    """

    name = "fake"

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause

    def open(self, image: NDArray[np.uint8]) -> FakeOpened:
        return FakeOpened(image, self.pause)

    def open_part(self, part: NDArray[np.uint8], whole: Any) -> FakeOpened:
        return self.open(part)


@dataclass
class FakeOpened:
    image: NDArray[np.uint8]
    pause: float = 0.0

    def segment(self, points_xy: Any = (), labels: Any = (), box_xyxy: Any = None) -> list[ScoredMask]:
        time.sleep(self.pause)
        found = np.zeros(self.image.shape[:2], bool)
        if box_xyxy is not None:
            x0, y0, x1, y1 = (round(value) for value in box_xyxy)
            part = self.image[y0:y1, x0:x1]
            found[y0:y1, x0:x1] = (part != part[0, 0]).any(axis=2)
        for (x, y), label in sorted(zip(points_xy, labels, strict=True), key=lambda pair: -pair[1]):
            flood = flood_of(self.image, int(x), int(y))
            found = found | flood if label else found & ~flood
        box = np.zeros_like(found)
        if found.any():
            x0, y0, x1, y1 = masks.box_xyxy(found)
            box[y0:y1, x0:x1] = True
        return [ScoredMask(found, 0.9), ScoredMask(box, 0.5)]

    def preview(self, x: float, y: float) -> NDArray[np.bool_]:
        return self.segment([(x, y)], [1])[0].mask

    def everything(self) -> list[ScoredMask]:
        """Two shapes of `picture()` and its ground, largest first."""
        found = [self.segment([point], [1])[0] for point in ((250, 110), (80, 100), (5, 5))]
        return sorted(found, key=lambda scored: -int(scored.mask.sum()))


def flood_of(image: NDArray[np.uint8], x: int, y: int) -> NDArray[np.bool_]:
    """Connected pixels of the colour at (x, y), by repeated growing: slow and simple."""
    same = (image == image[y, x]).all(axis=2)
    flood = np.zeros_like(same)
    flood[y, x] = True
    while True:
        grown = flood.copy()
        grown[1:] |= flood[:-1]
        grown[:-1] |= flood[1:]
        grown[:, 1:] |= flood[:, :-1]
        grown[:, :-1] |= flood[:, 1:]
        grown &= same
        if (grown == flood).all():
            return flood
        flood = grown


BACKGROUND = (200, 210, 220)
SHAPES: dict[str, tuple[str, tuple[int, int, int, int], tuple[int, int, int]]] = {
    "red": ("rectangle", (40, 50, 119, 149), (200, 40, 40)),
    "blue": ("ellipse", (200, 60, 299, 159), (40, 60, 200)),
    "green": ("rectangle", (120, 190, 279, 239), (40, 160, 60)),
}
"""Name -> shape, inclusive box, colour; on a 360 x 270 picture."""


def picture(width: int = 360, height: int = 270, scale: int = 1) -> Image.Image:
    """Three plain shapes on a plain ground."""
    image = Image.new("RGB", (width * scale, height * scale), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for kind, (x0, y0, x1, y1), color in SHAPES.values():
        box = (x0 * scale, y0 * scale, (x1 + 1) * scale - 1, (y1 + 1) * scale - 1)
        getattr(draw, kind)(box, fill=color)
    return image


def shape(name: str) -> NDArray[np.bool_]:
    """The pixels of one shape of `picture()`."""
    return np.asarray((np.array(picture()) == SHAPES[name][2]).all(axis=2))


@contextmanager
def served(
    model: Any, segmenter: Any, examples: Path, mcp: bool = False, second: Any = None, clip: Any = None, **options: Any
) -> Iterator[str]:
    """The page with these (or with resources of these) on a free loopback port; gives its address."""
    from demo.app import build_app
    from demo.launch import launch
    from demo.options import Options
    from demo.shared.lazy_resource import LazyResource

    compared = None if second is None else LazyResource.of(second, second.name)
    beside = None if clip is None else LazyResource.of(clip, clip.name)
    app = build_app(model, segmenter, Options(**options), examples, second=compared, clip=beside)
    app.queue(default_concurrency_limit=4)
    address = launch(app, "127.0.0.1", free_port(), mcp=mcp, prevent_thread_lock=True, quiet=True)
    try:
        yield address
    finally:
        app.close(verbose=False)


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as analysis:
        analysis.bind(("127.0.0.1", 0))
        port: int = analysis.getsockname()[1]
        return port
