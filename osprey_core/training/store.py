"""Made scenes as files: `python -m osprey_core.training.store --out data --atlas art-cache/atlas-train.npz`.

Writes `records.json`, in the shape of Osprey's published data, and `pictures/`. The training command reads them like
any other records; other programs can train on them too.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from osprey_core.errors import InputError, OspreyError
from osprey_core.training.config import TrainingConfig
from osprey_core.training.dialogues import DialogueOptions, DialogueSample, sample
from osprey_core.training.records.records import record_from_sample, save_records
from osprey_core.training.sources import SceneSource

log = logging.getLogger(__name__)

RECORDS_FILE = "records.json"
PICTURES_FOLDER = "pictures"


def store_samples(samples: Iterable[DialogueSample], folder: Path) -> Path:
    """Write pictures and records; returns the file of the records. Raises InputError where it cannot be written."""
    records = []
    try:
        (folder / PICTURES_FOLDER).mkdir(parents=True, exist_ok=True)
        for place, made in enumerate(samples):
            name = f"{PICTURES_FOLDER}/{place:07d}.png"
            Image.fromarray(made.image).save(folder / name)
            records.append(record_from_sample(str(place), name, made.masks, made.dialogue, made.region_names))
        save_records(records, folder / RECORDS_FILE)
    except OSError as error:
        raise InputError(
            "training.folder_unwritable", folder=str(folder), reason=str(error.strerror or error)
        ) from error
    return folder / RECORDS_FILE


def main(argv: Sequence[str] | None = None) -> int:
    """Make and write scenes; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.store", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--atlas", type=Path, help="sprites; without them scenes hold drawn objects and shapes only")
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = TrainingConfig()
    try:
        if options.count < 1:
            raise InputError("training.count_invalid", value=options.count)
        atlas = SceneSource(options.atlas, config.styles, config.things).load()
        seeds = tqdm(range(options.first_seed, options.first_seed + options.count), unit="scene", mininterval=10)
        written = store_samples((sample(seed, DialogueOptions(), atlas) for seed in seeds), options.out)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    log.info("Wrote %s.", written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
