"""Scores of labels as JSON: those of a language model and of a CLIP in one list. Imports neither of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osprey_core.analysis.clip_labels import ClipLabelScores
    from osprey_core.analysis.label_likelihood import LabelScores


def label_results(scores: LabelScores | None, clip: ClipLabelScores | None) -> dict[str, Any]:
    """The scores of one region's labels, at least one of the two given.

    Returns:
        labels, best first by the model, or by the CLIP where it stands alone: label; share and log_likelihood by the
        model; clip_share and clip_cosine. Also on_list and clip_on_list, and uncertain: whether the first label should
        not be trusted.
    """
    leading = scores or clip
    assert leading is not None
    told = {score.label: score for score in scores.ranked} if scores is not None else {}
    seen = clip.by_label if clip is not None else {}
    labels = []
    for label in (score.label for score in leading.ranked):
        entry: dict[str, Any] = {"label": label}
        if label in told:
            entry |= {"share": told[label].share, "log_likelihood": told[label].log_likelihood}
        if label in seen:
            entry |= {"clip_share": seen[label].share, "clip_cosine": seen[label].cosine}
        labels.append(entry)
    results: dict[str, Any] = {"labels": labels}
    if scores is not None:
        results["on_list"] = scores.on_list
    if clip is not None:
        results["clip_on_list"] = clip.on_list
    return results | {"uncertain": leading.is_uncertain}
