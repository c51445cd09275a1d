"""Names of devices, precisions, quantizations and device maps. Does not import torch, so that options parse quickly."""

from __future__ import annotations

import re
from typing import Literal, get_args

from osprey_core.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")
"""Types of device; "cuda:1" and so on name one of several."""

DTypeName = Literal["float32", "bfloat16", "float16"]
DTYPES: tuple[DTypeName, ...] = get_args(DTypeName)
"""Precisions, besides "auto", which depends on the device."""

Quantization = Literal["none", "int8", "8bit", "4bit"]
QUANTIZATIONS: tuple[Quantization, ...] = get_args(Quantization)

DeviceMap = Literal["none", "auto"]
DEVICE_MAPS: tuple[DeviceMap, ...] = get_args(DeviceMap)

SEGMENTERS = ("learned", "classic", "sam:vit_b", "sam:vit_l", "sam:vit_h")
"""What `segment.load_segmenter` accepts. A SAM may be followed by ":" and the path of its weights."""

DEFAULT_SEGMENTER = "learned"

LOCAL_ENGINE, VLLM_ENGINE = "local", "vllm"
"""Who decodes answers: this program's own loop, or vLLM; "vllm:URL" is a server."""


def engine_addresses(engine: str) -> tuple[str, ...]:
    """The addresses of the servers in "vllm:URL,URL"; none for "local" and "vllm".

    Raises InputError for anything else.
    """
    if engine in (LOCAL_ENGINE, VLLM_ENGINE):
        return ()
    addresses = tuple(address.strip() for address in engine.removeprefix(f"{VLLM_ENGINE}:").split(","))
    if not engine.startswith(f"{VLLM_ENGINE}:") or not all(re.match(r"https?://[^/\s]", each) for each in addresses):
        raise InputError("serving.engine_unknown", value=repr(engine))
    return addresses
