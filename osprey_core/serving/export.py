"""The language model of an Osprey as a plain LLaMA in a folder, which other engines load without knowing Osprey."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

from osprey_core.errors import InputError
from osprey_core.language.tokens import TextTokenizer

if TYPE_CHECKING:  # vLLM's environment may lack what the encoder needs
    from osprey_core.engine import Osprey

CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE = "config.json", "model.safetensors", "tokenizer.json"


def export_language_model(llm: LlamaForCausalLM, tokenizer: TextTokenizer, folder: Path) -> None:
    """Write config.json, model.safetensors and the tokenizer's files, with the names of transformers.

    Raises InputError if the folder cannot be written to, or the weights are quantized.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in llm.state_dict().items()}
    if not all(tensor.is_floating_point() for tensor in tensors.values()):
        raise InputError("engine.quantized_save")
    if llm.config.tie_word_embeddings:
        del tensors["lm_head.weight"]  # the embeddings once more
    config = llm.config.to_dict() | {
        "architectures": ["LlamaForCausalLM"],
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": tokenizer.eos_id,
        "dtype": str(llm.dtype).removeprefix("torch."),
    }
    classes = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
        (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, default=str) + "\n", encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(classes) + "\n", encoding="utf-8")
        tokenizer.save(folder / TOKENIZER_FILE)
    except (OSError, SafetensorError) as error:
        reason = str(error).split("\n")[0]
        raise InputError("file.unwritable", path=str(folder), reason=reason) from error


def export_language_models(model: Osprey, folder: Path) -> list[Path]:
    """Export the language model of every network: into `folder`, and that for photographs into `folder`-photographs."""
    if folder.name in ("", ".."):  # such as ".": what stands beside it is called after its real name
        folder = folder.resolve()
    folders = [folder, folder.parent / f"{folder.name}-photographs"][: len(model.networks)]
    for network, target in zip(model.networks, folders, strict=True):
        export_language_model(network.llm, model.prompts.tokenizer, target)
    return folders
