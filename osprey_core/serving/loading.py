"""A model with the language engine that was asked for: "local", "vllm", "vllm:URL", or one URL for each network."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.language.embedded_question import LanguageEngine
from osprey_core.region_model import RegionModel
from osprey_core.runtime.choices import LOCAL_ENGINE, engine_addresses
from osprey_core.serving.engine_model import EngineModel, drop_language_layers
from osprey_core.serving.export import export_language_models
from osprey_core.serving.vllm_engine import VLLMEngine, require_vllm
from osprey_core.serving.vllm_server import VLLMServer

CARD_SHARE = 0.85
"""Of a card's memory, for vLLM; the encoder needs some of it too."""


def with_engine(model: Osprey, engine: str, **options: Any) -> RegionModel:
    """The model, answering by the engine of this name; its own language layers are then freed.

    options: arguments of vLLM's AsyncEngineArgs, for "vllm".
    Raises InputError for an unknown name, another number of addresses than the model has networks, or if vLLM is not
    installed; OspreyError if it does not start.
    """
    if engine == LOCAL_ENGINE:
        return model
    addresses = engine_addresses(engine)
    if not addresses:
        share = {"gpu_memory_utilization": CARD_SHARE / len(model.networks)}
        return EngineModel(model, start_vllm(model, range(len(model.networks)), **{**share, **options}))
    if len(addresses) != len(model.networks):
        counts = {"networks": len(model.networks), "given": len(addresses)}
        raise InputError("serving.engine_addresses", name=model.name, **counts)
    engines: list[LanguageEngine] = [VLLMServer(address) for address in addresses]
    for network in model.networks:
        drop_language_layers(network)
    return EngineModel(model, engines)


def start_vllm(model: Osprey, places: Sequence[int], **options: Any) -> list[VLLMEngine]:
    """Engines for the language models of these networks, whose weights pass through a temporary folder.

    The model's own language layers, of all networks, are freed before vLLM starts. Raises InputError if vLLM is not
    installed or the weights are quantized, OspreyError if it does not start.
    """
    require_vllm()
    with tempfile.TemporaryDirectory(prefix="osprey-language-") as folder:
        folders = export_language_models(model, Path(folder) / "language")
        for network in model.networks:
            drop_language_layers(network)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        options.setdefault("max_model_len", model.network.config.language.max_position_embeddings)
        options.setdefault("dtype", model.dtype)  # by itself vLLM reads float32 weights as bfloat16
        return [VLLMEngine(folders[place], **options) for place in places]
