"""The mean of two models of one lineage: `python -m osprey_core.training.averaging BEFORE AFTER --out FOLDER`.

Further training improves some answers and spoils others. The mean of the weights before and after it often answers
better than either (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022, section 3). This module does not
know how the two models were trained.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from osprey_core.engine import Osprey
from osprey_core.errors import InputError, OspreyError
from osprey_core.model import OspreyNetwork
from osprey_core.runtime import checkpoint

log = logging.getLogger(__name__)


def average(before: OspreyNetwork, after: OspreyNetwork, share: float) -> None:
    """Set `before` to (1 - share) before + share after, in place and in its own precision; `after` is not changed.

    Raises InputError unless share is in [0, 1] and both have the same sizes.
    """
    if not 0 <= share <= 1:
        raise InputError("averaging.share_outside", value=share)
    ours, theirs = before.state_dict(), after.state_dict()
    if {name: tensor.shape for name, tensor in ours.items()} != {name: t.shape for name, t in theirs.items()}:
        raise InputError("averaging.sizes_differ")
    with torch.no_grad():
        for name, tensor in ours.items():
            if tensor.is_floating_point():
                tensor.lerp_(theirs[name].to(tensor), share)


def main(argv: Sequence[str] | None = None) -> int:
    """Average two models; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.averaging", description=__doc__)
    parser.add_argument("before", help='"nano", a folder or a Hub name')
    parser.add_argument("after", help="the same, after more training")
    parser.add_argument("--share", type=float, default=0.5, help="of the second model, 0 to 1")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        one, two = (Osprey.from_pretrained(name, "cpu", "float32") for name in (options.before, options.after))
        average(one.network, two.network, options.share)
        checkpoint.save(options.out, one.network, one.prompts.tokenizer, torch.float16)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    except OSError as error:
        log.error("%s cannot be written: %s.", options.out, error.strerror or error)
        return 2
    log.info("Wrote %s.", options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
