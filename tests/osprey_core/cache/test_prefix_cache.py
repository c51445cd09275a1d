"""What is kept between questions: it changes no answer, saves the work it should, and stays within its budget."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.baseline import ask as ask_uncached
from osprey_core import InputError, Osprey, View
from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues, use_prefix_attention
from osprey_core.cache.prefix_cache import CacheBudget, PrefixCache, cache_of, common_length, tensor_bytes
from osprey_core.language.generation import DecodedRows, decode
from osprey_core.language.prompts import Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import RegionToken
from tests.tiny import positions_computed, tiny_osprey

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


HERE, THERE = box(0, 0, 20, 20), box(40, 10, 70, 40)


# --- the same answers ------------------------------------------------------------------------------------------------


def test_a_conversation_reads_as_if_nothing_were_kept(model: Osprey) -> None:
    """Ten turns, two regions, then the last question again, then a question in the middle put differently."""
    view = model.open(picture())
    history: list[Turn] = []
    for number in range(10):
        question = f"{number} what about <region{number % 2 + 1}>"
        regions = [HERE, THERE]
        answer = view.ask(question, regions, history)
        assert answer == ask_uncached(model, picture(), question, regions, history)
        history.append(Turn(question, answer))
    again = history[-1]
    assert view.ask(again.question, [HERE, THERE], history[:-1]) == again.answer
    other = [*history[:4], Turn("something else <region2>", "yes"), *history[5:]]
    assert view.ask("and now", [HERE, THERE], other) == ask_uncached(model, picture(), "and now", [HERE, THERE], other)


def test_a_mask_behind_the_same_words_is_another_prompt(model: Osprey) -> None:
    """Refined by one pixel, or with a token switched off, in this turn or in an earlier one."""
    view = model.open(picture())
    refined = HERE.copy()
    refined[20:40, 20:60] = True
    history = [Turn(QUESTION, "a thing", 1)]
    for mask in (HERE, refined, THERE, HERE):
        for turns in ([], history):
            choices: list[list[RegionToken]] = [[], ["mask"], ["pos"], ["mask", "pos"]]
            for without in choices:
                want = ask_uncached(model, picture(), QUESTION, [mask], turns, without=without)
                assert view.ask(QUESTION, [mask], turns, without=without) == want


@pytest.mark.parametrize("answer_end", ["eos", "text"])
def test_an_answer_stopped_anywhere_leaves_a_sound_cache(answer_end: str) -> None:
    model = tiny_osprey(answer_end=answer_end)
    view = model.open(picture())
    for stop_after in range(5):
        stream = view.stream(QUESTION, [HERE])
        pieces = iter(stream)
        for _ in range(stop_after):
            next(pieces)
        stream.stop()
        said = "".join(pieces)
        history = [Turn(QUESTION, said or "nothing")]
        want = ask_uncached(model, picture(), "go on", [HERE], history)
        assert view.ask("go on", [HERE], history) == want


def test_a_failure_in_mid_pass_leaves_a_sound_cache() -> None:
    model = tiny_osprey()
    view = model.open(picture())
    head = model.network.llm.lm_head
    calls = []

    def fail_once(module: torch.nn.Module, inputs: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("out of memory")

    head.register_forward_pre_hook(fail_once)
    with pytest.raises(RuntimeError, match="out of memory"):
        view.ask(QUESTION, [HERE])
    assert view.ask(QUESTION, [HERE]) == ask_uncached(model, picture(), QUESTION, [HERE])


def test_ten_people_with_mixed_pictures_get_their_own_answers(model: Osprey) -> None:
    views = [model.open(picture(seed)) for seed in range(3)]
    jobs = [(seed % 3, box(seed, seed, 30 + seed, 20 + seed)) for seed in range(10)]

    def talk(job: tuple[int, np.ndarray]) -> list[str]:
        place, mask = job
        history: list[Turn] = []
        for question in (QUESTION, "and its colour", QUESTION):
            history.append(Turn(question, views[place].ask(question, [mask], history)))
        return [turn.answer for turn in history]

    def talk_uncached(job: tuple[int, np.ndarray]) -> list[str]:
        history: list[Turn] = []
        for question in (QUESTION, "and its colour", QUESTION):
            answer = ask_uncached(model, picture(job[0]), question, [job[1]], history)
            history.append(Turn(question, answer))
        return [turn.answer for turn in history]

    with ThreadPoolExecutor(10) as pool:
        together = list(pool.map(talk, jobs))
    assert together == [talk_uncached(job) for job in jobs]


def test_kept_tensors_are_never_written_to(model: Osprey) -> None:
    view = model.open(picture())
    view.ask(QUESTION, [HERE])
    kept = [one for one in (*view._cache._parts.values(), *(c.kept for c in view._cache._conversations)) if one.value]
    before = [[tensor.clone() for tensor in tensors_in(one.value)] for one in kept]
    view.ask(QUESTION, [THERE])
    view.ask("more", [HERE], [(QUESTION, "a")])
    dict(view.describe([HERE, THERE, HERE], batch_size=2))
    for one, copies in zip(kept, before, strict=True):
        if one.value is not None:
            assert all(map(torch.equal, tensors_in(one.value), copies))


def tensors_in(value: object) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [tensor for one in values for tensor in tensors_in(one)]  # type: ignore[attr-defined]


# --- the work that is saved ------------------------------------------------------------------------------------------


def test_the_picture_is_prefilled_once(model: Osprey) -> None:
    prefix = model.prompts.conversation("x", 0).ids.index(-200)
    image_tokens = model.network.config.vision.image_token_count
    view = model.open(picture())
    with positions_computed(model) as lengths:
        view.ask(QUESTION, [HERE], max_new_tokens=1)
        assert lengths[0] == prefix + image_tokens
        first = lengths[1]
        assert len(lengths) == 2
        view.ask(QUESTION, [THERE], max_new_tokens=1)
        assert len(lengths) == 3
        assert lengths[2] <= first  # from the region's tokens on


def test_a_next_turn_prefills_only_what_is_new(model: Osprey) -> None:
    view = model.open(picture())
    answer = view.ask(QUESTION, [HERE], max_new_tokens=8)
    history = [Turn(QUESTION, answer, 1)]
    whole = len(model.prompts.conversation("its colour", 1, history).ids)
    before = len(model.prompts.conversation(QUESTION, 1).ids)
    with positions_computed(model) as lengths:
        view.ask("its colour", [HERE], history, max_new_tokens=1)
    assert len(lengths) == 1
    assert lengths[0] <= whole - before


def test_the_same_question_again_computes_one_position(model: Osprey) -> None:
    view = model.open(picture())
    view.ask(QUESTION, [HERE])
    with positions_computed(model) as lengths:
        view.ask(QUESTION, [HERE], max_new_tokens=1)
    assert lengths == [1]


def test_a_conversation_takes_its_space_once(model: Osprey) -> None:
    view = model.open(picture())
    history: list[Turn] = []
    for number in range(5):
        question = f"{number} what is <region1>"
        history.append(Turn(question, view.ask(question, [HERE], history, max_new_tokens=4)))
    assert len(view._cache._conversations) == 1


def test_two_who_ask_first_at_once_prefill_the_picture_once() -> None:
    model = tiny_osprey()
    view = model.open(picture())
    start = threading.Barrier(4)

    def talk(number: int) -> str:
        start.wait()
        return view.ask(f"{number} hello", max_new_tokens=1)

    with positions_computed(model) as lengths, ThreadPoolExecutor(4) as pool:
        list(pool.map(talk, range(4)))
    assert len(lengths) == 5


# --- the budget ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("megabytes", [0, 0.05, 0.3, 1])
def test_a_small_budget_changes_no_answer_and_is_kept(megabytes: float) -> None:
    model = tiny_osprey()
    model.cache.max_bytes = int(megabytes * 2**20)
    views = [model.open(picture(seed)) for seed in range(3)]
    for _ in range(2):
        for seed, view in enumerate(views):
            assert view.ask(QUESTION, [HERE]) == ask_uncached(model, picture(seed), QUESTION, [HERE])
            assert model.cache.used_bytes <= model.cache.max_bytes
    assert sum(view._cache.memory_bytes for view in views) == model.cache.used_bytes


def test_without_a_cache_a_picture_is_encoded_once_for_each_question(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_osprey()
    model.cache.max_bytes = 0
    encode, calls = model.network.encode_image, list[int]()

    def counted(*pictures: Any) -> Any:
        calls.append(1)
        return encode(*pictures)

    monkeypatch.setattr(model.network, "encode_image", counted)
    view = model.open(picture())
    view.ask("<region1> and <region2>", [HERE, THERE], max_new_tokens=1)
    assert len(calls) == 1
    view.ask(QUESTION, [HERE], max_new_tokens=1)
    assert len(calls) == 2


def test_the_picture_used_longest_ago_is_forgotten_first() -> None:
    model = tiny_osprey()
    views = [model.open(picture(seed)) for seed in range(3)]
    for view in views:
        view.ask(QUESTION, [HERE], max_new_tokens=1)
    own = views[0]._cache.memory_bytes
    model.cache.max_bytes = model.cache.used_bytes
    views[0].ask(QUESTION, [THERE], max_new_tokens=1)
    model.open(picture(9)).ask(QUESTION, [HERE], max_new_tokens=1)
    assert views[0]._cache.memory_bytes >= own
    assert views[1]._cache.memory_bytes < own
    assert views[1].ask(QUESTION, [HERE]) == ask_uncached(model, picture(1), QUESTION, [HERE])


def test_a_part_larger_than_the_budget_drives_nothing_out() -> None:
    budget = CacheBudget(100)
    small = budget.keep((torch.zeros(10),))
    large = budget.keep((torch.zeros(1000),))
    assert large.value is None
    assert small.value is not None
    assert budget.used_bytes == 40


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(InputError, match="0 bytes or more"):
        CacheBudget(-1)


def test_memory_of_a_picture_is_reported(model: Osprey) -> None:
    view = model.open(picture())
    opened = view.memory_bytes
    encoding = view.encoding()
    assert opened == view._pixels.nbytes + tensor_bytes(encoding) < tensor_bytes((view._pixel_values, encoding))
    view.ask(QUESTION, [HERE], max_new_tokens=2)
    prompt = model.prompts.conversation(QUESTION, 1)
    positions = len(prompt.ids) - 1 + model.network.config.vision.image_token_count + 1
    language = model.network.config.language
    assert view.memory_bytes - opened == positions * 2 * language.num_hidden_layers * language.hidden_size * 4


@pytest.mark.slow
def test_five_hundred_pictures_leave_nothing_behind() -> None:
    model = tiny_osprey()
    seen = []
    for seed in range(500):
        view = model.open(picture(seed))
        view.ask(QUESTION, [HERE], max_new_tokens=1)
        seen.append(weakref.ref(view.encoding().image_tokens))
        del view
    gc.collect()
    assert model.cache.used_bytes == 0
    assert not [ref for ref in seen if ref() is not None]
    assert len(model.cache._kept) < 10


@pytest.mark.slow
def test_five_hundred_open_pictures_stay_within_the_budget() -> None:
    model = tiny_osprey()
    model.cache.max_bytes = 2 * 2**20
    views = []
    for seed in range(500):
        views.append(model.open(picture(seed)))
        views[-1].ask(QUESTION, [HERE], max_new_tokens=1)
        assert model.cache.used_bytes <= model.cache.max_bytes
    assert sum(view._cache.memory_bytes for view in views) <= model.cache.max_bytes
    assert len(model.cache._kept) < 100


def test_a_stopped_answer_frees_what_it_decoded_with(model: Osprey, monkeypatch: pytest.MonkeyPatch) -> None:
    caches: list[weakref.ref] = []

    def noted(*arguments: object) -> object:
        cache = cache_of(*arguments)  # type: ignore[arg-type]
        caches.append(weakref.ref(cache))
        return cache

    monkeypatch.setattr("osprey_core.view.cache_of", noted)
    view = model.open(picture())
    gc.disable()  # freed by falling out of use, not by being found later
    try:
        stream = view.stream(QUESTION, [HERE])
        pieces = iter(stream)
        next(pieces)
        stream.stop()
        list(pieces)
        assert stream.finish_reason == "stopped"
        abandoned = view.stream(QUESTION, [THERE])
        unfinished = iter(abandoned)
        next(unfinished)
        unfinished.close()  # type: ignore[attr-defined]
        assert len(caches) >= 2
        assert not [ref for ref in caches if ref() is not None]
    finally:
        gc.enable()


# --- its parts -------------------------------------------------------------------------------------------------------


def filled(length: int, seed: int = 0) -> KeyValues:
    generator = torch.Generator().manual_seed(seed)
    return tuple((torch.rand(1, 2, length, 4, generator=generator), torch.rand(1, 2, length, 4)) for _ in range(1))


def test_the_longest_kept_beginning_is_recalled(model: Osprey) -> None:
    config = model.network.llm.config
    cache = PrefixCache(CacheBudget())
    for content in ("abcd", "abx", "q"):
        cache.remember(content, "", cache_of(config, filled(len(content)), len(content)))
    assert cache.recall("abcz")[0] == 3
    assert cache.recall("abxy")[0] == 3
    assert cache.recall("zzz") == (0, None)


def test_a_conversation_gives_way_to_its_continuation_only(model: Osprey) -> None:
    config = model.network.llm.config
    cache = PrefixCache(CacheBudget())

    def kept_after(prompt: str, answer: str) -> list[str]:
        length = len(prompt + answer)
        cache.remember(prompt, answer, cache_of(config, filled(length), length))
        return sorted("".join(map(str, one.content)) for one in cache._conversations)

    assert kept_after("ab", "cd") == ["abcd"]
    assert kept_after("ax", "") == ["abcd", "ax"]
    assert kept_after("abc", "") == ["abcd", "ax"]  # known already
    assert kept_after("abcdef", "") == ["abcdef", "ax"]
    assert kept_after("abcdef", "gh") == ["abcdefgh", "ax"]
    assert kept_after("abcdefxy", "z") == ["abcdefxyz", "ax"]  # the answer reads differently now


def test_only_what_the_cache_holds_is_remembered(model: Osprey) -> None:
    cache = PrefixCache(CacheBudget())
    cache.remember("abcd", "ef", cache_of(model.network.llm.config, filled(6), 4))
    assert cache.recall("abcdef")[0] == 4


@pytest.mark.parametrize(("one", "other", "length"), [("", "a", 0), ("abc", "abd", 2), ("ab", "abc", 2), ("x", "y", 0)])
def test_common_length(one: str, other: str, length: int) -> None:
    assert common_length(one, other) == length


def small_llama(kv_heads: int) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=kv_heads,
    )
    return LlamaForCausalLM(config).eval().requires_grad_(False)


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("known", [0, 3])
def test_a_shared_prefix_is_attended_to_as_if_it_were_the_rows_own(kv_heads: int, known: int) -> None:
    """Also with grouped heads, and with prompts long enough to be computed in slices."""
    torch.manual_seed(0)
    llm = small_llama(kv_heads)
    embeds = torch.randn(1, 700 + known + 600, 32)
    with torch.inference_mode():
        want = list(decode(llm, embeds, SamplingSettings(max_new_tokens=6)))
        use_prefix_attention(llm)
        assert list(decode(llm, embeds, SamplingSettings(max_new_tokens=6))) == want
        cache: Any = cache_of(llm.config)
        llm.model(inputs_embeds=embeds[:, : 700 + known], use_cache=True, **{CACHE_ARGUMENT: cache})
        prefix = tuple((layer.keys[:, :, :700], layer.values[:, :, :700]) for layer in cache.layers)
        own = tuple((layer.keys[:, :, 700:], layer.values[:, :, 700:]) for layer in cache.layers)
        begun = cache_of(llm.config, own, known)
        assert (
            list(decode(llm, embeds[:, 700 + known :], SamplingSettings(max_new_tokens=6), None, prefix, begun)) == want
        )


@pytest.mark.parametrize("with_prefix", [True, False])
def test_rows_of_different_lengths_decode_as_each_alone(with_prefix: bool) -> None:
    torch.manual_seed(1)
    llm = small_llama(kv_heads=2)
    use_prefix_attention(llm)
    start = torch.randn(1, 20, 32)
    prompts = [torch.randn(length, 32) for length in (3, 9, 1, 6)]
    with torch.inference_mode():
        cache: Any = cache_of(llm.config)
        llm.model(inputs_embeds=start, use_cache=True, **{CACHE_ARGUMENT: cache})
        prefix = tuple((layer.keys, layer.values) for layer in cache.layers) if with_prefix else None
        whole = [torch.cat([start[0], p])[None] if with_prefix else p[None] for p in prompts]
        want = [list(decode(llm, one, SamplingSettings(max_new_tokens=10))) for one in whole]
    rows = DecodedRows(llm, prompts, [SamplingSettings()] * 4, prefix)
    got: list[list[int]] = [[] for _ in prompts]
    for step in range(10):
        for row, token in rows.step().items():
            got[row].append(token)
            if row == 1 and step == 4:
                rows.end(row)
    assert got == [want[0], want[1][:5], want[2], want[3]]


# --- describing many -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_many_regions_read_as_each_alone(model: Osprey, batch_size: int) -> None:
    view = model.open(picture())
    masks = [box(3 * n, 2 * n, 3 * n + 12, 2 * n + 9) for n in range(10)]
    question = "Please give me a short description of <region1>. Using a short phrase."
    alone = [ask_uncached(model, picture(), question, [mask]) for mask in masks]
    found = list(view.describe(masks, batch_size=batch_size))
    assert sorted(place for place, _ in found) == list(range(10))
    assert [dict(found)[place] for place in range(10)] == alone == [view.ask(question, [mask]) for mask in masks]
    assert model.describe(picture(), masks, batch_size=batch_size) == alone


def test_sampled_descriptions_read_as_each_alone(model: Osprey) -> None:
    view = model.open(picture())
    settings: dict[str, Any] = {"temperature": 0.8, "seed": 7, "max_new_tokens": 12}
    question = "Can you give me a detailed description of <region1>?"
    alone = [view.ask(question, [mask], **settings) for mask in (HERE, THERE)]
    assert [text for _, text in sorted(view.describe([HERE, THERE], "detailed", **settings))] == alone


def test_descriptions_come_as_they_are_ready(model: Osprey) -> None:
    view = model.open(picture())
    view.ask("warm", max_new_tokens=1)
    with positions_computed(model) as lengths:
        answers = view.describe([HERE, THERE] * 4, batch_size=2, max_new_tokens=3)
        assert lengths == []
        next(answers)
        assert len(lengths) <= 3
        answers.close()  # type: ignore[attr-defined]
        assert len(lengths) <= 3


def test_no_regions_are_no_descriptions(model: Osprey) -> None:
    assert model.describe(picture(), []) == []


def test_descriptions_that_cannot_be_made_are_explained_at_once(model: Osprey) -> None:
    view: View = model.open(picture())
    with pytest.raises(InputError, match="style must be"):
        view.describe([HERE], style="haiku")
    with pytest.raises(InputError, match="batch_size must be"):
        view.describe([HERE], batch_size=0)
    with pytest.raises(InputError, match="empty"):
        view.describe([HERE, np.zeros((48, 80), bool)])
