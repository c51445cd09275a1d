"""A model with the language engine that was asked for: "local", "vllm", "vllm:URL", or one URL for each network."""

from __future__ import annotations

from typing import Any

from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.language.embedded_question import LanguageEngine
from osprey_core.region_model import RegionModel
from osprey_core.serving.engine_model import EngineModel, drop_language_layers
from osprey_core.serving.vllm_engine import VLLMEngine
from osprey_core.serving.vllm_server import VLLMServer

LOCAL, VLLM = "local", "vllm"


def with_engine(model: Osprey, engine: str) -> RegionModel:
    """The model, answering by the engine of this name; its own language layers are then freed.

    Raises InputError for an unknown name, too few addresses, or if vLLM is not installed; OspreyError if it does not
    start.
    """
    if engine == LOCAL:
        return model
    engines = _engines(model, engine)
    for network in model.networks:
        drop_language_layers(network)
    return EngineModel(model, engines)


def check_engine(engine: str) -> None:
    """Raise InputError unless this is the name of an engine."""
    if engine not in (LOCAL, VLLM):
        for server in _servers(engine):
            server.close()


def _servers(engine: str) -> list[VLLMServer]:
    kind, colon, addresses = engine.partition(":")
    if kind != VLLM or not colon or not addresses:
        raise InputError("serving.engine_unknown", value=repr(engine))
    return [VLLMServer(address.strip()) for address in addresses.split(",")]


def _engines(model: Osprey, engine: str, **options: Any) -> list[LanguageEngine]:
    if engine == VLLM:
        tokenizer = model.prompts.tokenizer
        return [VLLMEngine.of(network.llm, tokenizer, **options) for network in model.networks]
    servers = _servers(engine)
    if len(servers) != len(model.networks):
        raise InputError("serving.engine_addresses", name=model.name, networks=len(model.networks), given=len(servers))
    return list(servers)
