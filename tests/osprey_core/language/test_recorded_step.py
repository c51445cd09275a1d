"""Recorded steps give the logits and the answers of steps that are computed anew, whatever rows come and go."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
import torch
from transformers import LlamaForCausalLM

from osprey_core.cache.prefix_attention import KeyValues
from osprey_core.cache.row_states import RowStates
from osprey_core.language import recorded_step, weight_products
from osprey_core.language.decoding_thread import MOST_ROWS, DecodingThread
from osprey_core.language.generation import decode
from osprey_core.language.llama_layers import LlamaLayers
from osprey_core.language.prompt_pass import PromptPass
from osprey_core.language.recorded_step import RecordedSteps, Recorder
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.token_step import TokenStep
from tests.step_recorder import StepRecorder
from tests.tiny import tiny_llama


@pytest.fixture(autouse=True)
def _products_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU no product is numpy's, and what numpy does is not seen by the recorder."""
    monkeypatch.setattr(weight_products, "NUMPY_IS_SERIAL", False)


def llama(kv_heads: int = 2) -> LlamaForCausalLM:
    return tiny_llama(num_key_value_heads=kv_heads)


def recording(llm: LlamaForCausalLM, record: Recorder, most_rows: int = MOST_ROWS) -> DecodingThread:
    decoding = DecodingThread(llm, most_rows)
    decoding.record_steps(record)
    return decoding


def key_values(llm: LlamaForCausalLM, length: int) -> KeyValues:
    """Of `length` positions without meaning."""
    return PromptPass(llm).beginning(torch.randn(length, llm.config.hidden_size))


@pytest.mark.parametrize("kv_heads", [1, 2])
def test_logits_are_those_of_steps_computed_anew(kv_heads: int) -> None:
    llm, recorder = llama(kv_heads), StepRecorder()
    layers = LlamaLayers(llm)
    layers.prepare()
    recorded, usual, shared = RecordedSteps(llm, layers, recorder, rows=4), TokenStep(llm, layers), RowStates()
    assert recorded.takes(4, 100)
    fixed = recorded.states
    assert fixed is not None
    prefixes = [key_values(llm, 20), None, key_values(llm, 31)]

    def step(tokens: list[int]) -> None:
        shared.begin_step()
        expected = usual.next_logits(shared, tokens)
        found = recorded.next_logits(tokens)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        shared.end_step()
        fixed.end_step()

    chance = random.Random(kv_heads)
    for turn in range(30):
        if len(shared) < 4 and (turn % 3 == 0 or not len(shared)):
            prefix, own = chance.choice(prefixes), key_values(llm, chance.randint(1, 7))
            shared.add(prefix, own)
            fixed.add(prefix, own)
        elif turn % 7 == 0:
            place = chance.randrange(len(shared))
            shared.remove(place)
            fixed.remove(place)
            fixed.stored[:, len(fixed)] = float("nan")  # what a row leaves behind is no other's
            if not len(shared):
                continue
        step([chance.randrange(llm.config.vocab_size) for _ in range(len(shared))])
        assert fixed.positions == shared.positions
    for place in range(len(shared)):
        for (keys, values), (other_keys, other_values) in zip(
            fixed.own(place, fixed.length(place)), shared.own(place, shared.length(place)), strict=True
        ):
            torch.testing.assert_close(keys, other_keys, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(values, other_values, atol=1e-5, rtol=1e-5)
    assert recorder.recorded == 3, "one for one, two and four rows each"
    assert recorder.replayed >= 25


def answers(llm: LlamaForCausalLM, decoding: DecodingThread, seed: int) -> tuple[list[list[int]], list[list[int]]]:
    """Ten answers, the first one alone and the others at the same time, and all by the loop for one answer."""
    chance = random.Random(seed)
    prefixes = [key_values(llm, 20), key_values(llm, 20), key_values(llm, 33), None]
    asked = [
        (
            torch.randn(1, chance.randint(1, 9), llm.config.hidden_size),
            SamplingSettings(chance.choice([0.0, 0.0, 1.0]), 1.0, chance.randint(2, 40), place),
            prefixes[place % 4],
        )
        for place in range(10)
    ]
    given: list[list[int]] = [[] for _ in asked]

    def ask(place: int) -> None:
        embeds, settings, prefix = asked[place]
        given[place] += decoding.decode(embeds, settings, (), None, prefix)

    ask(0)
    is_busy, may_begin = threading.Event(), threading.Event()

    def keep_busy() -> None:
        is_busy.set()
        may_begin.wait(60)

    threads = [threading.Thread(target=decoding.run, args=(keep_busy,))]
    threads += [threading.Thread(target=ask, args=(place,)) for place in range(1, len(asked))]
    threads[0].start()
    assert is_busy.wait(60)
    for thread in threads[1:]:
        thread.start()
    deadline = time.monotonic() + 60
    while len(decoding._arrived) < len(asked) - 1 and time.monotonic() < deadline:
        time.sleep(0.001)
    may_begin.set()
    for thread in threads:
        thread.join(60)
    return given, [list(decode(llm, embeds, settings, None, prefix)) for embeds, settings, prefix in asked]


def test_answers_read_as_without_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row, a few that are recorded, more than are: they move from one kind of memory to the other."""
    monkeypatch.setattr(recorded_step, "POSITIONS_AT_A_TIME", 32)
    llm, recorder = llama(), StepRecorder()
    decoding = recording(llm, recorder, most_rows=6)
    given, expected = answers(llm, decoding, 1)
    assert given == expected
    assert recorder.recorded >= 2
    assert 0 < recorder.replayed < decoding.steps, "some steps have more rows than are recorded"


def test_what_cannot_be_recorded_is_computed_as_without(caplog: pytest.LogCaptureFixture) -> None:
    def fail(step: Callable[[], torch.Tensor], device: torch.device) -> Callable[[], torch.Tensor]:
        raise RuntimeError("operation not permitted when stream is capturing")

    llm = llama()
    given, expected = answers(llm, recording(llm, fail), 2)
    assert given == expected
    assert [record.message for record in caplog.records if "cannot be recorded" in record.message] == [
        "Decoding steps cannot be recorded here (operation not permitted when stream is capturing); "
        "they are computed as without."
    ]


def test_a_failure_to_move_rows_costs_the_answer_that_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = llama()
    decoding = recording(llm, StepRecorder())
    decoding._recorded = RecordedSteps(llm, decoding._layers, StepRecorder(), rows=1)
    settings, embeds = SamplingSettings(max_new_tokens=40), torch.randn(3, 1, 3, llm.config.hidden_size)
    first = decoding.decode(embeds[0], settings)
    read, real, failures = [next(first)], decoding._shared.add, [RuntimeError("out of memory")]

    def add(prefix: KeyValues | None, own: KeyValues) -> None:
        if failures:
            raise failures.pop()
        real(prefix, own)

    monkeypatch.setattr(decoding._shared, "add", add)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(decoding.decode(embeds[1], settings))
    third = list(decoding.decode(embeds[2], settings))
    assert [*read, *first] == list(decode(llm, embeds[0], settings))
    assert third == list(decode(llm, embeds[2], settings))


def test_no_memory_for_rows_that_stay_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(recorded_step, "FixedRows", fail)
    llm, recorder = llama(), StepRecorder()
    given, expected = answers(llm, recording(llm, recorder), 4)
    assert given == expected
    assert recorder.recorded == 0
    assert "out of memory" in caplog.text


def test_an_answer_that_may_become_too_long_is_not_recorded() -> None:
    llm, recorder = llama(), StepRecorder()
    decoding = recording(llm, recorder)
    settings = SamplingSettings(max_new_tokens=llm.config.max_position_embeddings)
    tokens = decoding.decode(torch.randn(1, 3, llm.config.hidden_size), settings)
    assert [next(tokens), next(tokens)]
    tokens.close()
    assert recorder.recorded == 0


def test_weights_in_other_memory_are_recorded_anew() -> None:
    llm, recorder = llama(), StepRecorder()
    decoding, settings = recording(llm, recorder), SamplingSettings(max_new_tokens=6)
    embeds, prefix = torch.randn(1, 3, llm.config.hidden_size), key_values(llm, 9)
    before = list(decoding.decode(embeds, settings, (), None, prefix))
    with torch.no_grad():
        head = llm.lm_head.weight
        head.data = head.flip(0).clone()
    after = list(decoding.decode(embeds, settings, (), None, prefix))
    assert after == list(decode(llm, embeds, settings, None, prefix)) != before
    assert recorder.recorded == 2


@pytest.mark.parametrize("change", ["hook", "foreign linear"])
def test_a_model_that_somebody_steps_into_is_not_recorded(change: str) -> None:
    llm, recorder = llama(), StepRecorder()
    if change == "hook":
        llm.model.layers[0].register_forward_hook(lambda *_: None)
    else:
        llm.model.layers[0].mlp.down_proj.register_forward_hook(lambda *_: None)
    given, expected = answers(llm, recording(llm, recorder), 3)
    assert given == expected
    assert recorder.recorded == 0
