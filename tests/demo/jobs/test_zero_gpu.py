"""ZeroGPU, with a stand-in for `spaces` that does what the real one does: pickle, fork, and close by a signal."""

from __future__ import annotations

import functools
import inspect
import io
import multiprocessing
import os
import pickle
import subprocess
import sys
import types
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

import app as program
from demo.analysis.model_comparison import new_model_comparison
from demo.analysis.similarity_maps import SimilarityMapsRequest
from demo.app import build_app
from demo.i18n.catalog import text
from demo.jobs import analyses, zero_gpu
from demo.jobs.answers import answer, stop
from demo.jobs.requests import CaptionsRequest, QuestionRequest, request_of
from demo.options import Options, read_options
from demo.session import conversation
from demo.session.marks import mark_point
from demo.session.pictures import open_picture
from demo.session.services import Services
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError, OspreyError
from osprey_core.language.sampling import SamplingSettings
from tests import fakes
from tests.demo import page_events
from tests.tiny import tiny_osprey

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="ZeroGPU forks its workers")


def fake_spaces(durations: list[int], sizes: list[str | None]) -> types.ModuleType:
    """Runs a generator in a forked process; arguments and what is yielded go through pickle.

    As the real one, it asks a callable for the duration with the task's arguments, and takes no coroutines.
    """
    fork = multiprocessing.get_context("fork")

    def work(task: Callable[..., Generator[Any]], sent: bytes, results: Any, stopped: Any) -> None:
        pieces = task(*pickle.loads(sent))
        try:
            for piece in pieces:
                if stopped.is_set():
                    pieces.close()
                    break
                results.send(("piece", pickle.dumps(piece)))
            results.send(("end", None))
        except Exception as error:
            results.send(("error", type(error).__name__))

    def gpu(
        duration: Callable[..., int] | int, size: str | None = None
    ) -> Callable[[Callable[..., Iterator[Any]]], Callable[..., Iterator[Any]]]:
        sizes.append(size)

        def wrap(task: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            assert "<locals>" not in task.__qualname__
            if inspect.iscoroutinefunction(task) or not inspect.isgeneratorfunction(task):
                raise NotImplementedError

            @functools.wraps(task)
            def run(*arguments: Any) -> Iterator[Any]:
                durations.append(duration(*arguments) if callable(duration) else duration)
                receiver, sender = fork.Pipe(duplex=False)
                stopped = fork.Event()
                process = fork.Process(target=work, args=(task, pickle.dumps(arguments), sender, stopped), daemon=True)
                process.start()
                sender.close()
                try:
                    while True:
                        kind, value = receiver.recv()
                        if kind == "end":
                            return
                        if kind == "error":
                            raise gr.Error(value, title="ZeroGPU worker error", print_exception=False)
                        yield pickle.loads(value)
                except GeneratorExit:
                    stopped.set()
                    raise
                finally:
                    process.join(10)

            return run

        return wrap

    module = types.ModuleType("spaces")
    module.GPU = gpu  # type: ignore[attr-defined]
    module.__spec__ = types.SimpleNamespace(name="spaces")  # type: ignore[assignment]
    return module


@pytest.fixture
def sizes() -> list[str | None]:
    """The sizes of GPU that were asked for."""
    return []


@pytest.fixture
def durations(monkeypatch: pytest.MonkeyPatch, sizes: list[str | None]) -> list[int]:
    durations: list[int] = []
    monkeypatch.setitem(sys.modules, "spaces", fake_spaces(durations, sizes))
    return durations


class UnpicklableModel(fakes.FakeModel):
    """A model stays where it is."""

    failure: Exception | None = None
    most_bytes = 0

    def __reduce__(self) -> Any:
        raise TypeError("a model cannot be pickled")

    def open(self, image: Any) -> Any:
        if self.failure is not None:
            raise self.failure
        return super().open(image)


@pytest.fixture
def model() -> UnpicklableModel:
    return UnpicklableModel()


@pytest.fixture
def services(model: UnpicklableModel) -> Services:
    return Services(model=LazyResource.of(model), segmenter=LazyResource.of(fakes.FakeSegmenter()))


@pytest.fixture
def workspace(services: Services) -> Workspace:
    buffer = io.BytesIO()
    fakes.picture().save(buffer, "PNG")
    session = open_picture(buffer.getvalue(), "shapes.png")
    session = mark_point(services, session, 80, 100, "new")
    workspace = Workspace()
    workspace.change(lambda _: conversation.ask(session, "What?"))
    return workspace


def test_the_answer_comes_from_a_forked_worker(
    durations: list[int], services: Services, model: UnpicklableModel, workspace: Workspace
) -> None:
    decode = zero_gpu.decoder(model)
    list(answer(services, workspace, SamplingSettings(), decode))
    workspace.change(lambda session: conversation.ask(session, "And now?"))
    list(answer(services, workspace, SamplingSettings(), decode))
    first, second = workspace.session.transcript
    assert first.state == second.state == "complete"
    assert "area=8000" in first.answer
    assert "And now?" in second.answer
    assert second.stats is not None
    assert second.stats.new_tokens > 0
    assert durations == [62] * 2  # 10 s, and the model's longest answer of 1,024 tokens at 20 a second
    assert model.calls == []  # nothing ran in this process


def test_a_closer_look_and_a_second_model_come_from_workers_as_well(
    durations: list[int], model: UnpicklableModel, workspace: Workspace
) -> None:
    other = UnpicklableModel(name="other")
    services = Services(
        model=LazyResource.of(model, "first"),
        segmenter=LazyResource.of(fakes.FakeSegmenter()),
        second=LazyResource.of(other, "other"),
    )
    decode = zero_gpu.decoder(model, other)
    analysis = analyses.begin(workspace, lambda s: new_model_comparison(services, s, "What?", SamplingSettings()))
    *_, last = analyses.carry_out(services, workspace, analysis.id, decode)
    assert last.state == "complete"
    assert all("area=8000" in part.answer for part in last.parts)
    assert model.calls == other.calls == []
    assert len(durations) == 2


def request_about(workspace: Workspace, longest: int | None = None, **changes: Any) -> QuestionRequest:
    session = workspace.session
    return replace(request_of(session, session.transcript[-1], SamplingSettings(max_new_tokens=longest)), **changes)


def test_a_gpu_is_asked_for_as_long_as_the_request_may_need(
    durations: list[int], model: UnpicklableModel, workspace: Workspace
) -> None:
    zero_gpu.decoder(model)
    question = request_about(workspace, 200)
    assert zero_gpu.seconds_for(question) == 20
    assert zero_gpu.seconds_for(request_about(workspace, 100_000)) == zero_gpu.MOST_SECONDS
    many = CaptionsRequest(question.picture, question.regions * 33, "short", SamplingSettings(max_new_tokens=1024))
    assert zero_gpu.seconds_for(many) == 10 + 10  # three rounds of at most 64 tokens, at 20 a second
    assert zero_gpu.seconds_for(replace(many, regions=question.regions)) < zero_gpu.seconds_for(many)
    assert zero_gpu.seconds_for(replace(many, style="detailed")) == zero_gpu.MOST_SECONDS
    assert zero_gpu.seconds_for(SimilarityMapsRequest(question.picture, question.regions[0])) == 60


@pytest.mark.parametrize(("gigabytes", "size"), [((20.0, 20.0), "large"), ((20.0, 30.0), "xlarge"), ((14.0,), "large")])
def test_the_size_of_the_gpu_follows_from_the_models(
    durations: list[int], sizes: list[str | None], gigabytes: tuple[float, ...], size: str
) -> None:
    models = [UnpicklableModel() for _ in gigabytes]
    for loaded, amount in zip(models, gigabytes, strict=True):
        loaded.most_bytes = int(amount * 1e9)
    zero_gpu.decoder(*models)
    assert sizes == [size]


def test_a_real_model_tells_its_weights_once_and_its_cache() -> None:
    tiny = tiny_osprey()
    weights = sum(p.numel() * p.element_size() for p in tiny.network.parameters())
    assert tiny.most_bytes == weights + tiny.cache.max_bytes


def test_a_worker_keeps_nothing_of_a_picture_on_the_gpu(
    durations: list[int], model: UnpicklableModel, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs in a worker is called here: the encoded picture goes after each call, the decoded one stays."""
    monkeypatch.setattr(zero_gpu, "_worker", None)
    zero_gpu.decoder(model)
    request = request_about(workspace)
    decoded = []
    for _ in range(2):
        assert "area=8000" in "".join(piece for piece in zero_gpu.write_answer(request) if isinstance(piece, str))
        worker = zero_gpu._worker
        assert worker is not None
        assert worker.pictures.get(request.picture).part_names == ("image",)
        decoded.append(worker.pictures.get(request.picture).image())
    assert model.opened == 2
    assert decoded[0] is decoded[1]


def test_a_model_elsewhere_needs_no_gpu(
    durations: list[int], services: Services, model: UnpicklableModel, workspace: Workspace
) -> None:
    model.device = "remote"
    list(answer(services, workspace, SamplingSettings(), zero_gpu.decoder(model)))
    assert "area=8000" in workspace.session.transcript[-1].answer
    assert durations == []
    assert len(model.calls) == 1


def test_stop_closes_the_worker(
    durations: list[int], services: Services, model: UnpicklableModel, workspace: Workspace
) -> None:
    model.pause = 0.02
    workspace.change(lambda session: conversation.ask(session.without_turn(session.transcript[0].id), "A long story"))
    for shown, _ in enumerate(answer(services, workspace, SamplingSettings(), zero_gpu.decoder(model), interval=0)):
        if shown == 5:
            stop(services, workspace)
    turn = workspace.session.transcript[-1]
    assert turn.state == "stopped"
    assert 1 <= len(turn.answer.split()) < 40
    assert multiprocessing.active_children() == []


def test_a_sentence_survives_the_way_from_the_worker(
    durations: list[int], services: Services, model: UnpicklableModel, workspace: Workspace
) -> None:
    model.failure = InputError("The question is too long; shorten it.")
    with pytest.raises(OspreyError, match="too long; shorten it"):
        list(answer(services, workspace, SamplingSettings(), zero_gpu.decoder(model)))
    assert workspace.session.transcript == ()


def test_a_refusal_by_the_space_is_shown_as_it_is_and_gives_the_question_back(
    durations: list[int], model: UnpicklableModel, workspace: Workspace, tmp_path: Path
) -> None:
    model.failure = KeyError("internal")
    decode = zero_gpu.decoder(model)
    app = build_app(model, fakes.FakeSegmenter(), Options(), tmp_path, decode)
    write = page_events.handler_after(app, "send", "click")
    outputs = write(workspace, 0, 1, 64, "")
    shown: list[Any] = []
    with pytest.raises(gr.Error) as caught:
        deque(map(shown.append, outputs), maxlen=0)
    assert caught.value.title == "ZeroGPU worker error"
    chatbot, send, *_, question = shown[-1]
    assert chatbot["turns"] == []
    assert send["visible"]
    assert question == "What?"


def test_a_zero_gpu_space_is_told_by_its_environment() -> None:
    assert read_options([], {"SPACES_ZERO_GPU": "true"}).zero_gpu
    assert not read_options([], {}).zero_gpu


def test_there_the_model_is_loaded_first_and_on_the_main_thread(
    durations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from osprey_core import engine

    happened: list[Any] = []

    class Loaded(UnpicklableModel):
        @classmethod
        def from_pretrained(cls, *arguments: Any, **options: Any) -> Any:
            happened.append(threading.current_thread() is threading.main_thread())
            return cls()

    def launch(self: gr.Blocks, **options: Any) -> tuple[None, str, str]:
        happened.append("launched")
        return None, "", ""

    given: list[Any] = []
    make_decoder = zero_gpu.decoder

    def decoder(*models: Any) -> Any:
        given.extend(models)
        return make_decoder(*models)

    monkeypatch.setattr(engine, "Osprey", Loaded)
    monkeypatch.setattr(gr.Blocks, "launch", launch)
    monkeypatch.setattr(zero_gpu, "decoder", decoder)
    assert program.serve(Options(zero_gpu=True)) == 0
    assert happened == [True, "launched"]
    assert isinstance(given[0], Loaded)


@pytest.mark.slow
def test_spaces_is_imported_before_torch(tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text(
        "import sys\nassert 'torch' not in sys.modules\nprint('in time')\n"
        "def GPU(duration, size):\n    return lambda f: f\n"
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import gradio as gr\n"
        "gr.Blocks.launch = lambda self, **options: (None, None, None)\n"
        "import app; sys.exit(app.main(['--model', '/nowhere/at-all', '--port', '7999']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "SPACES_ZERO_GPU": "true", "HF_HUB_OFFLINE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "in time" in done.stdout
    assert text("page.unexpected") not in done.stderr
