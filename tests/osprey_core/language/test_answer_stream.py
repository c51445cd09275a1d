"""What a stream of an answer tells besides its text."""

from __future__ import annotations

import pytest

from osprey_core.language import generation
from osprey_core.language.token_likelihood import SpelledToken, TokenLikelihood, spelled
from tests.tiny import tiny_tokenizer


def test_likelihoods_are_spelled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny_tokenizer()
    ids = [*tokenizer.encode_piece("a red cat"), tokenizer.eos_id]
    likelihoods = [TokenLikelihood(token, -0.5, ((token, -0.5), (tokenizer.eos_id, -2.0))) for token in ids]
    expected = [spelled(each, tokenizer.piece_bytes) for each in likelihoods[:-1]]
    asked: list[int] = []

    def counted(likelihood: TokenLikelihood, spell: object) -> SpelledToken:
        asked.append(likelihood.token)
        return spelled(likelihood, tokenizer.piece_bytes)

    monkeypatch.setattr(generation, "spelled", counted)
    stream = generation.AnswerStream(
        lambda _: (token for token in ids), tokenizer, (), prompt_tokens=1, likelihoods=likelihoods
    )
    for _ in stream:
        assert stream.likelihoods == expected[: stream.new_tokens]
        assert stream.likelihoods == expected[: stream.new_tokens]
    assert stream.likelihoods == expected
    assert asked == ids[:-1]
