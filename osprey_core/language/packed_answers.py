"""Several answers to one prompt, read by the model in one pass: each sees the prompt and itself only.

It knows token ids and masks of attention, and no model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


class PackedAnswers:
    """Answers as ids, and what the model reads of them behind a prompt: of each, all ids but the last.

    Answers that begin alike share what is read: those of one token need nothing but the prompt.
    """

    def __init__(self, answers: Sequence[Sequence[int]]) -> None:
        self.answers = [tuple(answer) for answer in answers]
        inputs = [ids for ids in dict.fromkeys(answer[:-1] for answer in self.answers) if ids]
        self.ids = [token for ids in inputs for token in ids]
        """What is read behind the prompt."""
        self._owners = [place for place, ids in enumerate(inputs) for _ in ids]
        self._steps = [step for ids in inputs for step in range(len(ids))]
        starts, start = dict[tuple[int, ...], int](), 0
        for ids in inputs:
            starts[ids] = start
            start += len(ids)
        self._starts = starts

    def positions(self, prompt: int, device: torch.device | str) -> torch.Tensor:
        """int64 (prompt + ids): every answer begins behind the last of `prompt` positions, which are counted from 0."""
        behind = torch.tensor(self._steps, dtype=torch.int64, device=device)
        return torch.cat([torch.arange(prompt, device=device), prompt + behind])

    def visible(self, prompt: int, device: torch.device | str) -> torch.Tensor:
        """bool (prompt + ids, prompt + ids), query by key: what each position may attend to."""
        length = prompt + len(self.ids)
        places = torch.arange(length, device=device)
        owners = torch.tensor([-1] * prompt + self._owners, device=device)
        return (places <= places[:, None]) & ((owners == -1) | (owners == owners[:, None]))

    def likelihoods(self, logs: torch.Tensor) -> torch.Tensor:
        """float64 (B, A): the log-likelihood of every answer.

        Args:
            logs: (B, 1 + ids, V), log-probabilities of what follows the prompt and each of `ids`.
        """
        rows = []
        for answer in self.answers:
            start = 1 + self._starts.get(answer[:-1], 0)
            steps = [0, *range(start, start + len(answer) - 1)][: len(answer)]
            places = torch.tensor(steps, dtype=torch.int64, device=logs.device)
            following = torch.tensor(answer, dtype=torch.int64, device=logs.device)
            rows.append(logs[:, places, following].double().sum(1))
        return torch.stack(rows, 1) if rows else logs.new_zeros(len(logs), 0, dtype=torch.float64)
