"""Names of devices, precisions, quantizations and device maps. Does not import torch, so that options parse quickly."""

from __future__ import annotations

from typing import Literal, get_args

DEVICES = ("auto", "cpu", "cuda", "mps")
"""Types of device; "cuda:1" and so on name one of several."""

DTypeName = Literal["float32", "bfloat16", "float16"]
DTYPES: tuple[DTypeName, ...] = get_args(DTypeName)
"""Precisions, besides "auto", which depends on the device."""

Quantization = Literal["none", "int8", "8bit", "4bit"]
QUANTIZATIONS: tuple[Quantization, ...] = get_args(Quantization)

DeviceMap = Literal["none", "auto"]
DEVICE_MAPS: tuple[DeviceMap, ...] = get_args(DeviceMap)
