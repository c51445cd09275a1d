"""Placement of a network's parts on devices, for models larger than one GPU, with accelerate's device map.

Only the language model is spread: over all GPUs, then main memory, then a temporary folder on the disk. Encoder,
extractor, inputs and outputs stay on the main device, so that other modules need not handle several devices.
`checkpoint` reads the tensors and asks a `Placement` where each one belongs.
"""

from __future__ import annotations

import functools
import importlib
import logging
import tempfile
import threading
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT
from osprey_core.errors import InputError
from osprey_core.i18n import Listing
from osprey_core.model import OspreyNetwork
from osprey_core.runtime.choices import DEVICE_MAPS

SHARE_OF_GPU = 0.8
"""Share of a GPU's free memory for weights; the rest is for caches and activations."""
SHARE_OF_CPU = 0.8

_LLM = "llm."
_DISK = "disk"
_NOT_MOVED = [CACHE_ARGUMENT, "shared_prefix"]
"""Arguments that accelerate must not move: keys and values are already on their layer's device."""

Device = int | str
"""A device in accelerate's notation: the number of a GPU, "cpu" or "disk"."""

log = logging.getLogger(__name__)


def check_device_map(how: str, device: torch.device) -> bool:
    """Whether the network should be spread. Raises InputError if that is not possible here."""
    if how not in DEVICE_MAPS:
        raise InputError("device_map.unknown", name=repr(how), known=Listing(DEVICE_MAPS, "list.or"))
    if how == "none":
        return False
    if device.type not in ("cpu", "cuda") or device.index:
        raise InputError("device_map.start_invalid", device=str(device))
    _accelerate()
    return True


def free_bytes(main: torch.device) -> dict[Device, int]:
    """Bytes for weights on each device, in the order in which to fill them; without GPUs if `main` is not one."""
    room: dict[Device, int] = importlib.import_module("accelerate.utils").get_max_memory()
    gpus = {key: int(free * SHARE_OF_GPU) for key, free in room.items() if key != "cpu" and main.type == "cuda"}
    return {**gpus, "cpu": int(room["cpu"] * SHARE_OF_CPU)}


class Placement:
    """The devices of one network's parameters.

    Args:
        network: built on the meta device.
        main: the first GPU, or the CPU.
        dtype: of the weights.
        room: bytes by device, as `free_bytes` gives them; what fits nowhere goes to the disk.
    """

    def __init__(
        self, network: OspreyNetwork, main: torch.device, dtype: torch.dtype, room: Mapping[Device, int] | None = None
    ) -> None:
        self._main = main
        self._dtype = dtype
        self._main_key: Device = "cpu" if main.type == "cpu" else 0
        left = dict(free_bytes(main) if room is None else room)
        around = sum(p.numel() for name, p in network.named_parameters() if not name.startswith(_LLM)) * dtype.itemsize
        left[self._main_key] = max(0, left[self._main_key] - around)
        parts = _accelerate().infer_auto_device_map(
            network.llm, left, no_split_module_classes=[type(network.llm.model.layers[0]).__name__], dtype=dtype
        )
        self.parts: dict[str, Device] = dict(parts)
        """Device of each part of the language model, by the part's module name; "" is the whole model."""
        if "" not in self.parts:
            self.parts["model.rotary_emb"] = self._main_key  # its output is passed to every layer
        self._folder = tempfile.TemporaryDirectory(prefix="osprey-") if self.uses(_DISK) else None
        self._index: dict[str, Any] = {}

    def uses(self, device: Device) -> bool:
        """Whether any part of the language model is there."""
        return device in self.parts.values()

    def store(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """Move a parameter, by its name in the network, to its device; returns a meta tensor if that is the disk."""
        place = self._place_of(name)
        if place != _DISK:
            return tensor.to(device=place, dtype=self._dtype)
        assert self._folder is not None
        offload = importlib.import_module("accelerate.utils").offload_weight
        offload(tensor.to("cpu", self._dtype), name.removeprefix(_LLM), self._folder.name, self._index)
        return torch.empty_like(tensor, dtype=self._dtype, device="meta")  # shape and dtype for reading it back

    def connect(self, network: OspreyNetwork) -> None:
        """Make every part compute on its device; called after all parameters are stored."""
        llm = network.llm
        if set(self.parts.values()) == {self._main_key}:
            return
        if self._folder is not None:
            importlib.import_module("accelerate.utils").save_offload_index(self._index, self._folder.name)
        _accelerate().dispatch_model(
            llm,
            self.parts,
            main_device=self._main_key,
            offload_dir=None if self._folder is None else self._folder.name,
            skip_keys=_NOT_MOVED,
        )
        llm.weights_on_disk = self._folder  # type: ignore[assignment]  # there as long as the model is
        if self.uses(_DISK) or (self.uses("cpu") and self._main_key != "cpu"):
            lock = threading.RLock()
            for module in (llm, llm.model, llm.lm_head, llm.get_input_embeddings()):
                _one_at_a_time(module, lock)
        log.info("The language model lies on %s.", self.describe())

    def describe(self) -> str:
        """For a log: "cpu (3 parts), disk (30 parts)"."""
        devices = list(dict.fromkeys(self.parts.values()))
        return ", ".join(f"{device} ({list(self.parts.values()).count(device)} parts)" for device in devices)

    def _place_of(self, name: str) -> torch.device | Literal["disk"]:
        if not name.startswith(_LLM):
            return self._main
        path = name.removeprefix(_LLM).split(".")
        while ".".join(path) not in self.parts:
            path.pop()
        device = self.parts[".".join(path)]
        if device == _DISK:
            return "disk"
        return torch.device("cuda", device) if isinstance(device, int) else torch.device(device)


def is_offloaded(network: nn.Module) -> bool:
    """Whether some weights are moved to their device only while they are used."""
    return any(parameter.is_meta for parameter in network.parameters())


def _one_at_a_time(module: nn.Module, lock: threading.RLock) -> None:
    """Serialize the module's forward pass, so that no thread unloads weights that another thread is using."""
    forward = module.forward

    @functools.wraps(forward)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return forward(*args, **kwargs)

    module.forward = locked


def _accelerate() -> Any:
    try:
        return importlib.import_module("accelerate")
    except ImportError:
        raise InputError("device_map.accelerate_missing") from None
