"""What each kind of stage minimises. Pure functions of network, batch and heads."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.config import IMAGE_PLACEHOLDER_ID
from osprey_core.model import OspreyNetwork
from osprey_core.runtime.photo_levels import shared_photo_encoder
from osprey_core.training.batches import IGNORED, Batch


class ObjectiveOutcome(NamedTuple):
    """A loss to minimise and two shares that say how well the batch went."""

    loss: torch.Tensor
    token_accuracy: torch.Tensor
    """Share of learned positions (or regions) predicted right."""
    row_accuracy: torch.Tensor
    """Share of rows without a single wrong position."""
    region_accuracy: torch.Tensor = torch.tensor(torch.nan)
    """Share of regions named right from their mask tokens alone, where that is learned beside the answers."""
    image_token_accuracy: torch.Tensor = torch.tensor(torch.nan)
    """Share of image tokens inside a region that name it, where that is learned beside the answers."""


class RegionNamer(nn.Module):
    """A linear classifier of mask tokens; used in training alone.

    The token is normalised as the language model's first layer will: what can be told apart here can be there.
    """

    def __init__(self, token_dim: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(token_dim, eps=1e-5)
        self.linear = nn.Linear(token_dim, classes)

    def forward(self, mask_tokens: torch.Tensor) -> torch.Tensor:
        """(…, D) -> class scores (…, classes)."""
        return self.linear(self.norm(mask_tokens))


def region_loss(network: OspreyNetwork, namer: RegionNamer, batch: Batch) -> ObjectiveOutcome:
    """Name every masked region from its mask token alone."""
    _, levels = encode(network, batch)
    levels = {name: level[batch.pictures] for name, level in levels.items()}
    mask_tokens, _ = network.mask_extractor.extract(levels, batch.grids)  # (B, Q, D)
    scores = namer(mask_tokens)  # (B, Q, classes)
    loss = F.cross_entropy(scores.flatten(0, 1).float(), batch.names.flatten(), ignore_index=IGNORED)
    return _outcome(loss, scores.argmax(-1), batch.names)


def encode(network: OspreyNetwork, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Image tokens and levels of a batch's pictures, as `OspreyNetwork.encode_image` gives them."""
    if batch.photo_values is None:
        return network.encode_image(batch.pixel_values)
    photo_levels = shared_photo_encoder(str(batch.photo_values.device), in_bfloat16=False).encode(batch.photo_values)
    # What was computed in inference mode takes part in gradients as a copy alone.
    return network.encode_image(batch.pixel_values, {name: level.clone() for name, level in photo_levels.items()})


def text_loss(network: OspreyNetwork, batch: Batch) -> ObjectiveOutcome:
    """Next-token prediction on the dialogues' text; picture and regions are left out."""
    vocabulary = network.config.language.vocab_size
    is_text = (batch.ids >= 0) & (batch.ids < vocabulary)
    # Stable sort: each row's text moves to the front, in order.
    order = torch.argsort(~is_text, dim=1, stable=True)
    length = int(is_text.sum(1).max())
    ids = batch.ids.gather(1, order)[:, :length].clamp(min=0)
    labels = torch.where(is_text.gather(1, order)[:, :length] & (ids != 0), ids, IGNORED)
    labels = torch.cat([labels[:, 1:], labels.new_full((labels.shape[0], 1), IGNORED)], dim=1)
    hidden = network.llm.model(input_ids=ids.clamp(max=vocabulary - 1), use_cache=False).last_hidden_state
    return _language_outcome(network, hidden, labels)


def dialogue_loss(
    network: OspreyNetwork,
    batch: Batch,
    with_image_tokens: bool = True,
    answer_start_weight: float = 1.0,
    namer: RegionNamer | None = None,
    naming: float = 0.0,
    image_naming: float = 0.0,
) -> ObjectiveOutcome:
    """Osprey's own objective: the answers, given picture, regions and what was said before.

    Without image tokens the picture is seen through the regions' tokens alone. The first id of every answer weighs
    `answer_start_weight` in the mean, every other one 1. With a namer, naming regions from their mask tokens is added
    `naming` times, and from the image tokens inside them `image_naming` times.
    """
    image_tokens, levels = encode(network, batch)
    image_tokens = image_tokens[batch.pictures]
    ids, labels = batch.ids, batch.labels
    if not with_image_tokens:
        not_picture = ids != IMAGE_PLACEHOLDER_ID  # every row holds the picture's id equally often
        ids, labels = ids[not_picture].reshape(len(ids), -1), labels[not_picture].reshape(len(ids), -1)
    levels = {name: level[batch.pictures] for name, level in levels.items()}
    mask_tokens, spatial_tokens = network.mask_extractor.extract(levels, batch.grids)  # (B, Q, D) each
    rows, regions = batch.shown.unbind(1)
    embeds = network.splice(ids, image_tokens, mask_tokens[rows, regions], spatial_tokens[rows, regions])
    hidden = network.llm.model(inputs_embeds=embeds, use_cache=False).last_hidden_state
    outcome = _language_outcome(network, hidden, labels, answer_start_weight)
    if namer is None:
        return outcome
    mask_token_loss, region_accuracy = named_loss(namer(mask_tokens), batch.names)
    tokens_names = image_token_names(batch)
    inside = tokens_names != IGNORED
    image_token_loss, image_token_accuracy = named_loss(namer(image_tokens[inside]), tokens_names[inside])
    return ObjectiveOutcome(
        outcome.loss + naming * mask_token_loss + image_naming * image_token_loss,
        outcome.token_accuracy,
        outcome.row_accuracy,
        region_accuracy,
        image_token_accuracy,
    )


def image_token_names(batch: Batch) -> torch.Tensor:
    """The class of every image token, int64 (B, N): that of the one region whose mask reaches it, else IGNORED.

    Image tokens are the cells of res4, row by row. Where several regions reach a cell, say a part and its whole, it
    is not plain what the cell shows.
    """
    cells = batch.grids.cells["res4"].flatten(2)  # (B, Q, N)
    named = cells.to(batch.names.dtype) * (batch.names[..., None] - IGNORED)
    return torch.where(cells.sum(1) == 1, named.sum(1) + IGNORED, IGNORED)


def named_loss(scores: torch.Tensor, names: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and accuracy of class scores (…, classes); both 0 where nothing has a name."""
    known = names != IGNORED
    loss = F.cross_entropy(scores.flatten(0, -2).float(), names.flatten(), ignore_index=IGNORED, reduction="sum")
    count = known.sum().clamp(min=1)
    return loss / count, ((scores.argmax(-1) == names) & known).sum() / count


def _language_outcome(
    network: OspreyNetwork, hidden: torch.Tensor, labels: torch.Tensor, start_weight: float = 1.0
) -> ObjectiveOutcome:
    learned = labels != IGNORED
    # The head runs only where something is learned: a small part of every row.
    logits = network.llm.lm_head(hidden[learned])
    if start_weight == 1.0:
        loss = F.cross_entropy(logits.float(), labels[learned])
    else:
        starts = learned & ~F.pad(learned, (1, -1))
        weights = torch.where(starts, start_weight, 1.0)[learned]
        loss = (F.cross_entropy(logits.float(), labels[learned], reduction="none") * weights).sum() / weights.sum()
    predicted = torch.full_like(labels, IGNORED)
    predicted[learned] = logits.argmax(-1)
    return _outcome(loss, predicted, labels)


def _outcome(loss: torch.Tensor, predicted: torch.Tensor, labels: torch.Tensor) -> ObjectiveOutcome:
    learned = labels != IGNORED
    right = (predicted == labels) & learned
    rows = learned.any(-1)
    whole = (right == learned).all(-1) & rows
    return ObjectiveOutcome(loss, right.sum() / learned.sum().clamp(min=1), whole.sum() / rows.sum().clamp(min=1))
