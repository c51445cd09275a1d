"""Conversion of text to token ids and back, piece by piece, as in the published model's training.

A LLaMA vocabulary is plain byte-pair encoding over `▁`-marked text. Every piece of a prompt is encoded separately with
one extra leading `▁`, and special tokens inside text are never recognised. Because of these two rules the module works
on the vocabulary directly instead of using an existing tokenizer class.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import BPE

from osprey_core.errors import CheckpointError

SPACE = "▁"  # ▁, sentencepiece's visible space


class TextTokenizer:
    """Byte-pair encoding of prompt pieces.

    Args:
        bpe: the vocabulary, without normaliser, added tokens or post-processing.
        bos_id, eos_id: ids of `<s>` and `</s>`, which never come from encoded text.
    """

    def __init__(self, bpe: Tokenizer, bos_id: int, eos_id: int) -> None:
        self._bpe = bpe
        self.bos_id = bos_id
        self.eos_id = eos_id

    @classmethod
    def from_folder(cls, folder: Path) -> TextTokenizer:
        """Read `tokenizer.json`, or else sentencepiece's `tokenizer.model`.

        Raises CheckpointError if neither exists or it is not a LLaMA-style vocabulary.
        """
        if (folder / "tokenizer.json").is_file():
            return cls(*_read_tokenizer_json(folder / "tokenizer.json"))
        if (folder / "tokenizer.model").is_file():
            return cls(*_read_sentencepiece(folder / "tokenizer.model"))
        raise CheckpointError("tokenizer.missing", folder=str(folder))

    def save(self, path: Path) -> None:
        """Write a `tokenizer.json` that `from_folder` reads back to the same ids."""
        self._bpe.save(str(path))

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones included."""
        return self._bpe.get_vocab_size()

    def encode_piece(self, text: str) -> list[int]:
        """Ids of one prompt piece: one `▁` in front, no BOS, nothing special inside. Empty text has no ids."""
        return self.encode_continuation(" " + text) if text else []

    def encode_continuation(self, text: str) -> list[int]:
        """Ids of text that continues earlier ids: as `encode_piece` without the extra `▁`."""
        if not text:
            return []
        return self._bpe.encode(text.replace(" ", SPACE), add_special_tokens=False).ids

    def spell(self, text: str) -> list[int]:
        """Ids of the text encoded one character at a time, so that they never equal the ids of a template word."""
        return [token for character in text for token in self.encode_continuation(character)]

    def decode(self, ids: list[int]) -> str:
        """Text of ids. The first leading space is kept; BOS and EOS are dropped; broken UTF-8 shows as U+FFFD."""
        return b"".join(map(self.piece_bytes, ids)).decode("utf-8", errors="replace")

    def piece_bytes(self, token: int) -> bytes:
        """UTF-8 bytes of one id, possibly a part of a character; empty for BOS, EOS and unknown ids."""
        piece = None if token in (self.bos_id, self.eos_id) else self._bpe.id_to_token(token)
        if piece is None:
            return b""
        if _is_byte(piece):
            return bytes([int(piece[3:5], 16)])
        return piece.replace(SPACE, " ").encode()


def _is_byte(piece: str) -> bool:
    """Whether the piece stands for one byte, such as `<0x0A>`."""
    return len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")


def _bare(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """A BPE without normaliser or post-processing; characters missing from the vocabulary are encoded as bytes."""
    return Tokenizer(BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))


def _special_ids(vocab: dict[str, int], path: Path) -> tuple[int, int]:
    try:
        return vocab["<s>"], vocab["</s>"]
    except KeyError as missing:
        raise CheckpointError("tokenizer.token_missing", path=str(path), token=str(missing)) from None


def _read_tokenizer_json(path: Path) -> tuple[Tokenizer, int, int]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        model = content["model"]
        vocab = model["vocab"]
        pairs = (m.split(" ", 1) if isinstance(m, str) else m for m in model["merges"])
        merges = [(first, second) for first, second in pairs]
        bpe = _bare(vocab, merges)
        for piece in filter(_is_byte, vocab):
            int(piece[3:5], 16)
    except Exception as error:  # the tokenizers library raises bare Exceptions for inconsistent merges
        raise CheckpointError("tokenizer.not_byte_pair", path=str(path), reason=str(error)) from error
    return bpe, *_special_ids(vocab, path)


def _read_sentencepiece(path: Path) -> tuple[Tokenizer, int, int]:
    import sentencepiece  # deferred: only checkpoints without a tokenizer.json need it

    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise CheckpointError("tokenizer.not_sentencepiece", path=str(path), reason=str(error)) from error
    pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    return _bare(vocab, _merges_of(pieces, vocab)), *_special_ids(vocab, path)


def _merges_of(pieces: list[str], vocab: dict[str, int]) -> list[tuple[str, str]]:
    """Sentencepiece merges the pair whose joined piece has the best score, which in a BPE model is the lowest id.

    So every way to split a piece into two known pieces is a merge of that piece's rank; among the ways to build one
    piece, the order does not change which pairs join first.
    """
    merges = []
    for piece in pieces:
        ways = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        known = [(a, b) for a, b in ways if a in vocab and b in vocab]
        merges += sorted(known, key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))
    return merges
