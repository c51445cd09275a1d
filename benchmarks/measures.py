"""The measures (a) to (k), (n), (q): each times one action of a person, and the same with everything computed again.

Every repetition asks a question that was not asked before, so that the cache holds only what the measure is about.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks import baseline
from benchmarks.models import copy_of, decoder_bytes, in_bfloat16
from benchmarks.timing import Comparison, compare
from osprey_core import Osprey, View
from osprey_core.cache.row_states import RowStates
from osprey_core.io.pictures import read_picture
from osprey_core.language.core_shares import CORES
from osprey_core.language.decoding_thread import most_cores
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.language.token_step import TokenStep
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.runtime.quantize import Drift, drift, quantize

SIZE_HW = (480, 640)
BASELINE = "everything again"
EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Setting:
    """What the measures share."""

    model: Osprey
    """float32, on the CPU."""
    shape: str
    repeats: int
    new_tokens: int
    """Length of answers where whole ones are measured."""
    region_counts: tuple[int, ...]


def picture(seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3) of seeded noise; its content does not change the time."""
    return np.random.default_rng(seed).integers(0, 256, (*SIZE_HW, 3), dtype=np.uint8)


def region(number: int) -> np.ndarray:
    """bool (H, W), a box that differs for every number below 10,000."""
    mask = np.zeros(SIZE_HW, dtype=bool)
    y, x = 3 * (number % 100), 4 * (number // 100 % 100)
    mask[y : y + 120, x : x + 160] = True
    return mask


def question(number: int) -> str:
    """A question that differs from all others at its first word."""
    return f"{number} things aside, what is <region1>?"


def first_answer(setting: Setting) -> Iterator[Comparison]:
    """(a) From a new picture to the first token of an answer about it."""
    yield _first_answer(setting, "float32", setting.model)
    yield _first_answer(setting, "bfloat16", in_bfloat16(setting.model))


def _first_answer(setting: Setting, precision: str, model: Osprey) -> Comparison:
    return compare(
        f"a-{precision}",
        f"first token on a new picture ({precision})",
        (precision, lambda n: model.open(picture(n)).ask(question(n), [region(n)], max_new_tokens=1)),
        (
            f"{BASELINE}, float32",
            lambda n: baseline.ask(setting.model, picture(n), question(n), [region(n)], max_new_tokens=1),
        ),
        setting.repeats,
    )


def second_question(setting: Setting) -> Iterator[Comparison]:
    """(b) Another question about the same region: its first token, and the whole answer."""
    yield _second_question(setting, "first token", 1)
    yield _second_question(setting, f"{setting.new_tokens} tokens", setting.new_tokens)


def _second_question(setting: Setting, what: str, tokens: int) -> Comparison:
    view, mask = _asked(setting), region(0)
    return compare(
        f"b-{tokens}",
        f"second question, same region: {what}",
        ("cached", lambda n: view.ask(question(n), [mask], max_new_tokens=tokens)),
        (BASELINE, lambda n: baseline.ask(setting.model, picture(), question(n), [mask], max_new_tokens=tokens)),
        setting.repeats,
    )


def another_region(setting: Setting) -> Iterator[Comparison]:
    """(c) A question about another region of the same picture: its first token."""
    view = _asked(setting)
    yield compare(
        "c",
        "another region of the same picture: first token",
        ("cached", lambda n: view.ask(question(n), [region(n + 1)], max_new_tokens=1)),
        (
            BASELINE,
            lambda n: baseline.ask(setting.model, picture(), question(n), [region(n + 1)], max_new_tokens=1),
        ),
        setting.repeats,
    )


def tenth_turn(setting: Setting) -> Iterator[Comparison]:
    """(d) The tenth turn of a conversation: its first token."""
    view, mask = _asked(setting), region(0)
    history: list[Turn] = []
    for number in range(9):
        asked = question(1000 + number)
        history.append(Turn(asked, view.ask(asked, [mask], history, max_new_tokens=setting.new_tokens) or "nothing", 1))
    yield compare(
        "d",
        "tenth turn: first token",
        ("cached", lambda n: view.ask(question(n), [mask], history, max_new_tokens=1)),
        (
            BASELINE,
            lambda n: baseline.ask(setting.model, picture(), question(n), [mask], history, max_new_tokens=1),
        ),
        setting.repeats,
    )


def many_regions(setting: Setting) -> Iterator[Comparison]:
    """(e) All of N regions described: of a new picture, encoding included, and of one that is open."""
    for count in setting.region_counts:
        yield _new_regions(setting, count)
        if count > 1:
            yield _more_regions(setting, count)


def _new_regions(setting: Setting, count: int) -> Comparison:
    masks = [region(37 * number) for number in range(count)]
    tokens, asked = setting.new_tokens, QUESTIONS["short"]
    return compare(
        f"e-{count}",
        f"{count} region{'s' if count > 1 else ''} described",
        ("one batch", lambda n: setting.model.describe(picture(n), masks, batch_size=64, max_new_tokens=tokens)),
        (
            f"{BASELINE} for each",
            lambda n: baseline.ask(setting.model, picture(n), asked, masks[:1], max_new_tokens=tokens),
        ),
        setting.repeats,
        scaled_by=count,  # N times the same work; one of them is measured
    )


def _more_regions(setting: Setting, count: int) -> Comparison:
    masks = [region(37 * number) for number in range(count)]
    view, tokens = _asked(setting), setting.new_tokens
    return compare(
        f"e-{count}-cached",
        f"{count} regions of an opened picture described",
        ("one batch", lambda n: list(view.describe(masks, batch_size=64, max_new_tokens=tokens))),
        ("one by one, cached", lambda n: view.ask(question(n), [region(n)], max_new_tokens=tokens)),
        setting.repeats,
        scaled_by=count,
    )


def second_click(setting: Setting) -> Iterator[Comparison]:
    """(f) A second click with SAM, random weights."""
    from segment_anything.build_sam import _build_sam

    from osprey_core.segment.sam import SamSegmenter

    torch.manual_seed(0)
    sizes = (96, 2, 2, [1]) if setting.shape == "tiny" else (768, 12, 12, [2, 5, 8, 11])
    sam = _build_sam(*sizes, checkpoint=None).eval().requires_grad_(False)
    segmenter = SamSegmenter(sam, "sam:vit_b")
    opened = segmenter.open(picture())
    yield compare(
        "f",
        "second click with SAM (vit_b)" if setting.shape != "tiny" else "second click with a small SAM",
        ("features kept", lambda n: opened.segment([(20 + n, 30)], [1], None)),
        (BASELINE, lambda n: segmenter.open(picture()).segment([(20 + n, 30)], [1], None)),
        setting.repeats,
    )


def encoder_alone(setting: Setting) -> Iterator[Comparison]:
    """(g) The vision encoder by precision and memory layout."""
    plain = copy.deepcopy(setting.model.network.vision_tower).to(memory_format=torch.contiguous_format)
    pixels = image_to_tensor(picture(), setting.model.network.config.vision.image_size)[None]

    def ways() -> Iterator[tuple[str, nn.Module, torch.Tensor]]:
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
            for layout, form in (("", torch.contiguous_format), (", channels last", torch.channels_last)):
                if dtype is not torch.float32 or layout:
                    tower = copy.deepcopy(plain).to(dtype).to(memory_format=form)
                    yield name + layout, tower, pixels.to(dtype=dtype, memory_format=form)

    for label, tower, given in ways():
        yield compare(
            f"g-{label.replace(', ', '-').replace(' ', '-')}",
            f"encoder alone: {label}",
            (label, _encode(tower, given)),
            ("float32", _encode(plain, pixels)),
            setting.repeats,
        )


def picture_reading(setting: Setting) -> Iterator[Comparison]:
    """(q) A new picture until a question can be read: products of bfloat16 against float32."""
    rounded = Osprey.from_pretrained("nano", "cpu") if setting.shape == "nano" else copy_of(setting.model)
    rounded.reads_in_bfloat16 = True
    fresh = 20_000  # no other measure has opened these
    yield compare(
        "q",
        "a new picture opened and read, products of bfloat16 against float32",
        ("bfloat16", lambda n: rounded.open(picture(fresh + n)).prepare()),
        ("float32", lambda n: setting.model.open(picture(fresh + n)).prepare()),
        setting.repeats,
    )


def int8_weights(setting: Setting) -> Iterator[Comparison]:
    """(h) Answers with 8-bit weights against bfloat16, and how far they drift from float32."""
    usual, small = in_bfloat16(setting.model), in_bfloat16(setting.model)
    quantize(small.network.llm, "int8")
    prompt = setting.model.prompts.conversation(question(0), 1)
    embeds = baseline.embed(setting.model, picture(), prompt, [region(0)])
    # Two numerical paths are compared, so the reference is the unquantized model at the same precision as well.
    found = drift(usual.network.llm, small.network.llm, [embeds.to(torch.bfloat16)], setting.new_tokens)
    views = [model.open(picture()) for model in (usual, small)]
    for view in views:
        view.ask(question(0), [region(0)], max_new_tokens=1)
    yield compare(
        "h",
        f"int8 weights, {setting.new_tokens} tokens ({found.same_tokens:.0%} of them as in bfloat16)",
        ("int8", lambda n: views[1].ask(question(n), [region(0)], max_new_tokens=setting.new_tokens)),
        ("bfloat16", lambda n: views[0].ask(question(n), [region(0)], max_new_tokens=setting.new_tokens)),
        setting.repeats,
    )


def drifts(setting: Setting) -> dict[str, Drift]:
    """How far every precision's greedy answers are from float32's, encoder included; nothing of it is timed.

    Only of trained models: with random weights the next token depends on the last digit.
    """
    if setting.shape == "wide":
        return {}
    cases = [(picture(seed), region(97 * seed)) for seed in range(4)] if setting.shape == "tiny" else _examples()
    prompt = setting.model.prompts.conversation(QUESTIONS["detailed"], 1)

    def embedded(model: Osprey) -> list[torch.Tensor]:
        return [baseline.embed(model, image, prompt, [mask]) for image, mask in cases]

    wanted = embedded(setting.model)
    found = {}
    for name, half, how in (("bfloat16", True, "none"), ("int8", False, "int8"), ("bfloat16 with int8", True, "int8")):
        other = in_bfloat16(setting.model) if half else copy_of(setting.model)
        quantize(other.network.llm, how)
        reference = setting.model.network.llm
        found[name] = drift(reference, other.network.llm, wanted, setting.new_tokens, embedded(other))
    return found


def _examples() -> list[tuple[np.ndarray, np.ndarray]]:
    """Example pictures, each with a box mask around the listed point of one of its things."""
    cases = []
    for told in json.loads((EXAMPLES / "scenes.json").read_text(encoding="utf-8")):
        image = np.asarray(read_picture(EXAMPLES / told["file"]))
        for one in told["regions"][:4]:
            x, y = one["point"]
            mask = np.zeros(image.shape[:2], dtype=bool)
            mask[max(y - 40, 0) : y + 40, max(x - 40, 0) : x + 40] = True
            cases.append((image, mask))
    return cases


def start_up(setting: Setting) -> Iterator[Comparison]:
    """(i) A new process until the page is built, against until a model is loaded as well; both as `app.py` does it."""
    page = (
        "from demo.shared import garbage, gradio_stubs; garbage.collect_rarely(); gradio_stubs.leave_out_stubs(); "
        "import demo.app"
    )
    loaded = f"{page}; from osprey_core import Osprey; Osprey.from_pretrained('nano', 'cpu')"
    yield compare(
        "i",
        "start-up: the page, against the page and the model",
        ("page", lambda n: subprocess.run([sys.executable, "-c", page], check=True)),
        ("page and model", lambda n: subprocess.run([sys.executable, "-c", loaded], check=True)),
        setting.repeats,
    )


def decode_rate(setting: Setting) -> Iterator[Comparison]:
    """(k) Time per new token, against the time that reading its weights from memory takes."""
    view = _asked(setting)
    nbytes = decoder_bytes(setting.model)
    # Larger than any cache; summed, because that reads and hardly writes.
    buffer = torch.ones(max(nbytes, 2**28) // 4)
    tokens = setting.new_tokens
    yield compare(
        "k",
        f"{tokens} tokens, against reading the decoder's weights as often",
        ("decoding", lambda n: view.ask(question(n), [region(0)], max_new_tokens=tokens)),
        ("reading", lambda n: buffer.sum()),
        setting.repeats,
        scaled_by=tokens * nbytes / buffer.nbytes,
    )


def decode_step(setting: Setting) -> Iterator[Comparison]:
    """(n) Steps of one answer by the layers' own modules, against the library's forward pass."""
    view, llm = _asked(setting), setting.model.network.llm
    read = view.read(question(9998), [region(0)])
    states = RowStates()
    states.add(read.prefix, read.own)

    def steps(by_layers: bool) -> Callable[[int], None]:
        step = TokenStep(llm)
        step.prepare(by_layers)

        def take(number: int) -> None:
            with CORES.computing(most_cores(llm)):
                for token in range(setting.new_tokens):
                    states.begin_step()  # never ended, so that all write the same position
                    step.next_logits(states, [token])

        return take

    yield compare(
        "n",
        f"{setting.new_tokens} steps of one answer, by layers against the whole forward pass",
        ("by layers", steps(True)),
        ("forward pass", steps(False)),
        setting.repeats,
    )


MEASURES: dict[str, Callable[[Setting], Iterator[Comparison]]] = {
    "a": first_answer,
    "b": second_question,
    "c": another_region,
    "d": tenth_turn,
    "e": many_regions,
    "f": second_click,
    "g": encoder_alone,
    "h": int8_weights,
    "i": start_up,
    "k": decode_rate,
    "n": decode_step,
    "q": picture_reading,
}
"""By letter. (j), peak memory, is part of each."""


def _asked(setting: Setting) -> View:
    """An opened picture about which one question has been answered."""
    view = setting.model.open(picture())
    view.ask(question(9999), [region(0)], max_new_tokens=1)
    return view


def _encode(tower: nn.Module, pixels: torch.Tensor) -> Callable[[int], object]:
    def encode(number: int) -> None:
        with torch.inference_mode():
            tower(pixels)

    return encode
