"""The engine: opened pictures are shareable values, streams join to answers, and everything bad is said plainly."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from osprey_core import ContextOverflowError, InputError, Osprey, View
from osprey_core.engine import VISION_LAYOUT
from osprey_core.language.generation import AnswerStream, AnswerText
from osprey_core.language.prompts import Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.model import build_network
from osprey_core.runtime.devices import resolve_device, resolve_dtype
from tests.tiny import positions_computed, tiny_config, tiny_osprey, tiny_tokenizer

QUESTION = "what is <region1>"


@pytest.fixture(scope="module")
def model() -> Osprey:
    return tiny_osprey()


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (48, 80, 3), dtype=np.uint8)


def box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((48, 80), dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


@pytest.fixture(scope="module")
def view(model: Osprey) -> View:
    return model.open(picture())


def test_the_encoders_layout_in_memory_changes_no_level() -> None:
    laid = tiny_osprey()
    torch.manual_seed(0)
    plain = build_network(tiny_config()).eval().requires_grad_(False)
    view = laid.open(picture())
    assert view._pixel_values.is_contiguous(memory_format=VISION_LAYOUT)
    with torch.inference_mode():
        tokens, levels = plain.encode_image(view._pixel_values.contiguous())
    torch.testing.assert_close(view.encoding().image_tokens, tokens, rtol=1e-4, atol=1e-5)
    for name, level in view.encoding().levels.items():
        torch.testing.assert_close(level, levels[name], rtol=1e-4, atol=1e-5)


def stream_of(tokens: list[int] | str, *stops: str) -> AnswerStream:
    """A stream over given ids, as if a model had written them."""
    tokenizer = tiny_tokenizer()
    ids = tokenizer.encode_piece(tokens) if isinstance(tokens, str) else tokens

    def produce(should_stop: Any) -> Any:
        for token in ids:
            if should_stop():
                return
            yield token

    return AnswerStream(produce, tokenizer, stops or ("</s>", "USER:"), prompt_tokens=0)


def test_streamed_pieces_join_to_the_blocking_answer(view: View) -> None:
    pieces = list(view.stream(QUESTION, [box(0, 0, 20, 20)]))
    assert len(pieces) > 1
    assert "".join(pieces) == view.ask(QUESTION, [box(0, 0, 20, 20)])


def test_a_view_is_not_changed_by_questions(view: View) -> None:
    first = view.ask(QUESTION, [box(0, 0, 20, 20)])
    view.ask("and <region2>?", [box(1, 1, 5, 5), box(30, 10, 60, 40)], history=[(QUESTION, "a")])
    assert view.ask(QUESTION, [box(0, 0, 20, 20)]) == first


def test_the_answer_depends_on_region_and_picture(model: Osprey, view: View) -> None:
    """With random weights, looked at through the tokens of regions."""
    here, there = box(0, 0, 20, 20), box(40, 20, 80, 48)
    other = model.open(picture(1))
    at_here, at_there = (view._region_tokens(mask, view.encoding) for mask in (here, there))
    elsewhere = other._region_tokens(here, other.encoding)
    assert not torch.equal(at_here.mask, at_there.mask)
    assert not torch.equal(at_here.pos, at_there.pos)
    assert not torch.equal(at_here.mask, elsewhere.mask)
    assert torch.equal(at_here.pos, elsewhere.pos)  # shape and place alone


@pytest.mark.parametrize("off", [["mask"], ["pos"], ["mask", "pos"]])
def test_switching_a_region_token_off_zeroes_that_token_alone(view: View, off: list) -> None:
    whole = view._region_tokens(box(0, 0, 20, 20), view.encoding)
    ablated = view._region_tokens(box(0, 0, 20, 20), view.encoding, without=off)
    for name, before, after in zip(("mask", "pos"), whole, ablated, strict=True):
        assert torch.equal(after, torch.zeros_like(before) if name in off else before)
        assert before.any()


def test_forward_and_the_engine_agree(model: Osprey, view: View) -> None:
    """The plain forward pass and the step-by-step decode choose the same first token."""
    from osprey_core.model.preprocess import image_to_tensor

    mask = box(5, 5, 30, 40)
    prompt = model.prompts.conversation(QUESTION, 1)
    with torch.inference_mode():
        logits = model.network(
            torch.tensor([prompt.ids]), image_to_tensor(picture(), 64)[None], [torch.from_numpy(mask)[None]]
        )
    stream = view.stream(QUESTION, [mask], max_new_tokens=1)
    assert "".join(stream) == tiny_tokenizer().decode([int(logits[0, -1].argmax())]).strip()
    assert stream.prompt_tokens == logits.shape[1]


def test_threads_sharing_a_model_get_their_own_answers(model: Osprey) -> None:
    jobs = [(seed, box(seed, seed, 30 + seed, 20 + seed)) for seed in range(8)]

    def answer(job: tuple[int, np.ndarray]) -> str:
        return model.open(picture(job[0])).ask(QUESTION, [job[1]], temperature=1.0, seed=job[0])

    alone = [answer(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answer, jobs * 2))
    assert together == alone * 2


def test_stop_ends_the_answer_and_keeps_what_was_written(view: View) -> None:
    whole = view.ask(QUESTION, [box(0, 0, 20, 20)], temperature=1.0, seed=3)
    stream = view.stream(QUESTION, [box(0, 0, 20, 20)], temperature=1.0, seed=3)
    pieces = [next(iter(stream))]
    threading.Thread(target=stream.stop).start()
    while not stream._stop.is_set():
        pass
    pieces += list(stream)
    assert stream.finish_reason == "stopped"
    assert whole.startswith("".join(pieces))
    assert stream.new_tokens < 24


def test_seed_decides_sampling_and_temperature_zero_ignores_it(view: View) -> None:
    regions = [box(0, 0, 20, 20)]
    sampled = {view.ask(QUESTION, regions, temperature=1.0, seed=seed) for seed in range(5)}
    assert len(sampled) == 5
    assert view.ask(QUESTION, regions, temperature=1.0, seed=1) == view.ask(QUESTION, regions, temperature=1.0, seed=1)
    assert view.ask(QUESTION, regions, seed=1) == view.ask(QUESTION, regions, seed=2)


def test_a_tiny_nucleus_is_greedy(view: View) -> None:
    regions = [box(0, 0, 20, 20)]
    assert view.ask(QUESTION, regions, temperature=2.0, top_p=1e-6, seed=5) == view.ask(QUESTION, regions)


def test_length_is_a_limit(view: View) -> None:
    stream = view.stream(QUESTION, [box(0, 0, 20, 20)], max_new_tokens=3)
    list(stream)
    assert stream.new_tokens <= 3
    assert stream.finish_reason in ("length", "eos")


def test_an_answer_ends_at_the_end_of_sequence_id() -> None:
    tokenizer = tiny_tokenizer()
    stream = stream_of([*tokenizer.encode_piece("the sea"), 2, *tokenizer.encode_piece("more")])
    assert "".join(stream) == "the sea"
    assert stream.finish_reason == "eos"


@pytest.mark.parametrize(
    ("written", "shown", "reason"),
    [
        ("a dog</s> and more", "a dog", "stop_string"),
        ("a dog.\nUSER: what else", "a dog.", "stop_string"),
        ("a dog USE", "a dog USE", "length"),
        ("x < y </ z", "x < y </ z", "length"),
        ("trailing space  ", "trailing space", "length"),
        ("</s>", "", "stop_string"),
        ("描述 🙂!", "描述 🙂!", "length"),
    ],
)
def test_answers_end_at_stop_strings_and_show_no_part_of_them(written: str, shown: str, reason: str) -> None:
    stream = stream_of(written)
    pieces = list(stream)
    assert "".join(pieces) == shown
    assert stream.finish_reason == reason
    assert not any("\ufffd" in piece for piece in pieces)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["", "</s>", "USER:"]), st.text(max_size=10))
def test_streaming_any_text_equals_cutting_it_at_the_stop(text: str, stop: str, rest: str) -> None:
    written = text + stop + rest
    cut = min((written.find(s) for s in ("</s>", "USER:") if s in written), default=len(written))
    assert "".join(stream_of(written)) == written[:cut].strip()


def test_text_is_held_back_no_longer_than_needed() -> None:
    tokenizer = tiny_tokenizer()
    text = AnswerText(tokenizer, ("</s>",))
    assert [text.feed(token) for token in tokenizer.spell("ab<c")] == ["a", "b", "", "<c"]


HISTORY = [(f"what is <region1> {number}", "the answer is long " * 3) for number in range(12)]


def test_a_full_context_leaves_out_the_oldest_turns_and_says_so() -> None:
    view = tiny_osprey(context=512).open(picture())
    stream = view.stream(QUESTION, [box(0, 0, 20, 20)], history=HISTORY)
    answer = "".join(stream)
    assert 0 < stream.trimmed_turns < len(HISTORY)
    assert stream.prompt_tokens + 24 <= 512
    kept = HISTORY[stream.trimmed_turns :]
    assert view.ask(QUESTION, [box(0, 0, 20, 20)], history=kept) == answer


def test_kept_turns_mean_the_same_regions_when_older_ones_are_left_out() -> None:
    model = tiny_osprey()
    turns = [Turn("what is this?", "a cat.", 1, about=(1,)), Turn("what is this?", "a dog.", 2, about=(2,))]
    whole = model.prompts.conversation("its colour?", 2, turns, about=(2,))
    trimmed = model.prompts.conversation("its colour?", 2, turns[1:], about=(2,))
    assert whole.regions == (0, 1)
    assert trimmed.regions == (1,)
    assert trimmed.ids[-20:] == whole.ids[-20:]


def test_a_question_about_nothing_shows_no_region(view: View, model: Osprey) -> None:
    assert model.prompts.conversation("is there a dog?", 2, about=()).regions == ()
    assert model.prompts.conversation("is there a dog?", 2).regions == (0, 1)
    with pytest.raises(InputError, match="is about <region3>, but only 1 region is given"):
        view.ask("what is it?", [box(0, 0, 20, 20)], about=[3])


def test_a_lone_surrogate_in_a_question_is_no_crash(view: View) -> None:
    assert view.ask("what \ud83d is <region1>?", [box(0, 0, 20, 20)]) == view.ask(
        "what ? is <region1>?", [box(0, 0, 20, 20)]
    )


def test_a_question_beyond_the_context_is_explained() -> None:
    view = tiny_osprey(context=128).open(picture())
    with pytest.raises(ContextOverflowError, match="of 128 tokens"):
        view.ask("why " * 200, [])


def test_the_answer_never_outgrows_the_context() -> None:
    view = tiny_osprey(context=128).open(picture())
    stream = view.stream("why " * 5, [], max_new_tokens=10_000)
    list(stream)
    assert stream.prompt_tokens + stream.new_tokens <= 128


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.zeros((48, 80), dtype=bool), "empty"),
        (np.ones((10, 10), dtype=bool), "10"),
        (np.full((48, 80), 2, dtype=np.uint8), "0"),
        (np.ones((48, 80, 3), dtype=bool), "shape|dimension"),
    ],
)
def test_unusable_masks_are_explained(view: View, mask: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        view.ask(QUESTION, [mask])


@pytest.mark.parametrize("mask", [box(79, 47, 80, 48), box(0, 0, 80, 48)], ids=["one pixel", "everything"])
def test_extreme_masks_are_answered(view: View, mask: np.ndarray) -> None:
    assert isinstance(view.ask(QUESTION, [mask.astype(np.uint8)]), str)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"temperature": -0.1}, "temperature must be 0 or lie"),
        ({"temperature": float("nan")}, "temperature must be 0 or lie"),
        ({"temperature": 1e-40}, "temperature must be 0 or lie"),
        ({"seed": -1}, "seed must be"),
        ({"top_p": 0.0}, "top_p must lie"),
        ({"max_new_tokens": 0}, "max_new_tokens must be"),
    ],
)
def test_unusable_settings_are_explained(view: View, setting: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        view.ask(QUESTION, [box(0, 0, 9, 9)], **setting)


def test_describe_still_knows_its_regions_by_their_old_name(model: Osprey, view: View) -> None:
    masks = [box(0, 0, 20, 20), box(40, 10, 70, 40)]
    want = dict(view.describe(regions=masks, max_new_tokens=3))
    with pytest.deprecated_call(match="regions"):
        assert dict(view.describe(masks=masks, max_new_tokens=3)) == want
    with pytest.deprecated_call(match="regions"):
        assert model.describe(picture(), masks=masks, max_new_tokens=3) == [want[0], want[1]]
    wrong: list[dict[str, Any]] = [{}, {"regions": masks, "masks": masks}]
    for arguments in wrong:
        with pytest.raises(TypeError, match="regions"):
            view.describe(**arguments)


def test_describe_answers_per_mask_with_the_published_questions(model: Osprey, view: View) -> None:
    masks = [box(0, 0, 20, 20), box(40, 10, 70, 40)]
    texts = model.describe(picture(), masks, style="category")
    question = "What is the category of <region1>? Using only one word or phrase."
    assert texts == [view.ask(question, [mask]) for mask in masks]
    with pytest.raises(InputError, match="style must be"):
        model.describe(picture(), masks, style="haiku")


@pytest.mark.parametrize("device", ["quantum", "cuda:99", "meta"])
def test_unusable_devices_are_explained(device: str) -> None:
    with pytest.raises(InputError, match="device"):
        resolve_device(device)


def test_precision_suits_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_dtype("auto", torch.device("cpu")) is torch.float32
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert resolve_dtype("auto", torch.device("cuda")) is torch.bfloat16
    # Cards that only emulate bfloat16 say that they support it unless asked precisely.
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert resolve_dtype("auto", torch.device("cuda")) is torch.float16
    with pytest.raises(InputError, match="no precision 'int3'"):
        resolve_dtype("int3", torch.device("cpu"))


def test_a_network_says_which_counts_differ(model: Osprey) -> None:
    network = model.network
    ids = torch.tensor([[1, -200, network.config.mask_token_id, network.config.pos_token_id]])
    pixels = torch.zeros(1, 3, 64, 64)
    with pytest.raises(ValueError, match="1 <mask> positions, but 2 tokens"):
        network(ids, pixels, [torch.ones(2, 48, 80)])
    with pytest.raises(ValueError, match="Every row must hold the picture once"):
        network(torch.tensor([[1, -200, -200, 5]]), pixels, [torch.ones(0, 48, 80)])
    with pytest.raises(ValueError, match="1 pictures were encoded, but masks were given for 2"):
        network.mask_extractor(network.encode_image(pixels)[1], [torch.ones(1, 8, 8)] * 2)


def test_sampling_checks_itself() -> None:
    with pytest.raises(InputError):
        SamplingSettings(max_new_tokens=1.5)  # type: ignore[arg-type]


def test_a_prepared_picture_is_not_read_again_for_the_first_question(model: Osprey) -> None:
    here, there = model.open(picture(4)), model.open(picture(4))
    with positions_computed(model) as unprepared:
        answer = there.ask("what", [box(4, 4, 30, 20)], max_new_tokens=4)
    here.prepare()
    with positions_computed(model) as prepared:
        assert here.ask("what", [box(4, 4, 30, 20)], max_new_tokens=4) == answer
    assert unprepared[1:] == prepared


@pytest.mark.parametrize("options", [{}, {"quantize": "int8"}, {"compiled": True}])
def test_cuda_graphs_need_a_card_and_weights_as_they_are(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="CUDA graphs need an NVIDIA GPU"):
        Osprey.from_pretrained("nano", "cpu", cuda_graphs=True, **options)
