"""Which parameters a stage trains, from which starting weights, by which optimiser and at which rate."""

from __future__ import annotations

import math

import torch
from torch import nn

from osprey_core.model import OspreyNetwork
from osprey_core.training import adapters
from osprey_core.training.config import TrainingConfig
from osprey_core.training.recipes import ALL_PARTS, Stage


def trainable(network: OspreyNetwork, stage: Stage) -> dict[str, list[nn.Parameter]]:
    """Freeze everything but the stage's parts; returns the parameters that learn, by part.

    Of a part with adapters, these alone learn.
    """
    learned: dict[str, list[nn.Parameter]] = {}
    for part in ALL_PARTS:
        module: nn.Module = getattr(network, part)
        module.requires_grad_(False)
        if part in stage.trains:
            learned[part] = adapters.parameters(module) or list(module.parameters())
            for parameter in learned[part]:
                parameter.requires_grad_(True)
    return learned


def make_optimizer(
    groups: dict[str, list[nn.Parameter]], stage: Stage, config: TrainingConfig, fused: bool = False
) -> torch.optim.Optimizer:
    """AdamW over parts; norms, biases and other vectors are not decayed, the encoder may learn more slowly."""
    settings = []
    for part, parameters in groups.items():
        share = stage.encoder_rate if part == "vision_tower" else 1.0
        matrices = [p for p in parameters if p.ndim >= 2]
        vectors = [p for p in parameters if p.ndim < 2]
        settings.append({"params": matrices, "weight_decay": config.weight_decay, "lr_share": share})
        settings.append({"params": vectors, "weight_decay": 0.0, "lr_share": share})
    return torch.optim.AdamW(settings, lr=stage.learning_rate, betas=config.betas, fused=fused)


def learning_rate(stage: Stage, step: int) -> float:
    """Linear warm-up, then a cosine down to a hundredth."""
    warmup = min(stage.warmup_steps, stage.steps // 2)
    if step < warmup:
        return stage.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, stage.steps - warmup)
    return stage.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def initialise(network: OspreyNetwork) -> None:
    """Starting weights for training from nothing.

    Connector and extractor get small normal weights. ConvNeXt's layer scale starts at 0.1: its usual 1e-6 is meant for
    far longer runs and would leave the blocks silent for most of a short one.
    """
    for name, parameter in network.vision_tower.named_parameters():
        if name.endswith("gamma"):
            nn.init.constant_(parameter, 0.1)
    for part in (network.mm_projector, network.mask_extractor):
        for module in part.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
