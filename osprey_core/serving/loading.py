"""A model with the language engine that was asked for: "local", "vllm", "vllm:URL", or one URL for each network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.language.embedded_question import LanguageEngine
from osprey_core.region_model import RegionModel
from osprey_core.runtime.choices import LOCAL_ENGINE, engine_addresses
from osprey_core.serving.engine_model import EngineModel, drop_language_layers
from osprey_core.serving.vllm_engine import VLLMEngine
from osprey_core.serving.vllm_server import VLLMServer


def with_engine(model: Osprey, engine: str, **options: Any) -> RegionModel:
    """The model, answering by the engine of this name; its own language layers are then freed.

    options: arguments of vLLM's AsyncEngineArgs, for "vllm".
    Raises InputError for an unknown name, another number of addresses than the model has networks, or if vLLM is not
    installed; OspreyError if it does not start.
    """
    if engine == LOCAL_ENGINE:
        return model
    addresses = engine_addresses(engine)
    engines: Sequence[LanguageEngine]
    if not addresses:
        tokenizer = model.prompts.tokenizer
        engines = [VLLMEngine.of(network.llm, tokenizer, **options) for network in model.networks]
    elif len(addresses) == len(model.networks):
        engines = [VLLMServer(address) for address in addresses]
    else:
        counts = {"networks": len(model.networks), "given": len(addresses)}
        raise InputError("serving.engine_addresses", name=model.name, **counts)
    for network in model.networks:
        drop_language_layers(network)
    return EngineModel(model, engines)
