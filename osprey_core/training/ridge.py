"""Ridge regression on features that are standardised for it, given back as a map of raw features."""

from __future__ import annotations

import torch


def ridge(
    features: torch.Tensor,
    goal: torch.Tensor,
    strength: float,
    weights: torch.Tensor | None = None,
    prior: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted ridge regression around a prior.

    Args:
        features: float (R, D), raw; the penalty is on slopes for features of mean 0 and deviation 1.
        goal: float (R, K).
        strength: of the penalty per row.
        weights: float (R,), of the rows; by default all alike.
        prior: a map (D, K) and offset (K,) of raw features that the result is drawn towards; by default zeros.

    Returns:
        map (D, K) of raw features, and offset (K,).
    """
    mean, std = features.mean(0), features.std(0) + 1e-3
    normal = (features - mean) / std
    weights = (torch.ones(len(features)) if weights is None else weights / weights.mean())[:, None]
    missing = goal if prior is None else goal - features @ prior[0] - prior[1]
    offset = (missing * weights).sum(0) / weights.sum()
    weighted = normal * weights
    square = weighted.T @ normal + strength * len(normal) * torch.eye(features.shape[1])
    slope = torch.linalg.solve(square, weighted.T @ (missing - offset)) / std[:, None]
    offset = offset - mean @ slope
    return (slope, offset) if prior is None else (slope + prior[0], offset + prior[1])
