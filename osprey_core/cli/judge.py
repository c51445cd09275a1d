"""`python -m osprey_core judge`: scores of labels for regions of a picture, by the model and by a CLIP."""

from __future__ import annotations

from typing import Any, TextIO

from osprey_core.analysis.label_results import label_results
from osprey_core.cli.loaders import Loaders, clip_view
from osprey_core.cli.marks import marked_regions
from osprey_core.cli.options import MAX_FILE_BYTES, JudgeOptions
from osprey_core.errors import InputError
from osprey_core.io.files import check_file_writable, plain_json, read_file, write_file
from osprey_core.io.pictures import read_picture


def judge(options: JudgeOptions, loaders: Loaders, out: TextIO, errors: TextIO) -> None:
    """Write one line for each label of each region to `out`, best first. With `out` as an option, also a JSON file.

    Raises InputError for fewer than two labels, or a model without likelihoods where there is no CLIP either.
    """
    if len(options.labels) < 2:
        raise InputError("cli.few_labels")
    if options.out is not None:
        check_file_writable(options.out)
    image = read_picture(read_file(options.image, MAX_FILE_BYTES))
    regions = marked_regions(options.marks, options.models, options.image.name, image, loaders, errors)
    model = loaders.model(options.models)
    view = model.open(image)
    clip = clip_view(options.models, loaders, view, image)
    has_likelihood = getattr(getattr(model, "abilities", None), "likelihood", True)
    if not has_likelihood and clip is None:
        raise InputError("cli.judge_unable", model=model.name)
    from osprey_core.analysis import clip_labels, label_likelihood  # slow to import

    masks = [region.mask.mask() for region in regions]
    by_clip = clip_labels.score_labels(clip, masks, options.labels) if clip is not None else (None,) * len(masks)
    results = []
    for region, mask, seen in zip(regions, masks, by_clip, strict=True):
        told = None
        if has_likelihood:
            told = label_likelihood.score_labels(view, mask, options.labels, rank_by=options.rank_by)
        scores = label_results(told, seen)
        results.append({"number": region.number, "name": region.name, **scores})
        out.write(f"Region {region.number}{': not sure' if scores['uncertain'] else ''}\n")
        out.writelines(f"{_line_of(entry)}\n" for entry in scores["labels"])
        out.flush()
    if options.out is not None:
        settings = {"model": options.models.model, "clip": options.models.labels, "rank_by": options.rank_by}
        write_file(options.out, plain_json({"settings": settings, "regions": results}).encode())


def _line_of(entry: dict[str, Any]) -> str:
    """ "  72.0 %  CLIP  61.3 %  lion", with what there is of the two."""
    shares = [f"{100 * entry['share']:5.1f} %"] if "share" in entry else []
    if "clip_share" in entry:
        shares.append(f"CLIP {100 * entry['clip_share']:5.1f} %")
    return f"  {'  '.join(shares)}  {entry['label']}"
