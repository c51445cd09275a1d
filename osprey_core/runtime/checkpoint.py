"""Reading and writing weights: the published layout (.bin shards or safetensors) and our own.

Tensors are read one at a time into a network built on the meta device, so that there are never two copies in memory.
All files are local; `hub` finds them, `loading` combines both.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from osprey_core.config import FORMAT, OspreyConfig
from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError
from osprey_core.i18n import Listing, Message
from osprey_core.io.files import write_file
from osprey_core.language.tokens import TextTokenizer
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.unfilled import unfilled
from osprey_core.runtime.placement import Placement

log = logging.getLogger(__name__)

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
ADAPTER_FILE = "adapter_config.json"
"""What peft writes beside the weights of an adapter."""
TOKENIZER_FILE = "tokenizer.json"

_WRAPPERS = ("module.", "_orig_mod.", "base_model.model.")
"""What DataParallel, torch.compile and peft put before every name of the model that they wrap."""
_LORA = (".lora_A.", ".lora_B.", ".lora_embedding_A.", ".base_layer.")

_TOWER = "model.vision_tower.vision_tower.visual."
_SHOWN_NAMES = 8


@dataclass(frozen=True)
class CheckpointFiles:
    """The contents of a checkpoint folder."""

    folder: Path
    layout: Literal["own", "published"]
    config: OspreyConfig
    weights: tuple[Path, ...]


def inspect_folder(folder: Path) -> CheckpointFiles:
    """Find config and weights of a checkpoint folder, of either layout.

    Raises:
        ModelNotFoundError: config.json or the weights are not there, or a shard named by the index is missing.
        CheckpointError: config.json is unreadable or describes something else.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        if (folder / ADAPTER_FILE).is_file():
            raise CheckpointError("checkpoint.adapter_weights", folder=str(folder))
        raise ModelNotFoundError("checkpoint.config_missing", folder=str(folder))
    values = read_json(path)
    own = values.get("format") == FORMAT
    config = OspreyConfig.from_dict(values) if own else OspreyConfig.from_published(values)
    return CheckpointFiles(folder, "own" if own else "published", config, _weight_files(folder))


def rename_published(name: str) -> str | None:
    """Our parameter's name for a published checkpoint's tensor; None for unused tensors.

    Unused are rotary frequencies (computed), and CLIP's pooled head (not used by Osprey).
    """
    if name.endswith("rotary_emb.inv_freq"):
        return None
    if name.startswith(_TOWER):
        return _rename_visual(name.removeprefix(_TOWER))
    if name.startswith("model.mm_projector."):
        return name.removeprefix("model.")
    if name.startswith(("model.", "lm_head.")):
        return f"llm.{name}"
    return name


def needs_vision_weights(files: CheckpointFiles) -> bool:
    """Whether the checkpoint lacks its vision tower, so that `load_network` needs CLIP's weights file."""
    if files.layout == "own":
        return False
    tower = f"{_wrapper_of(files)}{_TOWER}trunk."
    return not any(name.startswith(tower) for path in files.weights for name in _tensor_names(path))


def read_clip_image_side(files: CheckpointFiles) -> dict[str, torch.Tensor]:
    """The image side of the CLIP whose tower a published checkpoint has: trunk and head, named as open_clip does.

    Osprey itself does not use the head. {} where the checkpoint lacks trunk or head, as all in our own layout do.
    """
    if files.layout == "own":
        return {}
    tower = f"{_wrapper_of(files)}{_TOWER}"
    found: dict[str, torch.Tensor] = {}
    for path in files.weights:
        for name, tensor in read_tensors(path, tower):
            found[f"visual.{name.removeprefix(tower)}"] = tensor
    needed = ("visual.trunk.stem.", "visual.trunk.head.", "visual.head.")
    return found if all(any(name.startswith(part) for name in found) for part in needed) else {}


def load_network(
    files: CheckpointFiles,
    device: torch.device,
    dtype: torch.dtype,
    vision_weights: Path | None = None,
    spread: bool = False,
) -> OspreyNetwork:
    """Build the network and fill it from the files.

    Args:
        files: from `inspect_folder`.
        device, dtype: device and dtype of every parameter.
        vision_weights: a CLIP checkpoint of open_clip, read if the checkpoint has no vision tower.
        spread: whether layers that do not fit on `device` go to other devices, see `placement`.

    Returns:
        the network in eval mode, without gradients.

    Raises:
        CheckpointError: missing, unexpected or mis-shaped tensors, all listed in one message, or a broken file.
    """
    wrapper = _wrapper_of(files)
    with unfilled():
        network = build_network(files.config)
    placement = Placement(network, device, dtype) if spread else None
    wanted = network.state_dict(keep_vars=True)  # buffers too, of encoders that have some
    found: set[str] = set()
    on_disk: set[str] = set()
    unexpected: list[str] = []
    misshaped: list[str] = []
    not_finite: list[str] = []
    sources = [(path, rename_published if files.layout == "published" else _same_name) for path in files.weights]
    if vision_weights is not None:
        sources.append((vision_weights, _rename_clip))
    for path, rename in sources:
        for name, tensor in read_tensors(path):
            ours = rename(name if path == vision_weights else name.removeprefix(wrapper))
            if ours is None or ours in found:
                continue
            if ours not in wanted:
                unexpected.append(name)
            elif tensor.shape != wanted[ours].shape:
                misshaped.append(f"{name} is {tuple(tensor.shape)}, not {tuple(wanted[ours].shape)}")
                found.add(ours)
            else:
                found.add(ours)
                if not _is_finite(tensor):
                    not_finite.append(name)
                    continue
                if not tensor.is_floating_point() or not isinstance(wanted[ours], nn.Parameter):
                    _assign_buffer(network, ours, tensor.to(device=device, dtype=_kept_dtype(tensor, dtype)))
                elif placement is None:
                    _assign(network, ours, tensor.to(device=device, dtype=dtype))
                else:
                    placed = placement.store(ours, tensor)
                    _assign(network, ours, placed)
                    if placed.is_meta:
                        on_disk.add(ours)
    if not_finite:
        names = _shorten(not_finite)
        raise CheckpointError("checkpoint.values_not_finite", folder=str(files.folder), names=names)
    missing = [name for name in wanted if name not in found]
    if missing or unexpected or misshaped:
        raise mismatch(files.folder, missing, unexpected, misshaped)
    # Rotary frequencies are computed, not stored; on the meta device they were not.
    network.llm.model.rotary_emb = LlamaRotaryEmbedding(config=network.llm.config).to(device)
    tensors = (*network.named_parameters(), *network.named_buffers())
    left = {name for name, tensor in tensors if tensor.is_meta} - on_disk
    assert not left, f"left on the meta device: {left}"
    network.eval().requires_grad_(False)
    if placement is not None:
        placement.connect(network)
    return network


def mismatch(folder: Path, missing: list[str], unexpected: list[str], misshaped: list[str]) -> CheckpointError:
    """The error for weights that do not fit their model, all of them in one sentence."""
    problems = (
        ("checkpoint.tensors_missing", missing),
        ("checkpoint.tensors_unexpected", unexpected),
        ("checkpoint.tensors_misshaped", misshaped),
    )
    told = tuple(Message(code, {"count": len(names), "names": _shorten(names)}) for code, names in problems if names)
    listed = Listing(told, "list.semicolon")
    return CheckpointError("checkpoint.weights_mismatch", folder=str(folder), problems=listed)


def check_finite(folder: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Raise CheckpointError if any of the weights is no number or infinite."""
    if names := [name for name, tensor in tensors.items() if not _is_finite(tensor)]:
        raise CheckpointError("checkpoint.values_not_finite", folder=str(folder), names=_shorten(names))


def save(
    folder: Path,
    network: OspreyNetwork,
    tokenizer: TextTokenizer,
    dtype: torch.dtype | None = None,
    with_photographs: bool = False,
) -> None:
    """Write our own layout: config.json, model.safetensors, tokenizer.json.

    Args:
        folder: created if it does not exist; files of the same names are replaced.
        dtype: of the stored tensors; None keeps the network's.
        with_photographs: whether the caller writes the second network of a model that has one beside it. Otherwise the
            config says nothing of it: differences to other weights are none to these.

    Raises:
        InputError: the folder cannot be written to, or the disk is full.
    """
    check_writable(folder)
    tensors = {
        name: tensor.detach().to(device="cpu", dtype=_kept_dtype(tensor, dtype or tensor.dtype))
        for name, tensor in network.state_dict().items()
    }
    write_tensors(folder / WEIGHTS_FILE, tensors)
    try:
        tokenizer.save(folder / TOKENIZER_FILE)
    except Exception as error:  # the library raises a bare Exception
        raise _unwritable(folder / TOKENIZER_FILE, error) from error
    config = network.config if with_photographs else dataclasses.replace(network.config, photographs=None)
    write_config(folder, config)


def write_config(folder: Path, config: OspreyConfig) -> None:
    """Write a checkpoint's config.json. Raises InputError if it cannot be written."""
    text = json.dumps(config.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_file(folder / CONFIG_FILE, text.encode())


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a file of safetensors. Raises InputError if it cannot be written."""
    # Written to a temporary file and renamed, so that an interrupted save leaves the old weights intact.
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(b"")
        mode = partial.stat().st_mode  # as the umask says; the library would write for the owner only
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata={"format": "pt"})
        partial.chmod(mode)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def check_writable(folder: Path) -> None:
    """Create the folder unless it exists. Raises InputError if no file can be written into it."""
    trial = folder / (WEIGHTS_FILE + ".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"")
        trial.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(folder, error) from error


def _unwritable(path: Path, error: Exception) -> InputError:
    """The error for a file that cannot be written: with the system's reason, also out of the library's words."""
    reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
    inner = re.search(r'message: "([^"]+)"', reason)  # how a library of Rust shows an error of the system
    return InputError("file.unwritable", path=str(path), reason=inner[1] if inner else reason)


def _wrapper_of(files: CheckpointFiles) -> str:
    """What stands before every name because the model was saved while it was wrapped; "" for a plain checkpoint.

    Raises CheckpointError for weights of a LoRA adapter, which are no model of their own.
    """
    names = _tensor_names(files.weights[0])
    if any(part in name for name in names for part in _LORA):
        raise CheckpointError("checkpoint.adapter_weights", folder=str(files.folder))
    wrapper = ""
    while names:
        longer = next((wrapper + more for more in _WRAPPERS if names[0].startswith(wrapper + more)), None)
        if longer is None or not all(name.startswith(longer) for name in names):
            break
        wrapper = longer
    return wrapper


def _rename_visual(name: str) -> str | None:
    """A tensor of CLIP's `visual.`: its trunk is the encoder, its heads are unused."""
    if name.startswith("trunk.") and not name.startswith("trunk.head."):
        return f"vision_tower.{name}"
    return None


def _rename_clip(name: str) -> str | None:
    """A tensor of a whole CLIP model: the text encoder and the scale are not used."""
    return _rename_visual(name.removeprefix("visual.")) if name.startswith("visual.") else None


def _same_name(name: str) -> str:
    return name


def _weight_files(folder: Path) -> tuple[Path, ...]:
    """Weights by preference: safetensors before .bin, one file before shards."""
    for stem in (WEIGHTS_FILE, "pytorch_model.bin"):
        if (folder / stem).is_file():
            return (folder / stem,)
        index = folder / f"{stem}.index.json"
        if index.is_file():
            names = _shards_of(folder, index)
            if lost := [name for name in names if not (folder / name).is_file()]:
                raise ModelNotFoundError(
                    "checkpoint.shards_missing", folder=str(folder), names=", ".join(lost), index=index.name
                )
            if names:
                return tuple(folder / name for name in names)
    raise ModelNotFoundError("checkpoint.weights_missing", folder=str(folder))


def _shards_of(folder: Path, index: Path) -> list[str]:
    """Names of the weights files that an index names. Raises CheckpointError for others than names in this folder."""
    weight_map = read_json(index).get("weight_map", {})
    names = set(weight_map.values()) if isinstance(weight_map, dict) and _are_texts(weight_map.values()) else None
    # A downloaded index is untrusted: it must not open files elsewhere on this machine.
    if names is None or any(Path(name).name != name or name in ("", ".", "..") or "\\" in name for name in names):
        raise CheckpointError("checkpoint.index_invalid", folder=str(folder), index=index.name)
    return sorted(names)


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) and "\0" not in value for value in values)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a file. Raises CheckpointError if it is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise CheckpointError("checkpoint.json_unreadable", path=str(path), reason=str(error)) from error
    if not isinstance(values, dict):
        raise CheckpointError("checkpoint.json_not_object", path=str(path))
    return values


def _tensor_names(path: Path) -> list[str]:
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt") as tensors:
                return list(tensors.keys())
        except (SafetensorError, OSError) as error:
            raise _broken(path, error) from error
    return list(_load_pickle(path))


def read_tensors(path: Path, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Name and tensor, one at a time, memory-mapped where the format allows. Raises CheckpointError if it is broken.

    prefix: what the names of the wanted tensors begin with.
    """
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 -- not a dict
                    if name.startswith(prefix):
                        yield name, tensors.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise _broken(path, error) from error
    else:
        yield from ((name, tensor) for name, tensor in _load_pickle(path).items() if name.startswith(prefix))


def _load_pickle(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except Exception as error:  # damaged pickles raise anything from EOFError to struct.error
        raise _broken(path, error) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise CheckpointError("checkpoint.tensors_not_dictionary", path=str(path))
    return {name: tensor for name, tensor in content.items() if isinstance(tensor, torch.Tensor)}


def _is_zip(path: Path) -> bool:
    """Only torch's zip format can be memory-mapped; files of old versions are not zips."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _broken(path: Path, error: Exception) -> CheckpointError:
    reason = str(error).strip().split("\n")[0][:120]
    return CheckpointError("checkpoint.file_damaged", path=str(path), reason=reason)


def _is_finite(tensor: torch.Tensor) -> bool:
    """Whether all values are finite. One pass without a copy: the extremes are NaN or infinite if any value is."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    low, high = torch.aminmax(tensor)
    return bool(torch.isfinite(low) & torch.isfinite(high))


def _assign(network: nn.Module, name: str, tensor: torch.Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=False))


def _assign_buffer(network: nn.Module, name: str, tensor: torch.Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(owner), leaf, tensor)


def _kept_dtype(tensor: torch.Tensor, dtype: torch.dtype) -> torch.dtype:
    """Counts stay whole numbers whatever precision weights get."""
    return dtype if tensor.is_floating_point() else tensor.dtype


def _shorten(names: list[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
