"""Answers packed behind a prompt see the prompt and themselves, and are scored token by token."""

from __future__ import annotations

import pytest
import torch

from osprey_core.language.packed_answers import PackedAnswers


def test_every_answer_sees_the_prompt_and_itself() -> None:
    packed = PackedAnswers([(7,), (1, 2, 3), (4, 5), (1, 2, 9)])
    assert packed.ids == [1, 2, 4]
    assert packed.positions(2, "cpu").tolist() == [0, 1, 2, 3, 2]
    assert packed.visible(2, "cpu").int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]


def test_likelihoods_are_sums_over_an_answers_tokens() -> None:
    logs = torch.randn(3, 4, 11).log_softmax(-1)
    ours = PackedAnswers([(7,), (1, 2, 3), (4, 5), (1, 2, 9)]).likelihoods(logs)
    for row, got in zip(logs, ours, strict=True):
        expected = [row[0, 7], row[0, 1] + row[1, 2] + row[2, 3], row[0, 4] + row[3, 5]]
        expected.append(row[0, 1] + row[1, 2] + row[2, 9])
        assert got.tolist() == pytest.approx([float(one) for one in expected], abs=1e-5)
    assert PackedAnswers([]).likelihoods(logs[:, :1]).shape == (3, 0)
    assert PackedAnswers([()]).likelihoods(logs[:, :1]).tolist() == [[0.0]] * 3
