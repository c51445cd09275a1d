"""The engine: a loaded model that opens pictures.

`Osprey.open` encodes a picture once, which is slow. The `View` that it returns answers any number of questions and is
never changed by them, so that people and threads can share it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from osprey_core.cache.prefix_attention import use_prefix_attention
from osprey_core.cache.prefix_cache import DEFAULT_CACHE_BYTES, CacheBudget
from osprey_core.config import GenerationDefaults
from osprey_core.errors import InputError
from osprey_core.io.pictures import read_picture
from osprey_core.language.decoding_thread import MOST_ROWS, DecodingThread
from osprey_core.language.onednn import use_onednn
from osprey_core.language.prompts import PromptWriter
from osprey_core.language.tokens import TextTokenizer
from osprey_core.language.work_thread import WorkThread
from osprey_core.model import OspreyNetwork
from osprey_core.model.preprocess import resized
from osprey_core.region_model import Abilities
from osprey_core.runtime import checkpoint, hub
from osprey_core.runtime.close_ups import kept_picture
from osprey_core.runtime.compile import compile_network
from osprey_core.runtime.cuda_graphs import record_cuda_graph
from osprey_core.runtime.devices import TORCH_DTYPES, resolve_device
from osprey_core.runtime.loading import load_parts
from osprey_core.runtime.photo_levels import PhotoEncoder, photo_square, shared_photo_encoder
from osprey_core.runtime.photograph_network import PhotographNetwork, save_photograph_network
from osprey_core.runtime.placement import is_offloaded
from osprey_core.runtime.quantize import is_quantized
from osprey_core.segment.drawings import is_certainly_drawing
from osprey_core.view import VISION_LAYOUT, Encoding, View, check_style, encoded, regions_or_masks


class Osprey:
    """A loaded model, a `RegionModel`. Its results depend on its inputs alone, so threads may share it."""

    def __init__(
        self,
        name: str,
        network: OspreyNetwork,
        tokenizer: TextTokenizer,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        photographs: PhotographNetwork | None = None,
        reads_in_bfloat16: bool = False,
    ) -> None:
        self.name = name
        self.network = network
        self.photographs = photographs
        """The second network, for photographs, of a model that has one."""
        self.reads_in_bfloat16 = reads_in_bfloat16
        """Whether pictures are read in bfloat16 by float32 weights, see `runtime.picture_precision`."""
        self.prompts = PromptWriter(network.config, tokenizer)
        self.cache = CacheBudget(cache_bytes)
        for one in self.networks:
            use_prefix_attention(one.llm)
        self.decoding = tuple(DecodingThread(one.llm) for one in self.networks)
        """Of each network the thread that owns its language model: answers of different people are decoded together."""
        self.encoding = WorkThread("encoding")
        """Encodes pictures and regions, one after another, beside the decoding."""
        network.vision_tower.to(memory_format=VISION_LAYOUT)

    @classmethod
    def from_pretrained(
        cls,
        name: str = hub.EMBEDDED_MODEL,
        device: str = "auto",
        dtype: str = "auto",
        revision: str | None = None,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        quantize: str | None = None,
        device_map: str | None = None,
        compiled: bool = False,
        cuda_graphs: bool = False,
        adapter: str | Path | None = None,
        verify: bool = False,
    ) -> Osprey:
        """Load a model.

        Args:
            name: "nano" (embedded), a local folder, or a Hub repository id.
            device: "auto", "cpu", "cuda", "cuda:1", "mps".
            dtype: "auto", "float32", "bfloat16" or "float16"; auto is float32 on a CPU, where pictures are read in
                bfloat16 if the model's config allows it and the CPU has products of it, and bfloat16 (or float16 where
                the hardware lacks it) on a GPU.
            revision: branch, tag or commit on the Hub.
            cache_bytes: limit for the cached data of all opened pictures, on the model's device. The least recently
                used data is evicted first, and computed again when it is needed. 0 disables the cache.
            quantize: "int8", "8bit", "4bit" or "none", see `quantize.quantize`: a smaller language model, faster where
                memory bandwidth is the limit, whose answers may differ slightly.
            device_map: "auto" spreads a language model that does not fit on the device over all GPUs, main memory and
                the disk, which needs accelerate; "none" or None keeps all on one device.
            compiled: whether to compile parts of the network, see `compile.compile_network`; loading then takes
                minutes longer.
            cuda_graphs: whether to record decoding steps of a few answers on an NVIDIA GPU and replay them, see
                `language.recorded_step`; for weights that are neither quantized nor compiled nor spread.
            adapter: folder of a LoRA adapter (as peft writes it) that was trained on this model; it becomes part of
                the weights. Needs peft.
            verify: whether to check the sums of files that were downloaded from the Hub earlier.

        Raises:
            InputError: the device, dtype, quantization or device map cannot be used on this machine, or the cache's
                size is negative.
            ModelNotFoundError, CheckpointError: see `hub` and `checkpoint`.
        """
        device_map = device_map or "none"
        changed = (quantize or "none") != "none" or device_map != "none" or compiled
        if cuda_graphs and (changed or resolve_device(device).type != "cuda"):
            raise InputError("engine.cuda_graphs_unable")
        parts = load_parts(
            name,
            device=device,
            dtype=dtype,
            revision=revision,
            quantize=quantize or "none",
            device_map=device_map,
            compiled=compiled,
            adapter=None if adapter is None else Path(adapter),
            verify=verify,
        )
        model = cls(name, parts.network, parts.tokenizer, cache_bytes, parts.photographs, parts.reads_in_bfloat16)
        for network in model.networks:
            if compiled:
                compile_network(network)
            elif device_map == "none":
                use_onednn(network)
        if cuda_graphs:
            for thread in model.decoding:
                thread.record_steps(record_cuda_graph)
        return model

    @property
    def networks(self) -> tuple[OspreyNetwork, ...]:
        """The one that answers about drawings, or about everything, and if there is one that for photographs."""
        return (self.network,) if self.photographs is None else (self.network, self.photographs.network)

    @property
    def device(self) -> str:
        """Device of the weights, such as "cpu" or "cuda:0"."""
        return str(self._parameter.device)

    @property
    def photo_encoder(self) -> PhotoEncoder:
        """The photo tower on this device, in the precision in which pictures are read; the process shares it."""
        return shared_photo_encoder(self.device, self.reads_in_bfloat16)

    @property
    def dtype(self) -> str:
        """Precision of the weights, such as "bfloat16"."""
        return str(self._parameter.dtype).removeprefix("torch.")

    @property
    def most_bytes(self) -> int:
        """Bytes of the weights, each counted once, and of all that may be cached."""
        weights = {id(tensor): tensor.nbytes for network in self.networks for tensor in network.parameters()}
        return sum(weights.values()) + self.cache.max_bytes

    @property
    def answers_together(self) -> int:
        """How many people may have an answer under way at a time."""
        return MOST_ROWS

    @property
    def abilities(self) -> Abilities:
        """Everything that a model can be asked for; the embedded one has learnt English only."""
        return Abilities(token_likelihoods=True, english_only=self.is_embedded)

    @property
    def is_embedded(self) -> bool:
        """Whether this is the small model that ships with the program."""
        return self.name == hub.EMBEDDED_MODEL

    @property
    def generation_defaults(self) -> GenerationDefaults:
        """The model's default sampling settings, within the limits of `SamplingSettings`."""
        return self.network.config.generation

    @torch.inference_mode()
    def open(self, image: Image.Image | np.ndarray) -> View:
        """Encode a picture once, for any number of questions.

        A model with two networks looks whether it is a photograph; the view answers by the network for its kind.

        Args:
            image: a picture, or uint8 (H, W, 3) RGB.

        Raises:
            InputError: it cannot be read as a picture.
        """
        view = self._opened(image)
        if self.cache.max_bytes:  # without a cache the encoding would be discarded
            view.encoding()
        return view

    @torch.inference_mode()
    def open_together(self, images: Sequence[Image.Image | np.ndarray]) -> list[View]:
        """As `open` of each, but pictures that the same network answers about are encoded in one pass."""
        views = [self._opened(image) for image in images]
        if self.cache.max_bytes:
            for network in self.networks:
                self.encoding.run(functools.partial(_encode_together, network, views, self.reads_in_bfloat16))
        return views

    def _opened(self, image: Image.Image | np.ndarray) -> View:
        """A picture that is not encoded yet."""
        picture = read_picture(image)
        network, square, seen = self._network_for(picture)
        vision = network.config.vision
        pixels = resized(picture, vision.image_size)
        near = vision.photo is not None and vision.photo.close_up_size > 0
        keeps = near or network.config.counting is not None
        kept = kept_picture(np.asarray(picture.convert("RGB"))) if keeps else None
        return View(self, (picture.height, picture.width), pixels, square, kept, network, seen)

    def _network_for(
        self, picture: Image.Image
    ) -> tuple[OspreyNetwork, np.ndarray | None, Mapping[str, torch.Tensor] | None]:
        """The network that answers about a picture, the picture as the photo tower sees it if that one looks, and what
        the tower saw if it has looked already."""
        if self.photographs is None:
            return self.network, None if self.network.config.vision.photo is None else photo_square(picture), None
        if is_certainly_drawing(np.asarray(picture)):  # the gate would say so too, once the tower has seen it
            return self.network, None, None
        square = photo_square(picture)
        # The tower is shared with the segmenter, which asks for the same levels.
        seen = self.encoding.run(functools.partial(self.photo_encoder.levels_of_square, square))
        if self.photographs.sees_photograph(seen):
            return self.photographs.network, square, seen
        return self.network, None, None

    def describe(
        self,
        image: Image.Image | np.ndarray,
        regions: Iterable[np.ndarray] | None = None,
        style: str = "short",
        *,
        masks: Iterable[np.ndarray] | None = None,
        **settings: Any,
    ) -> list[str]:
        """Describe regions, many at a time, with the published question of that style.

        Args:
            regions: bool or {0, 1} masks (H, W).
            style, settings: as for `View.describe`.
            masks: the old name of `regions`; deprecated.
        """
        regions = regions_or_masks(regions, masks)
        check_style(style)
        answers = dict(self.open(image).describe(regions, style, **settings))
        return [answers[place] for place in range(len(answers))]

    def save(self, folder: str | Path, dtype: str | None = None) -> None:
        """Write config.json, model.safetensors and tokenizer.json; `from_pretrained(folder)` reads them back.

        A second network is written as photographs.safetensors, with whole tensors where it differs from the first.

        `dtype` is that of the stored tensors, by default the model's own. Raises InputError for a model that is
        quantized or partly offloaded.
        """
        if is_quantized(self.network.llm):
            raise InputError("engine.quantized_save")
        if is_offloaded(self.network):
            raise InputError("engine.spread_save")
        stored = None if dtype is None else TORCH_DTYPES[dtype]
        checkpoint.save(Path(folder), self.network, self.prompts.tokenizer, stored, self.photographs is not None)
        if self.photographs is not None:
            save_photograph_network(Path(folder), self.photographs, self.network, dtype=stored)

    @property
    def _parameter(self) -> torch.Tensor:
        return next(self.network.parameters())


def _encode_together(network: OspreyNetwork, views: Sequence[View], in_bfloat16: bool) -> None:
    """Encode the pictures of this network in one pass. The photo tower sees each by itself, and keeps what it saw."""
    views = [view for view in views if view.network is network]
    if not views:
        return
    pixels = torch.cat([view.inputs[0] for view in views])
    squares = [square for _, square in (view.inputs for view in views) if square is not None]
    photo_levels = None
    if squares:
        seen = [view.take_photo_levels() for view in views]
        photo_levels = {name: torch.cat([levels[name] for levels in seen]) for name in seen[0]}
    tokens, levels = encoded(network, pixels, photo_levels, in_bfloat16)
    for place, view in enumerate(views):
        row = slice(place, place + 1)
        # Copies: a part of the whole would keep the whole in memory.
        view.keep_encoding(Encoding(tokens[row].clone(), {name: level[row].clone() for name, level in levels.items()}))
