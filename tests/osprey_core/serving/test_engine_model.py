"""An Osprey in two parts answers as one in a piece, whoever decodes; what goes wrong between them is told."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from osprey_core.engine import Osprey
from osprey_core.errors import CheckpointError, InputError, OspreyError
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.language.turn_order import asked_at, moment_asked
from osprey_core.runtime.choices import engine_addresses
from osprey_core.serving.engine_model import EngineModel, EngineView, drop_language_layers
from osprey_core.serving.export import export_language_models
from osprey_core.serving.loading import with_engine
from osprey_core.serving.local_engine import LocalEngine
from osprey_core.serving.split_view import SplitView
from osprey_core.serving.vllm_engine import VLLMEngine
from osprey_core.serving.vllm_server import VLLMServer
from tests import fakes
from tests.osprey_core.serving.vllm_stand_in import StandIn, vllm_server
from tests.tiny import tiny_osprey

PICTURE = np.array(fakes.picture())
RED, BLUE = fakes.shape("red"), fakes.shape("blue")
HISTORY = [Turn("What is <region1>?", "A red thing.", 1)]


@pytest.fixture(scope="module")
def whole() -> Osprey:
    return tiny_osprey()


@pytest.fixture(scope="module")
def split() -> EngineModel:
    model = tiny_osprey()
    engine = LocalEngine(model.network.llm)
    vision = tiny_osprey()
    drop_language_layers(vision.network)
    return EngineModel(vision, [engine])


@pytest.fixture(scope="module")
def exported(whole: Osprey, tmp_path_factory: pytest.TempPathFactory) -> LlamaForCausalLM:
    (folder,) = export_language_models(whole, tmp_path_factory.mktemp("language") / "llama")
    return LlamaForCausalLM.from_pretrained(folder).eval()


@pytest.fixture
def server(exported: LlamaForCausalLM) -> Iterator[StandIn]:
    with vllm_server(exported) as state:
        yield state


def of_server(server: StandIn) -> EngineModel:
    """A model whose language model is behind the server."""
    model = with_engine(tiny_osprey(), f"vllm:{server.address}")
    assert isinstance(model, EngineModel)
    return model


def test_the_working_folder_can_be_exported_into(
    whole: Osprey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osprey_core.serving.export.export_language_model", lambda llm, tokenizer, folder: None)
    (tmp_path / "llama").mkdir()
    monkeypatch.chdir(tmp_path / "llama")
    two = SimpleNamespace(networks=(whole.network, whole.network), prompts=whole.prompts)
    here, beside = tmp_path / "llama", tmp_path / "llama-photographs"
    assert export_language_models(cast(Osprey, two), Path(".")) == [here, beside]
    assert export_language_models(cast(Osprey, two), Path("new")) == [Path("new"), Path("new-photographs")]


def test_a_split_model_answers_as_a_whole_one(whole: Osprey, split: EngineModel) -> None:
    ours, theirs = split.open(PICTURE), whole.open(PICTURE)
    for settings in ({}, {"temperature": 0.8, "seed": 5}, {"max_new_tokens": 3}, {"without": ("mask",)}):
        asked = ("What are <region1> and <region2>?", [RED, BLUE], HISTORY)
        expected = theirs.stream(*asked, **settings)
        stream = ours.stream(*asked, **settings)
        assert "".join(stream) == "".join(expected)
        assert stream.finish_reason == expected.finish_reason
        assert (stream.prompt_tokens, stream.new_tokens) == (expected.prompt_tokens, expected.new_tokens)
        assert stream.settings == expected.settings
    assert dict(ours.describe([RED, BLUE])) == dict(theirs.describe([RED, BLUE]))


def test_pictures_that_are_opened_together_answer_as_alone(whole: Osprey) -> None:
    pictures = [PICTURE, PICTURE[::-1].copy(), PICTURE[:, ::-1].copy()]
    together = tiny_osprey().open_together(pictures)
    for view, picture in zip(together, pictures, strict=True):
        assert view.ask("What is <region1>?", [RED]) == whole.open(picture).ask("What is <region1>?", [RED])
    assert len({view.digest for view in together}) == 3
    assert whole.open(PICTURE).digest == together[0].digest


def test_an_answer_goes_on_after_what_was_said(whole: Osprey, split: EngineModel) -> None:
    view = whole.open(PICTURE)
    embedded = view.embed("What is <region1>?", [RED])
    ids = list(split.engines[0].decode(embedded, view.embed_beginning))
    assert len(ids) > 6
    rest = view.embed("What is <region1>?", [RED], said=ids[:5])
    assert list(split.engines[0].decode(rest, view.embed_beginning)) == ids[5:]


def test_a_picture_is_read_once(split: EngineModel) -> None:
    engine = split.engines[0]
    assert isinstance(engine, LocalEngine)
    view = split.open(PICTURE[:, ::-1].copy())
    before = engine.budget.computed
    for question in ("What is <region1>?", "And its color?"):
        view.ask(question, [RED])
    assert engine.budget.computed == before + 1


def test_a_server_gets_embeddings_and_gives_the_same_tokens(whole: Osprey, server: StandIn) -> None:
    model = of_server(server)
    for question, regions in ((QUESTIONS["short"], [RED]), ("What are <region1> and <region2>?", [RED, BLUE])):
        assert model.open(PICTURE).ask(question, regions) == whole.open(PICTURE).ask(question, regions)
    asked = server.asked[-1]
    assert (asked["path"], asked["model"], asked["authorization"]) == ("/v1/completions", "language", None)
    assert (asked["temperature"], asked["stop_token_ids"]) == (0.0, [whole.prompts.tokenizer.eos_id])
    model.close()


def test_what_a_server_does_wrong_is_told(server: StandIn) -> None:
    view = of_server(server).open(PICTURE)
    for trouble, code in (
        ({"status": 400}, "serving.vllm_refused"),
        ({"status": 401}, "serving.vllm_key"),
        ({"is_cut": True}, "serving.vllm_unreachable"),
        ({"is_silent": True}, "generation.logits_not_finite"),
        ({"tells_ids": False}, "serving.vllm_old"),
    ):
        for name, value in trouble.items():
            setattr(server, name, value)
        with pytest.raises(OspreyError) as caught:
            view.ask("What is <region1>?", [RED])
        assert caught.value.code == code
        server.status, server.is_cut, server.is_silent, server.tells_ids = 200, False, False, True
    nobody = VLLMServer(f"http://127.0.0.1:{fakes.free_port()}")
    embedded = tiny_osprey().open(PICTURE).embed("What is <region1>?", [RED])
    with pytest.raises(OspreyError) as caught:
        list(nobody.decode(embedded, lambda: embedded.embeds))
    assert caught.value.code == "serving.vllm_unreachable"


def test_the_key_comes_from_the_environment(server: StandIn) -> None:
    view = tiny_osprey().open(PICTURE)
    engine = VLLMServer(server.address, {"VLLM_API_KEY": "secret"})
    list(engine.decode(view.embed("What is <region1>?", [RED], max_new_tokens=2), view.embed_beginning))
    assert server.asked[-1]["authorization"] == "Bearer secret"


def test_values_that_are_no_numbers_never_reach_an_engine(server: StandIn) -> None:
    model = of_server(server)
    with torch.no_grad():
        model.vision.network.mm_projector.get_parameter("2.bias")[0] = float("nan")
    with pytest.raises(CheckpointError, match="not numbers"):
        model.open(PICTURE).ask("What is <region1>?", [RED])
    assert server.asked == []


def test_a_stopped_answer_ends(server: StandIn) -> None:
    stream = of_server(server).open(PICTURE).stream("What is <region1>?", [RED])
    next(iter(stream))
    stream.stop()
    list(stream)
    assert stream.finish_reason == "stopped"


def test_a_stopped_answer_ends_while_the_server_is_silent(server: StandIn) -> None:
    server.is_mute = True
    stream = of_server(server).open(PICTURE).stream("What is <region1>?", [RED])
    reading = threading.Thread(target=lambda: list(stream), daemon=True)
    reading.start()
    assert server.muted.wait(60)
    assert stream.finish_reason is None
    stream.stop()
    reading.join(60)
    assert stream.finish_reason == "stopped"
    assert server.left.wait(60), "the request is cut, so that the server need not go on"


def test_a_stopped_answer_ends_while_the_server_does_not_tell_its_models(server: StandIn) -> None:
    server.is_listing = threading.Event()
    stream = of_server(server).open(PICTURE).stream("What is <region1>?", [RED])
    reading = threading.Thread(target=lambda: list(stream), daemon=True)
    reading.start()
    assert server.is_listing.wait(60)
    stream.stop()
    reading.join(60)
    assert stream.finish_reason == "stopped"
    assert server.asked == []
    assert server.left.wait(60), "the request is cut"


class SlowlyEmbedded(EngineView):
    """Embeds a question once it is let."""

    def __init__(self, view: EngineView) -> None:
        super().__init__(view.model, view._view)
        self.is_embedding, self.may_embed, self.is_embedded = (threading.Event() for _ in range(3))

    def _embed(self, asked: Any) -> Any:
        self.is_embedding.set()
        assert self.may_embed.wait(60)
        embedded = super()._embed(asked)
        self.is_embedded.set()
        return embedded


def test_a_stopped_answer_ends_while_its_question_is_embedded(server: StandIn) -> None:
    view = SlowlyEmbedded(of_server(server).open(PICTURE))
    stream = view.stream("What is <region1>?", [RED])
    told: list[str] = []
    reading = threading.Thread(target=lambda: told.extend(stream), daemon=True)
    reading.start()
    assert view.is_embedding.wait(60)
    stream.stop()
    reading.join(60)
    assert not reading.is_alive()
    assert not view.is_embedded.is_set()
    assert (told, stream.finish_reason, stream.new_tokens) == ([], "stopped", 0)
    view.may_embed.set()
    assert view.is_embedded.wait(60)
    assert server.asked == [], "nobody waits for its answer"


def test_a_question_that_is_stopped_at_once_is_not_embedded(server: StandIn) -> None:
    view = SlowlyEmbedded(of_server(server).open(PICTURE))
    stream = view.stream("What is <region1>?", [RED])
    stream.stop()
    assert list(stream) == []
    assert stream.finish_reason == "stopped"
    assert not view.is_embedding.is_set()


def test_a_question_counts_as_asked_when_its_stream_was_made(split: EngineModel) -> None:
    moments: list[float] = []

    class Noting(EngineView):
        def _embed(self, asked: Any) -> Any:
            moments.append(moment_asked())
            return super()._embed(asked)

    view = Noting(split, split.open(PICTURE)._view)
    with asked_at(7.0):
        stream = view.stream("What is <region1>?", [RED], max_new_tokens=2)
    list(stream)
    assert moments == [7.0]


class SlowlyAsked(SplitView):
    """Answers about its first region; opens the second answer only after the first was stopped."""

    def __init__(self) -> None:
        self.streams = [StoppableStream(["red"]), StoppableStream()]
        self.is_opening = threading.Event()

    def stream(self, question: str, regions: Any = (), *arguments: Any, **settings: Any) -> Any:
        place = 0 if regions[0] is RED else 1
        if place:
            self.is_opening.set()
            assert self.streams[0].stopped.wait(60)
        return self.streams[place]

    _tokenizer = _embed = _decode = None  # type: ignore[assignment]


class StoppableStream:
    """Some pieces; without any, nothing until it is stopped."""

    def __init__(self, pieces: list[str] | None = None) -> None:
        self.pieces = pieces
        self.stopped = threading.Event()
        self.stop = self.stopped.set

    def __iter__(self) -> Iterator[str]:
        if self.pieces is None:
            self.stopped.wait(60)
        yield from self.pieces or ()


def test_an_answer_that_opens_when_describing_is_over_is_stopped() -> None:
    view = SlowlyAsked()
    told = view.describe([RED, BLUE])
    assert next(told) == (0, "red")
    assert view.is_opening.wait(60)
    told.close()  # type: ignore[attr-defined]
    assert view.streams[1].stopped.is_set()


def test_a_dead_vllm_is_known() -> None:
    engine = VLLMEngine.__new__(VLLMEngine)
    engine._llm = SimpleNamespace(errored=False)
    assert not engine.is_dead
    engine._llm.errored = True
    assert engine.is_dead
    model = EngineModel(cast(Osprey, SimpleNamespace(networks=(None, None))), [cast(Any, SimpleNamespace()), engine])
    assert model.is_dead
    engine._llm = None  # closed
    assert not engine.is_dead
    assert not model.is_dead


class FakeLLM:
    """vLLM's AsyncLLM as far as an engine closes it: its own task takes the end of its processes for a failure."""

    errored = False

    def __init__(self) -> None:
        self.is_generating = threading.Event()
        self.told: list[str] = []
        self.own_task: asyncio.Task[None] | None = None

    async def generate(self, *asked: Any) -> AsyncIterator[Any]:
        self.own_task = asyncio.create_task(self._watch())
        yield SimpleNamespace(outputs=[SimpleNamespace(token_ids=[7], finish_reason=None)])
        self.is_generating.set()
        await asyncio.Event().wait()

    async def _watch(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.told.append("task ended")

    async def abort(self, name: str) -> None:
        self.told.append("aborted")

    def shutdown(self, timeout: float | None = None) -> None:
        assert timeout is not None
        assert timeout < 10
        self.told.append("shut down")


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[VLLMEngine, FakeLLM]]:
    """An engine over a vLLM that never comes to the end of an answer."""
    parameters = SimpleNamespace(RequestOutputKind=SimpleNamespace(DELTA=0))
    monkeypatch.setitem(sys.modules, "vllm", cast(Any, SimpleNamespace(SamplingParams=SimpleNamespace)))
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", cast(Any, parameters))
    engine, llm = VLLMEngine.__new__(VLLMEngine), FakeLLM()
    engine._llm, engine._loop = llm, asyncio.new_event_loop()
    engine._thread = threading.Thread(target=engine._loop.run_forever, daemon=True)
    engine._thread.start()
    yield engine, llm
    engine.close()


def test_closing_vllm_ends_its_tasks_first_and_answers_with_an_error(
    whole: Osprey, faked: tuple[VLLMEngine, FakeLLM]
) -> None:
    engine, llm = faked
    view = whole.open(PICTURE)
    embedded = view.embed("What is <region1>?", [RED])
    tokens = engine.decode(embedded, view.embed_beginning)
    assert next(tokens) == 7
    assert llm.is_generating.wait(60)
    engine.close()
    assert llm.told == ["task ended", "shut down"]
    with pytest.raises(OspreyError) as caught:
        next(tokens)
    assert caught.value.code == "serving.vllm_failed"
    with pytest.raises(OspreyError, match="closed"):
        list(engine.decode(embedded, view.embed_beginning))
    assert not engine._thread.is_alive()


def test_engines_are_closed_at_the_same_time() -> None:
    together = threading.Barrier(2)
    engines = [SimpleNamespace(close=lambda: together.wait(60)) for _ in range(2)]
    vision = SimpleNamespace(networks=(None, None))
    EngineModel(cast(Osprey, vision), cast(Any, engines)).close()
    assert not together.broken


def test_vllm_reads_the_weights_in_their_own_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr("osprey_core.serving.loading.require_vllm", lambda: None)
    monkeypatch.setattr("osprey_core.serving.loading.VLLMEngine", lambda folder, **options: given.append(options))
    with_engine(tiny_osprey(), "vllm")
    with_engine(tiny_osprey(), "vllm", dtype="bfloat16")
    assert [options["dtype"] for options in given] == ["float32", "bfloat16"]


@pytest.mark.parametrize("name", ["vllm:", "vllm:ftp://host", "vllm:http://", "other", ""])
def test_engines_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        engine_addresses(name)
    assert caught.value.code == "serving.engine_unknown"


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed")
def test_without_vllm_the_model_stays_whole(whole: Osprey) -> None:
    with pytest.raises(InputError, match=r"requirements-vllm\.txt"):
        with_engine(whole, "vllm")
    assert whole.open(PICTURE).ask("What is <region1>?", [RED])
    assert with_engine(whole, "local") is whole


def test_every_network_needs_a_server() -> None:
    assert engine_addresses("vllm:http://one:8000, https://two/v1") == ("http://one:8000", "https://two/v1")
    with pytest.raises(InputError, match="1 language models and 2 addresses"):
        with_engine(tiny_osprey(), "vllm:http://one:8000,https://two/v1")
