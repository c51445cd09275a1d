"""The sections: what each measures, through the same engine, caches and segmenters that page and command line use."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch

from benchmarks import baseline
from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.networks import config_of, copy_to, seeded_model
from benchmarks.gpu_check.setting import Setting, gigabytes, middle_box, photographs
from benchmarks.measures import picture, question, region
from benchmarks.models import decoder_bytes
from osprey_core import Osprey, View
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.region_model import NamedRegion
from osprey_core.regions.masks import Mask, intersection_over_union
from osprey_core.runtime.cuda_graphs import record_cuda_graph
from osprey_core.runtime.devices import resolve_dtype
from osprey_core.runtime.quantize import quantize
from osprey_core.segment import OpenedPicture, Segmenter, load_segmenter

LAYERS = 32
PARITY_LAYERS = 2
PARITY_TOLERANCE = 1e-3
"""Largest difference of a logit in float32, relative to the largest logit, that still counts as the same figure."""

LIBRARIES = ("torch", "torchvision", "transformers", "timm", "numpy", "opencv-python-headless", "bitsandbytes")


def machine(setting: Setting, findings: Findings) -> None:
    """The card, the libraries, and the two speeds that bound everything else: memory and matrix products."""
    cuda = torch.cuda.is_available()
    findings.add("cuda", cuda)
    findings.add("python", platform.python_version())
    findings.add("libraries", {name: _version(name) for name in LIBRARIES})
    findings.add(
        "missing", [name for name in ("segment_anything", "bitsandbytes", "accelerate") if not find_spec(name)]
    )
    if setting.device.type == "cuda" and not cuda:
        return
    if cuda:
        found = torch.cuda.get_device_properties(setting.device)
        findings.add("card", {"name": found.name, "memory_gb": gigabytes(found.total_memory)})
    with findings.part("memory bandwidth"):
        buffer = torch.zeros(2**20 if setting.tiny else 2**30, dtype=torch.float32, device=setting.device)
        took = setting.times(lambda _: buffer.sum())
        findings.add("read_gb_per_s", round(buffer.nbytes / took["median_ms"] / 1e6))
    with findings.part("matrix products"):
        side = 128 if setting.tiny else 8192
        square = torch.randn(side, side, device=setting.device).to(torch.bfloat16)
        took = setting.times(lambda _: square @ square)
        findings.add("bfloat16_tflops", round(2 * side**3 / took["median_ms"] / 1e9))


def language(how: str) -> Callable[[Setting, Findings], None]:
    """The section of the whole published model in bfloat16, quantized or not ("none")."""

    def section(setting: Setting, findings: Findings) -> None:
        began = time.perf_counter()
        model = seeded_model(config_of(LAYERS, setting.tiny), setting.device, torch.bfloat16)
        setting.synchronize()
        findings.add("built_s", round(time.perf_counter() - began, 2))
        if how != "none":
            began = time.perf_counter()
            quantize(model.network.llm, how)
            setting.synchronize()
            findings.add("quantized_s", round(time.perf_counter() - began, 2))
        setting.forget_peak()  # building and quantizing hold more than answering does
        findings.add("decoder_gb", gigabytes(decoder_bytes(model)))
        findings.add("memory when loaded", setting.memory())
        measure_answers(model, setting, findings)

    return section


def measure_answers(model: Osprey, setting: Setting, findings: Findings) -> None:
    """Times of first tokens, whole answers and descriptions, and the memory that they take."""
    measure, times = findings.measure, setting.times
    measure("picture encoded", lambda: times(lambda n: model.open(picture(n))))
    measure(
        "first token, new picture",
        lambda: times(lambda n: model.open(picture(n)).ask(question(n), [region(n)], max_new_tokens=1)),
    )
    measure(
        "first token, everything again",
        lambda: times(lambda n: baseline.ask(model, picture(n), question(n), [region(n)], max_new_tokens=1)),
    )
    view = model.open(picture())
    view.ask(question(9999), [region(0)], max_new_tokens=1)
    measure(
        "first token, opened picture",
        lambda: times(lambda n: view.ask(question(n), [region(n + 1)], max_new_tokens=1)),
    )
    measure("first token, second turn", lambda: times(lambda n: _second_turn(view, n)))
    measure("answer", lambda: _answer(view, setting, decoder_bytes(model)))
    measure("name with guesses", lambda: times(lambda n: view.name(region(31 * n + 7))))
    for count in setting.region_counts:
        measure(f"{count} regions described", partial(_descriptions, view, setting, count))
    findings.add("opened picture_gb", gigabytes(view.memory_bytes))
    findings.add("memory", setting.memory())


def graphs(setting: Setting, findings: Findings) -> None:
    """Decoding steps recorded as CUDA graphs: the same greedy answers in float32, and how fast in bfloat16."""
    # Without a card, a step that is computed anew takes the place of its recording.
    record = record_cuda_graph if setting.device.type == "cuda" else _computed_anew
    tokens = 4 if setting.tiny else 24
    small = seeded_model(config_of(PARITY_LAYERS, setting.tiny), setting.device, torch.float32)
    wanted = _greedy_answers(small, tokens)
    small.decoding[0].record_steps(record)
    findings.add("same_greedy_answers", _greedy_answers(small, tokens) == wanted)
    findings.add("recorded", small.decoding[0].recordings)
    del small  # its memory is needed
    model = seeded_model(config_of(LAYERS, setting.tiny), setting.device, torch.bfloat16)
    view = model.open(picture())
    findings.measure("answer, as without", lambda: _answer(view, setting, decoder_bytes(model)))
    model.decoding[0].record_steps(record)
    view.ask(question(9998), [region(0)], max_new_tokens=tokens)  # records
    findings.add("recorded in bfloat16", model.decoding[0].recordings)
    findings.measure("answer, recorded", lambda: _answer(view, setting, decoder_bytes(model)))
    findings.add("memory", setting.memory())


def _greedy_answers(model: Osprey, tokens: int) -> list[str]:
    """One answer alone, and three that are decoded together."""
    view, masks = model.open(picture()), [region(37 * number) for number in range(3)]
    together = view.ask_each(question(2), masks, max_new_tokens=tokens)
    return [view.ask(question(1), masks[:1], max_new_tokens=tokens), *(text for _, text in together)]


def _computed_anew(step: Callable[[], torch.Tensor], device: torch.device) -> Callable[[], torch.Tensor]:
    return step


def parity(setting: Setting, findings: Findings) -> None:
    """The same float32 weights of published widths on CPU and card: logits, greedy tokens, with and without caches."""
    there = seeded_model(config_of(PARITY_LAYERS, setting.tiny), setting.device, torch.float32)
    findings.add("layers", there.network.config.language.num_hidden_layers)
    here = copy_to(there, torch.device("cpu"))
    image, masks, asked = picture(), [region(0), region(4050)], question(1) + " And what is <region2>?"
    tokens = 4 if setting.tiny else 12
    wanted = here.open(image).read(asked, masks).logits

    def logit_error() -> float:
        return _relative(there.open(image).read(asked, masks).logits, wanted)

    findings.measure("logit_error_as_shipped", logit_error)
    # By default convolutions on NVIDIA cards round their inputs to 10 bits (TF32).
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    findings.measure("logit_error", logit_error)
    findings.add("logit_tolerance", PARITY_TOLERANCE)
    findings.add("logits_agree", findings.results.get("logit_error", 1.0) <= PARITY_TOLERANCE)
    answer = here.open(image).ask(asked, masks, max_new_tokens=tokens)
    findings.add("answer_tokens", tokens)
    findings.measure("same_greedy_answer", lambda: there.open(image).ask(asked, masks, max_new_tokens=tokens) == answer)
    findings.measure(
        "same_answer_without_caches",
        lambda: baseline.ask(there, image, asked, masks, max_new_tokens=tokens) == answer,
    )
    many = [region(37 * number) for number in range(5)]
    findings.measure(
        "same_answers_together",
        lambda: (
            there.describe(image, many, max_new_tokens=tokens)
            == [there.open(image).ask(QUESTIONS["short"], [mask], max_new_tokens=tokens) for mask in many]
        ),
    )


def embedded(setting: Setting, findings: Findings) -> None:
    """The model and the segmenter that ship: pictures, clicks, short answers and names, against the CPU's."""
    images = photographs(setting)
    here, segmenter_here = Osprey.from_pretrained("nano", "cpu", "float32"), load_segmenter("learned", "cpu", "float32")
    device = str(setting.device)
    segmenter = load_segmenter("learned", device, "float32")
    default = str(resolve_dtype("auto", setting.device)).removeprefix("torch.")
    for dtype in dict.fromkeys((default, "float32")):
        with findings.part(dtype):
            began = time.perf_counter()
            there = Osprey.from_pretrained("nano", device, dtype)
            findings.add(f"{dtype}: loaded_s", round(time.perf_counter() - began, 2))
            findings.add(f"{dtype}: names as on the CPU", [_same_names(here, there, image) for image in images])
            _measure_embedded(f"{dtype}: ", there, segmenter, images[0], setting, findings)
    findings.measure(
        "overlap of clicked masks with the CPU's",
        lambda: [round(_overlap(segmenter_here.open(image), segmenter.open(image), image), 4) for image in images],
    )
    findings.add("memory", setting.memory())
    cpu = Setting(torch.device("cpu"), setting.tiny)
    _measure_embedded("CPU float32: ", here, segmenter_here, images[0], cpu, findings)


def sam(setting: Setting, findings: Findings) -> None:
    """Segment Anything with random weights: a picture opened, a click on it."""
    from segment_anything.build_sam import _build_sam

    from osprey_core.segment.sam import SamSegmenter

    sizes = {"vit_b": (768, 12, 12, [2, 5, 8, 11]), "vit_h": (1280, 32, 16, [7, 15, 23, 31])}
    if setting.tiny:
        sizes = {"vit_b": (96, 2, 2, [1])}
    for name, size in sizes.items():
        with findings.part(name):
            torch.manual_seed(0)
            built = _build_sam(*size, checkpoint=None).eval().requires_grad_(False).to(setting.device)
            _measure_sam(SamSegmenter(built, f"sam:{name}"), setting, findings)


SECTIONS: dict[str, Callable[[Setting, Findings], None]] = {
    "machine": machine,
    "bfloat16": language("none"),
    "graphs": graphs,
    "parity": parity,
    "embedded": embedded,
    "sam": sam,
    "8bit": language("8bit"),
    "4bit": language("4bit"),
    "int8": language("int8"),
}


def _measure_sam(segmenter: Segmenter, setting: Setting, findings: Findings) -> None:
    opened, name = segmenter.open(picture()), segmenter.name
    findings.add(f"{name}: picture opened", setting.times(lambda n: segmenter.open(picture(n))))
    findings.add(f"{name}: click", setting.times(lambda n: opened.segment([(20 + n, 30)], [1])))
    findings.add(f"{name}: memory", setting.memory())


def _second_turn(view: View, number: int) -> None:
    """A second question about a region, after an answer that was not asked for before."""
    history = [Turn(question(9999), "a thing", 1)]
    view.ask(f"{number}: and its color?", [region(0)], history, max_new_tokens=1)


def _answer(view: View, setting: Setting, weight_bytes: int) -> dict[str, object]:
    """Rate and length of one long answer; a random model may end it early, then another question is asked."""
    best: dict[str, object] = {}
    longest = 1
    for number in range(500, 504):
        stream = view.stream(question(number), [region(0)], max_new_tokens=setting.answer_tokens)
        text = "".join(stream)
        if stream.new_tokens > longest:
            longest, rate = stream.new_tokens, stream.tokens_per_second
            best = {
                "new_tokens": longest,
                "prompt_tokens": stream.prompt_tokens,
                "characters": len(text),
                "tokens_per_s": round(rate, 1),
                "weights_read_gb_per_s": round(rate * weight_bytes / 1e9),
            }
        if longest == setting.answer_tokens:
            break
    return best


def _descriptions(view: View, setting: Setting, count: int) -> dict[str, object]:
    """Regions per second when they are described together, 16 tokens each at most."""
    masks = [region(37 * number) for number in range(count)]
    tokens = 2 if setting.tiny else 16
    took = setting.times(lambda _: list(view.describe(masks, batch_size=count, max_new_tokens=tokens)))
    return took | {"tokens_each": tokens, "regions_per_s": round(count / took["median_ms"] * 1000, 1)}


def _relative(got: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest difference of two vectors, relative to the largest value of the second."""
    return float((got.float().cpu() - wanted).abs().max() / wanted.abs().max())


def _measure_embedded(
    prefix: str, model: Osprey, segmenter: Segmenter, image: np.ndarray, setting: Setting, findings: Findings
) -> None:
    """Times of what a person does with a photograph."""
    opened, view, mask = segmenter.open(image), model.open(image), middle_box(image)
    height, width = image.shape[:2]
    short, category = QUESTIONS["short"], QUESTIONS["category"]
    # Every run is given another picture, click or question, so that no cache has its answer.
    work: dict[str, Callable[[int], object]] = {
        "picture opened by the model": lambda n: model.open(_moved(image, n)),
        "picture opened by both": lambda n: _open_both(model, segmenter, _moved(image, n + 20)),
        "short answer, new picture": lambda n: model.open(_moved(image, n + 40)).ask(short, [mask]),
        "short answer, opened picture": lambda n: view.ask(f"{n}: {short}", [mask]),
        "name with guesses": lambda n: view.name(mask, f"{n}: {category}"),
        "click": lambda n: opened.segment([(width // 2 + n, height // 2)], [1]),
        "second click": lambda n: opened.segment([(width // 2, height // 2 + n), (9, 9)], [1, 0]),
        "box": lambda n: opened.segment(box_xyxy=(width / 4 + n, height / 4, width / 2, height / 2)),
    }
    for name, run in work.items():
        findings.measure(prefix + name, partial(setting.times, run))
    if not setting.tiny:  # seconds on a slow CPU
        findings.measure(prefix + "everything", lambda: setting.times(lambda _: opened.everything(), repeats=1))
    findings.measure(prefix + "detailed answer", lambda: _detailed_answer(view, mask, setting))


def _detailed_answer(view: View, mask: Mask, setting: Setting) -> dict[str, object]:
    stream = view.stream(QUESTIONS["detailed"], [mask], max_new_tokens=setting.answer_tokens)
    text = "".join(stream)
    return {"text": text[:80], "new_tokens": stream.new_tokens, "tokens_per_s": round(stream.tokens_per_second, 1)}


def _open_both(model: Osprey, segmenter: Segmenter, image: np.ndarray) -> None:
    model.open(image)
    segmenter.open(image)


def _moved(image: np.ndarray, by: int) -> np.ndarray:
    """The picture moved to the side, so that no cache has seen it."""
    return np.ascontiguousarray(np.roll(image, by, axis=1))


def _same_names(here: Osprey, there: Osprey, image: np.ndarray) -> dict[str, object]:
    """What both make of the middle of a picture."""
    mask = middle_box(image)
    wanted, got = here.open(image).name(mask), there.open(image).name(mask)
    return {
        "CPU": _first_name(wanted),
        "card": _first_name(got),
        "confidence_difference": round(abs(wanted.guesses[0].confidence - got.guesses[0].confidence), 5)
        if wanted.guesses and got.guesses
        else None,
    }


def _first_name(named: NamedRegion) -> str:
    return named.guesses[0].name if named.guesses else ""


def _overlap(one: OpenedPicture, other: OpenedPicture, image: np.ndarray) -> float:
    """IoU of both answers to a click on the middle."""
    middle = (image.shape[1] / 2, image.shape[0] / 2)
    return intersection_over_union(one.segment([middle], [1])[0].mask, other.segment([middle], [1])[0].mask)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
