"""LoRA adapters in peft's format, merged into the language model's weights when a model is loaded."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError
from osprey_core.model import OspreyNetwork

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILES = ("adapter_model.safetensors", "adapter_model.bin")
OTHER_WEIGHTS_FILE = "non_lora_trainables.bin"
"""What LLaVA's training writes beside an adapter: other weights that were trained with it."""

_SHOWN_NAMES = 8


def check_adapter(folder: Path) -> None:
    """Raises an OspreyError if the folder holds no adapter or peft is not installed. Quick: before loading."""
    if not (folder / CONFIG_FILE).is_file() or not any((folder / name).is_file() for name in WEIGHTS_FILES):
        raise ModelNotFoundError("adapter.missing", folder=str(folder))
    if importlib.util.find_spec("peft") is None:
        raise InputError("adapter.peft_missing")
    if (folder / OTHER_WEIGHTS_FILE).is_file():
        raise CheckpointError("adapter.other_weights", folder=str(folder), file=OTHER_WEIGHTS_FILE)


def merge_adapter(network: OspreyNetwork, folder: Path) -> None:
    """Add the adapter's changes to the weights of `network.llm`, in place.

    Raises CheckpointError if the adapter is damaged, or was trained on a model of other layers or sizes.
    """
    from peft import PeftModel

    dtype = next(network.llm.parameters()).dtype
    wanted = _lora_names(folder)
    try:
        with _without_warnings():
            adapted: Any = PeftModel.from_pretrained(network.llm, str(folder), is_trainable=False)
        state = {name: tensor for name, tensor in adapted.state_dict().items() if ".lora_" in name}
        if lost := sorted(wanted - {name.replace(".default.", ".") for name in state}):
            raise CheckpointError("adapter.unfitting", folder=str(folder), reason=", ".join(lost[:_SHOWN_NAMES]))
        merged = adapted.merge_and_unload(safe_merge=True)
    except CheckpointError:
        raise
    except Exception as error:  # peft raises nearly anything for what does not fit
        reason = str(error).strip().split("\n")[0][:200]
        raise CheckpointError("adapter.unfitting", folder=str(folder), reason=reason) from error
    network.llm = merged.to(dtype)
    network.llm.requires_grad_(False).eval()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Inside, libraries do not warn of each other, which is no matter of the person who gives an adapter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _lora_names(folder: Path) -> set[str]:
    """Names of the adapter's tensors."""
    from peft.utils import load_peft_weights

    try:
        with _without_warnings():
            tensors: dict[str, torch.Tensor] = load_peft_weights(str(folder), device="cpu")
    except Exception as error:  # damaged files raise nearly anything
        raise CheckpointError("adapter.unfitting", folder=str(folder), reason=type(error).__name__) from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise CheckpointError("checkpoint.values_not_finite", folder=str(folder), names=next(iter(tensors)))
    return {name for name in tensors if ".lora_" in name}
