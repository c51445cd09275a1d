"""Learns a small LLaMA-style vocabulary from text: byte-pair encoding with byte fallback."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import BpeTrainer

from osprey_core.errors import InputError
from osprey_core.language.tokens import SPACE, TextTokenizer

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def learn_tokenizer(texts: Iterable[str], vocab_size: int) -> TextTokenizer:
    """Learn a vocabulary of exactly `vocab_size` ids: `<unk>`, `<s>`, `</s>`, the 256 bytes, then pieces.

    No piece crosses a word start, so that cutting text at a space never changes its ids.

    Raises InputError when the texts do not hold enough pieces.
    """
    tokenizer = Tokenizer(BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = Split(SPACE, behavior="merged_with_next")
    specials = ["<unk>", "<s>", "</s>", *BYTES]
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[AddedToken(token, special=True) for token in specials],
        show_progress=False,
        min_frequency=2,
    )
    tokenizer.train_from_iterator((SPACE + text.replace(" ", SPACE) for text in texts), trainer)
    if tokenizer.get_vocab_size() != vocab_size:
        raise InputError("vocabulary.text_too_little", pieces=tokenizer.get_vocab_size(), wanted=vocab_size)
    # The special tokens are the vocabulary's first ids, in the order they were given.
    return TextTokenizer(Tokenizer(tokenizer.model), bos_id=1, eos_id=2)
