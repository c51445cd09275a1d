"""Load a model's network and tokenizer by its name; invalid combinations of options are refused first."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError
from osprey_core.language.tokens import TextTokenizer
from osprey_core.model import OspreyNetwork
from osprey_core.runtime import checkpoint, hub
from osprey_core.runtime.adapter import check_adapter, merge_adapter
from osprey_core.runtime.devices import resolve_device, resolve_dtype
from osprey_core.runtime.photo_levels import shared_photo_encoder
from osprey_core.runtime.photograph_network import PhotographNetwork, load_photograph_network
from osprey_core.runtime.picture_precision import multiplies_bfloat16
from osprey_core.runtime.placement import check_device_map, is_offloaded
from osprey_core.runtime.quantize import quantize as quantize_network
from osprey_core.runtime.quantize import replacement_for


class LoadedParts(NamedTuple):
    """What an `Osprey` is made of."""

    network: OspreyNetwork
    tokenizer: TextTokenizer
    photographs: PhotographNetwork | None
    """The second network of a model that has one."""
    reads_in_bfloat16: bool
    """Whether pictures are read in bfloat16, see `picture_precision`."""


def load_parts(
    name: str,
    *,
    device: str,
    dtype: str,
    revision: str | None,
    quantize: str,
    device_map: str,
    compiled: bool,
    adapter: Path | None = None,
    verify: bool = False,
) -> LoadedParts:
    """Networks and tokenizer of a model; arguments and errors are those of `Osprey.from_pretrained`.

    compiled: whether the caller will compile the network, which some options do not allow.
    """
    torch_device = resolve_device(device)
    torch_dtype = resolve_dtype(dtype, torch_device)
    replacement_for(quantize, torch_device)  # raises before anything is downloaded
    spread = check_device_map(device_map, torch_device)
    if spread and quantize != "none":
        raise InputError("engine.quantized_spread")
    if spread and compiled:
        raise InputError("engine.compiled_spread")
    if adapter is not None:
        check_adapter(adapter)
        if spread:
            raise InputError("engine.adapter_spread")
    files = checkpoint.inspect_folder(hub.find_checkpoint(name, revision, verify))
    vision_weights = _vision_weights(files) if checkpoint.needs_vision_weights(files) else None
    tokenizer = TextTokenizer.from_folder(files.folder)
    if tokenizer.vocab_size > files.config.language.vocab_size:
        raise CheckpointError(
            "engine.tokenizer_mismatch",
            folder=str(files.folder),
            pieces=tokenizer.vocab_size,
            embedded=files.config.language.vocab_size,
        )
    plain = dtype == "auto" and not compiled and not spread
    allowed = files.config.picture_precision == "bfloat16"
    reads_in_bfloat16 = plain and allowed and multiplies_bfloat16(torch_device)
    if files.config.vision.photo is not None or files.config.photographs is not None:
        # Missing weights are told now, not when a picture is opened.
        shared_photo_encoder(str(torch_device), reads_in_bfloat16)
    network = checkpoint.load_network(files, torch_device, torch_dtype, vision_weights, spread)
    if adapter is not None:
        merge_adapter(network, adapter)
    photographs = None
    if files.config.photographs is not None:
        if is_offloaded(network):
            raise InputError("engine.photographs_spread")
        # Of the adapted weights, before they are quantized: the difference is to those.
        photographs = load_photograph_network(files.folder, files.config, network)
        quantize_network(photographs.network.llm, quantize)
    quantize_network(network.llm, quantize)
    return LoadedParts(network, tokenizer, photographs, reads_in_bfloat16)


def _vision_weights(files: checkpoint.CheckpointFiles) -> Path:
    """CLIP's weights file, from the checkpoint's folder or from the Hub."""
    beside = files.folder / hub.CLIP_FILE
    if beside.is_file():
        return beside
    try:
        return hub.fetch_file(hub.CLIP_REPO, hub.CLIP_FILE)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(
            "checkpoint.vision_missing",
            folder=str(files.folder),
            file=hub.CLIP_FILE,
            repository=hub.CLIP_REPO,
            reason=error,
        ) from error
