"""The language model of an Osprey as a plain LLaMA in a folder, which other engines load without knowing Osprey."""

from __future__ import annotations

import json
from pathlib import Path

from transformers import LlamaForCausalLM

from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.language.tokens import TextTokenizer
from osprey_core.runtime.checkpoint import check_writable, write_tensors
from osprey_core.runtime.quantize import is_quantized

CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE = "config.json", "model.safetensors", "tokenizer.json"


def export_language_model(llm: LlamaForCausalLM, tokenizer: TextTokenizer, folder: Path) -> None:
    """Write config.json, model.safetensors and tokenizer files into a folder, with the names of transformers.

    Raises InputError if the folder cannot be written to, or the weights are quantized.
    """
    if is_quantized(llm):
        raise InputError("engine.quantized_save")
    check_writable(folder)
    # Shared tensors are written once, as the library reads them.
    tied = bool(llm.config.tie_word_embeddings)
    tensors = {name: tensor.detach().cpu() for name, tensor in llm.state_dict().items()}
    write_tensors(folder / WEIGHTS_FILE, {name: t for name, t in tensors.items() if not (tied and "lm_head" in name)})
    config = llm.config.to_dict() | {
        "architectures": ["LlamaForCausalLM"],
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": tokenizer.eos_id,
        "dtype": str(llm.dtype).removeprefix("torch."),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, default=str) + "\n", encoding="utf-8")
    tokenizer.save(folder / TOKENIZER_FILE)
    classes = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(classes) + "\n", encoding="utf-8")


def export_language_models(model: Osprey, folder: Path) -> list[Path]:
    """Export the language model of every network: into `folder`, and that for photographs into `folder`-photographs."""
    folders = [folder, folder.with_name(folder.name + "-photographs")][: len(model.networks)]
    for network, target in zip(model.networks, folders, strict=True):
        export_language_model(network.llm, model.prompts.tokenizer, target)
    return folders
