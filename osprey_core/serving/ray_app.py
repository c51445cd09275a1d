"""Osprey as deployments of Ray Serve: vision replicas embed questions, language replicas answer them.

Requests about one picture go to the same replicas (consistent hashing of its digest), whose caches then hold it. A
replica that dies is started anew by Serve; `ray_model` asks another one meanwhile. The HTTP side is not here.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import ray
import torch
from ray import serve
from ray.serve.config import AutoscalingConfig, RequestRouterConfig

from osprey_core.engine import Osprey
from osprey_core.errors import OspreyError
from osprey_core.language.embedded_question import EmbeddedQuestion, LanguageEngine
from osprey_core.regions.rle import CodedMask
from osprey_core.runtime.devices import resolve_device
from osprey_core.segment import OpenedPicture, load_segmenter
from osprey_core.segment.protocol import BoxXYXY, PointXY, ScoredMask
from osprey_core.serving.engine_model import drop_language_layers, sendable, split_abilities
from osprey_core.serving.loading import CARD_SHARE, start_vllm
from osprey_core.serving.local_engine import LocalEngine
from osprey_core.serving.ray_messages import ModelFacts, ReplicaState, SentPicture, SentQuestion
from osprey_core.serving.ray_options import ClusterOptions, replica_counts
from osprey_core.serving.split_view import AskedQuestion
from osprey_core.serving.vllm_engine import VLLMEngine
from osprey_core.view import View

VISION, LANGUAGE, INGRESS = "Vision", "Language", "Ingress"

BATCH_PICTURES = 8
BATCH_SECONDS = 0.01
"""Pictures that arrive within this time are encoded together, at most so many."""

LANGUAGE_MODELS = 2
"""Language models that a replica holds at a time: a model with two networks has two."""

STICKY = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"
SECONDS_TO_GROW, SECONDS_TO_SHRINK = 10.0, 300.0
MOST_ONGOING = 256
"""Requests that a replica takes at a time; it queues them by itself."""


class _Picture:
    """A picture that a vision replica has opened."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._lock = threading.Lock()
        self._beginning: ray.ObjectRef | None = None
        self._segments: OpenedPicture | None = None

    def beginning(self) -> ray.ObjectRef:
        """Where the embedded beginning of all questions about it lies."""
        with self._lock:
            if self._beginning is None:
                self._beginning = ray.put(sendable(self.view.embed_beginning()))
            return self._beginning

    def segments(self, segmenter: Any, pixels: np.ndarray) -> OpenedPicture:
        """The picture as opened by the segmenter."""
        with self._lock:
            if self._segments is None:
                opened: OpenedPicture = segmenter.open(pixels)
                self._segments = opened
            return self._segments


class Vision:
    """Encodes pictures, several at a time, makes region tokens and masks."""

    def __init__(self, options: ClusterOptions) -> None:
        device = str(resolve_device(options.device))
        self._model = Osprey.from_pretrained(options.model, device, options.dtype, cache_bytes=options.cache_mb * 2**20)
        for network in self._model.networks:
            drop_language_layers(network)
        self._segmenter = load_segmenter(options.segmenter, device, options.dtype)
        self._most = options.pictures
        self._pictures: OrderedDict[str, asyncio.Task[_Picture]] = OrderedDict()
        self._largest_batch = 0

    async def facts(self) -> ModelFacts:
        """What callers need to know of the model."""
        model = self._model
        return ModelFacts(
            model.name,
            model.device,
            model.dtype,
            model.is_embedded,
            split_abilities(model),
            model.generation_defaults,
            model.prompts.tokenizer,
        )

    async def embed(self, picture: SentPicture, asked: AskedQuestion) -> SentQuestion:
        """The question as a language replica reads it. Raises what `View.embed` raises."""
        opened = await self._opened(picture)

        def embed() -> SentQuestion:
            embedded = opened.view.embed(**asked.arguments())
            values = {field.name: getattr(embedded, field.name) for field in dataclasses.fields(EmbeddedQuestion)}
            values["embeds"] = sendable(embedded.embeds)
            return SentQuestion(**values, beginning=(opened.beginning(),))

        return await asyncio.to_thread(embed)

    async def segment(
        self, picture: SentPicture, points_xy: Sequence[PointXY], labels: Sequence[int], box_xyxy: BoxXYXY | None
    ) -> list[tuple[CodedMask, float]]:
        """Masks of what was pointed at, see `OpenedPicture.segment`."""
        segments = await self._segments(picture)
        return _coded(await asyncio.to_thread(segments.segment, points_xy, labels, box_xyxy))

    async def preview(self, picture: SentPicture, x: float, y: float) -> CodedMask:
        """The mask that a click would give, found as quickly as the segmenter can; see `OpenedPicture.preview`."""
        segments = await self._segments(picture)
        return CodedMask.of(await asyncio.to_thread(segments.preview, x, y))

    async def everything(self, picture: SentPicture) -> list[tuple[CodedMask, float]]:
        """Masks of all segments."""
        segments = await self._segments(picture)
        return _coded(await asyncio.to_thread(segments.everything))

    async def state(self) -> ReplicaState:
        """Where this replica runs."""
        return _state(self._model.cache.hits, self._model.cache.computed, self._largest_batch)

    async def _segments(self, picture: SentPicture) -> OpenedPicture:
        opened, pixels = await self._opened(picture), await picture.pixels[0]
        return await asyncio.to_thread(opened.segments, self._segmenter, pixels)

    async def _opened(self, picture: SentPicture) -> _Picture:
        """The picture, opened once for all who ask about it. A failure is tried again by the next one."""
        task = self._pictures.get(picture.digest)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._open(picture))
            self._pictures[picture.digest] = task
            while len(self._pictures) > self._most:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(picture.digest)
        return await asyncio.shield(task)

    async def _open(self, picture: SentPicture) -> _Picture:
        view: View = await self._encode(await picture.pixels[0])
        return _Picture(view)

    @serve.batch(max_batch_size=BATCH_PICTURES, batch_wait_timeout_s=BATCH_SECONDS)
    async def _encode(self, images: list[np.ndarray]) -> list[View]:
        self._largest_batch = max(self._largest_batch, len(images))
        return await asyncio.to_thread(self._model.open_together, images)


class Language:
    """Answers embedded questions, many together. Its models are loaded when they are first asked for."""

    def __init__(self, options: ClusterOptions) -> None:
        self._options = options
        self._engines: weakref.WeakSet[LanguageEngine] = weakref.WeakSet()  # loaded ones; multiplexing drops them

    @serve.multiplexed(max_num_models_per_replica=LANGUAGE_MODELS)
    async def _engine(self, model_id: str) -> LanguageEngine:
        engine = await asyncio.to_thread(load_engine, self._options, model_id)
        self._engines.add(engine)
        return engine

    async def check_health(self) -> None:
        """Serve calls this now and then. Raises OspreyError if a vLLM has died: Serve then starts the replica anew."""
        if any(isinstance(engine, VLLMEngine) and engine.is_dead for engine in list(self._engines)):
            raise OspreyError("serving.vllm_failed", reason="EngineDeadError")

    async def decode(self, question: SentQuestion) -> AsyncIterator[list[int]]:
        """Token ids of the answer, as many at a time as there are."""
        engine: LanguageEngine = await self._engine(serve.get_multiplexed_model_id())
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[int | BaseException | None] = asyncio.Queue()
        stopped = threading.Event()

        def beginning() -> torch.Tensor:
            found: torch.Tensor = ray.get(question.beginning[0])
            return found

        def write() -> None:
            end: BaseException | None = None
            try:
                for token in engine.decode(question, beginning, stopped.is_set):
                    loop.call_soon_threadsafe(arrived.put_nowait, token)
            except BaseException as error:
                end = error
            loop.call_soon_threadsafe(arrived.put_nowait, end)

        threading.Thread(target=write, name="answer", daemon=True).start()
        try:
            while True:
                new = [await arrived.get()]
                while not arrived.empty():
                    new.append(arrived.get_nowait())
                if tokens := [token for token in new if isinstance(token, int)]:
                    yield tokens
                if isinstance(new[-1], BaseException):
                    raise new[-1]
                if new[-1] is None:
                    return
        finally:
            stopped.set()  # also when the caller has gone

    async def state(self) -> ReplicaState:
        """Where this replica runs, and how often it knew a picture already."""
        engine = await self._engine(serve.get_multiplexed_model_id())
        budget = engine.budget if isinstance(engine, LocalEngine) else None
        return _state(budget.hits if budget else 0, budget.computed if budget else 0)


def load_engine(options: ClusterOptions, model_id: str) -> LanguageEngine:
    """The engine of a language model, whose id is that of `ray_messages.language_model_id`."""
    name, _, place = model_id.rpartition("#")
    device = str(resolve_device(options.device))
    model = Osprey.from_pretrained(name, device, options.dtype, quantize=options.quantize, cache_bytes=0)
    has_vllm = importlib.util.find_spec("vllm") is not None
    if options.takes_vllm(device, has_vllm):
        # Of its part of the card, each of the model's language models gets as much.
        share = min(options.language_gpus or 1.0, 1.0) * CARD_SHARE / len(model.networks)
        (engine,) = start_vllm(model, [int(place)], gpu_memory_utilization=share)
        return engine
    return LocalEngine(model.networks[int(place)].llm, options.cache_mb * 2**20)


def deployments(options: ClusterOptions) -> tuple[Any, Any]:
    """The vision and the language deployment, bound to their options, for an ingress to be bound to."""
    vision = _deployment(
        Vision, VISION, options.vision_replicas, options.vision_queue, options.vision_cpus, options.vision_gpus
    )
    language = _deployment(
        Language,
        LANGUAGE,
        options.language_replicas,
        options.language_queue,
        options.language_cpus,
        options.language_gpus,
    )
    return vision.bind(options), language.bind(options)


def _deployment(kind: type, name: str, replicas: str, queue: float, cpus: float, gpus: float) -> Any:
    least, most = replica_counts(replicas)
    scaling: dict[str, Any] = {"num_replicas": least}
    if most > least:
        scaling = {
            "autoscaling_config": AutoscalingConfig(
                min_replicas=least,
                max_replicas=most,
                target_ongoing_requests=queue,
                upscale_delay_s=SECONDS_TO_GROW,
                downscale_delay_s=SECONDS_TO_SHRINK,
            )
        }
    return serve.deployment(kind).options(
        name=name,
        ray_actor_options={"num_cpus": cpus, "num_gpus": gpus},
        max_ongoing_requests=MOST_ONGOING,
        request_router_config=RequestRouterConfig(request_router_class=STICKY),
        **scaling,
    )


def _coded(scored: Sequence[ScoredMask]) -> list[tuple[CodedMask, float]]:
    return [(CodedMask.of(each.mask), float(each.score)) for each in scored if each.mask.any()]


def _state(hits: int, computed: int, largest_batch: int = 0) -> ReplicaState:
    return ReplicaState(ray.get_runtime_context().get_node_id(), os.getpid(), hits, computed, largest_batch)
