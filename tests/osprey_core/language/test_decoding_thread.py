"""Answers that are decoded together read as each would alone, whenever they come, end or fail."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues, use_prefix_attention
from osprey_core.cache.prefix_cache import cache_of
from osprey_core.errors import CheckpointError
from osprey_core.language import decoding_thread, work_thread
from osprey_core.language.core_shares import CoreShares
from osprey_core.language.decoding_thread import MOST_AHEAD, DecodingThread
from osprey_core.language.generation import decode
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.turn_order import asked_at, moment_asked
from osprey_core.language.work_thread import Waiting, WorkThread

END = 7


def small_llama(kv_heads: int = 2) -> LlamaForCausalLM:
    """Weights larger than usual, so that answers are no repetition of one token."""
    torch.manual_seed(kv_heads)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=kv_heads,
        initializer_range=0.3,
    )
    llm = LlamaForCausalLM(config).eval().requires_grad_(False)
    use_prefix_attention(llm)
    return llm


@torch.inference_mode()
def prefix_of(llm: LlamaForCausalLM, length: int) -> KeyValues:
    cache: Any = cache_of(llm.config)
    llm.model(inputs_embeds=torch.randn(1, length, 32), use_cache=True, **{CACHE_ARGUMENT: cache})
    return tuple((layer.keys, layer.values) for layer in cache.layers)


class Question(NamedTuple):
    embeds: torch.Tensor
    settings: SamplingSettings
    prefix: KeyValues | None
    read: int
    """Tokens after which its reader goes away."""


def alone(llm: LlamaForCausalLM, question: Question) -> list[int]:
    """The tokens that its reader sees, by the loop for a single answer."""
    tokens: list[int] = []
    for token in decode(llm, question.embeds, question.settings, None, question.prefix):
        tokens.append(token)
        if token == END or len(tokens) == question.read:
            break
    return tokens


@pytest.mark.parametrize("kv_heads", [4, 1])
def test_answers_of_many_read_as_each_alone(kv_heads: int) -> None:
    """Seeded arrivals, pauses, departures, pictures, lengths, temperatures; more answers than are decoded together."""
    chance, llm = random.Random(kv_heads), small_llama(kv_heads)
    prefixes = [prefix_of(llm, 20), prefix_of(llm, 20), prefix_of(llm, 33), None]
    questions = [
        Question(
            torch.randn(1, chance.randint(1, 9), 32),
            SamplingSettings(chance.choice([0.0, 0.0, 1.0]), 1.0, chance.randint(1, 50), place),
            prefixes[place % 4],
            chance.choice([3, 17, 100]),
        )
        for place in range(24)
    ]
    expected = [alone(llm, question) for question in questions]
    decoding, given = DecodingThread(llm, most_rows=6), [list[int]() for _ in questions]
    arrivals = [chance.random() * 0.05 for _ in questions]

    def ask(place: int) -> None:
        time.sleep(arrivals[place])
        question = questions[place]
        cache: Any = cache_of(llm.config)
        tokens = decoding.decode(question.embeds, question.settings, {END}, None, question.prefix, cache)
        for token in tokens:
            given[place].append(token)
            if len(given[place]) == question.read:
                break
            if place % 5 == 0:
                time.sleep(0.001)
        tokens.close()
        # It holds the prompt and all tokens that were read but the last, whatever was computed ahead.
        assert cache.get_seq_length() == question.embeds.shape[1] + len(given[place]) - 1

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert given == expected
    assert len({tuple(tokens) for tokens in given}) > 12
    assert 0 < decoding.steps < decoding.decoded


def test_an_answer_nobody_reads_pauses_and_goes_on_later() -> None:
    llm = small_llama()
    question = Question(torch.randn(1, 4, 32), SamplingSettings(max_new_tokens=60), prefix_of(llm, 9), 60)
    decoding = DecodingThread(llm)
    tokens = decoding.decode(question.embeds, question.settings, (), None, question.prefix)
    read = [next(tokens)]
    deadline = time.monotonic() + 20
    while decoding.decoded < MOST_AHEAD - 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert MOST_AHEAD - 1 <= decoding.decoded <= MOST_AHEAD
    assert [*read, *tokens] == list(decode(llm, question.embeds, question.settings, None, question.prefix))


def test_a_stop_ends_one_answer_and_no_other() -> None:
    llm, stopped = small_llama(), threading.Event()
    question = Question(torch.randn(1, 4, 32), SamplingSettings(max_new_tokens=40), None, 40)
    decoding = DecodingThread(llm)
    one = decoding.decode(question.embeds, question.settings, (), stopped.is_set)
    other = decoding.decode(question.embeds, question.settings, ())
    beginning = [next(one), next(one)]
    stopped.set()
    assert list(one) == []
    assert beginning == list(decode(llm, question.embeds, question.settings))[:2]
    assert list(other) == list(decode(llm, question.embeds, question.settings))


@pytest.fixture
def poisoned() -> Iterator[tuple[LlamaForCausalLM, list[bool]]]:
    """A model that fails on every pass of more than one row, and gives no finite logits after token 5 of one row."""
    llm, seen = small_llama(), list[bool]()

    def check(module: torch.nn.Module, arguments: Any, keywords: Any) -> None:
        rows = keywords["input_ids"].shape[0] if keywords.get("input_ids") is not None else 1
        if rows > 1:
            seen.append(True)
            raise RuntimeError("out of memory")

    handle = llm.model.register_forward_pre_hook(check, with_kwargs=True)
    yield llm, seen
    handle.remove()


def test_what_fails_together_goes_on_apart(poisoned: tuple[LlamaForCausalLM, list[bool]]) -> None:
    llm, seen = poisoned
    questions = [Question(torch.randn(1, 3 + n, 32), SamplingSettings(max_new_tokens=9), None, 9) for n in range(3)]
    expected = [list(decode(llm, question.embeds, question.settings)) for question in questions]
    decoding, given = DecodingThread(llm), [list[int]() for _ in questions]

    def ask(place: int) -> None:
        given[place] += decoding.decode(questions[place].embeds, questions[place].settings)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(3)]
    blocker = threading.Event()
    threads.append(threading.Thread(target=decoding.run, args=(lambda: blocker.wait(10),)))  # so that all wait together
    for thread in reversed(threads):
        thread.start()
    time.sleep(0.1)
    blocker.set()
    for thread in threads:
        thread.join(30)
    assert given == expected
    assert seen


def test_a_prompt_that_cannot_be_read_fails_alone() -> None:
    llm = small_llama()
    decoding, good = DecodingThread(llm), torch.randn(1, 4, 32)
    with pytest.raises(CheckpointError):
        list(decoding.decode(torch.full((1, 4, 32), float("nan")), SamplingSettings(max_new_tokens=5)))
    settings = SamplingSettings(max_new_tokens=5)
    assert list(decoding.decode(good, settings)) == list(decode(llm, good, settings))


def test_work_is_done_in_order_on_one_thread_that_ends_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_thread, "IDLE_SECONDS", 0.05)
    worker, order = WorkThread("test"), list[int]()
    threads = {worker.run(threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert worker.run(lambda: worker.run(lambda: 5)) == 5  # work may need further work
    blocker = threading.Event()
    waiting = [threading.Thread(target=worker.run, args=(lambda: blocker.wait(10),))]
    for place in range(4):
        waiting.append(threading.Thread(target=worker.run, args=(lambda place=place: order.append(place),)))
    for thread in waiting:
        thread.start()
        time.sleep(0.01)
    blocker.set()
    for thread in waiting:
        thread.join(10)
    assert order == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        worker.run(lambda: 1 / 0)
    deadline = time.monotonic() + 10
    while any(thread.name == "test" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(thread.name == "test" for thread in threading.enumerate())
    assert worker.run(lambda: 1) == 1


def queued(worker: WorkThread, count: int) -> None:
    """Wait until so many pieces of work wait."""
    deadline = time.monotonic() + 10
    while worker.waiting < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def busy(worker: WorkThread) -> Iterator[None]:
    """A thread that is kept from its work meanwhile."""
    begun, blocker = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        blocker.wait(10)

    holding = threading.Thread(target=worker.run, args=(hold,))
    holding.start()
    assert begun.wait(10)
    yield
    blocker.set()
    holding.join(10)


def test_what_was_asked_for_first_is_done_first_however_late_it_comes() -> None:
    worker, order, threads = WorkThread("test"), list[str](), list[threading.Thread]()

    def ask(name: str, moment: float | None, is_urgent: bool = False) -> None:
        with nullcontext() if moment is None else asked_at(moment):
            worker.run(lambda: order.append(name), is_urgent)

    now = time.monotonic()
    pieces: list[tuple[str, float | None, bool]] = [
        ("now", None, False),
        ("two", now - 2, False),
        ("later", now + 60, False),
        ("five", now - 5, False),
        ("short", None, True),
        ("short one", now - 1, True),
        ("two again", now - 2, False),
    ]
    with busy(worker):
        for count, (name, moment, is_urgent) in enumerate(pieces):
            threads.append(threading.Thread(target=ask, args=(name, moment, is_urgent)))
            threads[-1].start()
            queued(worker, count + 1)
    for thread in threads:
        thread.join(10)
    assert order == ["short one", "short", "five", "two", "two again", "now", "later"]
    assert now <= moment_asked() <= time.monotonic()  # of a thread that has said nothing


def test_a_question_is_read_before_what_was_asked_for_after_it_and_not_before_what_was_earlier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    llm = small_llama()
    worker, order, threads = DecodingThread(llm), list[str](), list[threading.Thread]()
    now = time.monotonic()

    def ask() -> None:
        tokens = worker.decode(torch.randn(1, 3, 32), SamplingSettings(max_new_tokens=1), asked=now - 2)
        assert len(list(tokens)) == 1
        order.append("question")

    def work(name: str, moment: float) -> None:
        with asked_at(moment):
            worker.run(lambda: order.append(name))

    def read_and_noted(*arguments: Any) -> torch.Tensor:
        order.append("read")
        return next_logits(*arguments)

    with busy(worker):
        threads += [threading.Thread(target=work, args=("after", now - 1))]
        threads += [threading.Thread(target=work, args=("before", now - 3)), threading.Thread(target=ask)]
        for thread in threads:
            thread.start()
        queued(worker, 2)
        deadline = time.monotonic() + 10
        while not worker._arrived:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        next_logits = worker.prompt_pass.next_logits
        monkeypatch.setattr(worker.prompt_pass, "next_logits", read_and_noted)
    for thread in threads:
        thread.join(10)
    assert [name for name in order if name != "question"] == ["before", "read", "after"]


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.booleans()), max_size=30))
def test_what_waits_comes_out_sorted_by_moment_and_then_as_it_came(entries: list[tuple[float, bool]]) -> None:
    waiting: Waiting[int] = Waiting()
    for place, (moment, _) in enumerate(entries):
        waiting.add(place, moment)
    gone = {place for place, (_, is_gone) in enumerate(entries) if is_gone}
    assert all(waiting.remove(place) for place in gone)
    assert not any(waiting.remove(place) for place in gone)
    left = sorted((moment, place) for place, (moment, _) in enumerate(entries) if place not in gone)
    assert waiting.oldest == (left[0][0] if left else float("inf"))
    assert [waiting.take() for _ in range(len(waiting))] == [place for _, place in left]


PROGRAM = """
import threading, time
from osprey_core.language.work_thread import WorkThread
import torch

def work():
    begun.set()
    time.sleep(0.5)
    kept.append([torch.ones(4) for _ in range(1000)])
    print("done", flush=True)

worker, begun, kept = WorkThread("test"), threading.Event(), []
threading.Thread(target=worker.run, args=(work,), daemon=True).start()
begun.wait()
"""

OUTLIVED = """
import time
from osprey_core.language import decoding_thread, work_thread
from osprey_core.language.core_shares import CoreShares

class Slow:
    def __del__(self):
        time.sleep(0.5)
        print("done", flush=True)

class Worker(work_thread.WorkThread):
    pass

work_thread.IDLE_SECONDS = 0.2
worker = Worker("test")
worker.network = Slow()
worker.run(lambda: None)
del worker  # its thread has it now, and frees it when it ends
time.sleep(0.4)
"""


@pytest.mark.parametrize("program", [PROGRAM, OUTLIVED])
def test_the_interpreter_ends_after_what_threads_are_doing(program: str) -> None:
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (found.stdout, found.returncode) == ("done\n", 0), found.stderr


def test_a_closed_thread_has_ended_and_work_is_done_by_who_asks() -> None:
    worker = WorkThread("closed")
    thread = worker.run(threading.current_thread)
    worker.close()
    assert not thread.is_alive()
    assert worker.run(threading.current_thread) is threading.current_thread()
    decoding = DecodingThread(small_llama())
    decoding.close()
    with pytest.raises(RuntimeError, match="ending"):
        list(decoding.decode(torch.randn(1, 4, 32), SamplingSettings(max_new_tokens=2)))


def test_a_reader_may_pause_for_longer_than_an_idle_thread_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_thread, "IDLE_SECONDS", 0.02)
    llm = small_llama()
    question = Question(torch.randn(1, 4, 32), SamplingSettings(max_new_tokens=60), prefix_of(llm, 9), 60)
    decoding = DecodingThread(llm)
    tokens = decoding.decode(question.embeds, question.settings, (), None, question.prefix)
    read = [next(tokens)]
    time.sleep(0.3)
    assert [*read, *tokens] == list(decode(llm, question.embeds, question.settings, None, question.prefix))
    deadline = time.monotonic() + 20
    while decoding._thread is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert decoding._thread is None, "without answers it ends all the same"


@pytest.mark.parametrize("is_small", [True, False])
def test_a_small_model_computes_on_one_core(monkeypatch: pytest.MonkeyPatch, is_small: bool) -> None:
    seen, before = list[int](), torch.get_num_threads()
    monkeypatch.setattr(work_thread, "CORES", CoreShares(2))
    monkeypatch.setattr(decoding_thread, "_SMALL_BYTES", 2**26 if is_small else 1)
    try:
        DecodingThread(small_llama()).run(lambda: seen.append(torch.get_num_threads()))
    finally:
        torch.set_num_threads(before)
    assert seen == [1 if is_small else 2]


def test_a_failure_that_costs_the_rows_ends_their_answers_and_no_later_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = small_llama()
    question = Question(torch.randn(1, 4, 32), SamplingSettings(max_new_tokens=60), None, 60)
    decoding = DecodingThread(llm)
    real, failures = decoding._token_step.next_logits, [RuntimeError("out of memory")]

    def next_logits(*given: Any) -> torch.Tensor:
        if failures:
            raise failures.pop()
        return real(*given)

    def own(*_: Any) -> None:
        raise RuntimeError("out of memory once more")

    monkeypatch.setattr(decoding._token_step, "next_logits", next_logits)
    monkeypatch.setattr(decoding._shared, "own", own)
    with pytest.raises(RuntimeError, match="out of memory once more"):
        list(decoding.decode(question.embeds, question.settings))
    assert list(decoding.decode(question.embeds, question.settings)) == list(
        decode(llm, question.embeds, question.settings)
    )
