"""Find model files: the embedded model by its name, a local folder, or else the Hugging Face Hub.

No other module downloads weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from osprey_core.errors import ModelNotFoundError

EMBEDDED_MODEL = "nano"
EMBEDDED_FOLDER = Path(__file__).parents[1] / EMBEDDED_MODEL

PUBLISHED_MODEL = "sunshine-lwt/Osprey-7b"
CLIP_REPO = "laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup"
CLIP_FILE = "open_clip_pytorch_model.bin"
"""ConvNeXt-L CLIP, for published checkpoints without their vision tower."""

_REPO_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
_CHECKPOINT_PATTERNS = ["*.json", "*.safetensors", "*.bin", "tokenizer.model"]
_NOT_WEIGHTS = ["training_args.bin", "optimizer*", "scheduler*", "*/*"]


def find_checkpoint(name: str, revision: str | None = None) -> Path:
    """The folder of a model's files: "nano", a local folder, or a Hub repository (downloaded once, then cached).

    Args:
        name: the model's name as given by the person.
        revision: branch, tag or commit on the Hub; a local folder has none.

    Raises:
        ModelNotFoundError: no such folder or repository, or the Hub cannot be reached.
    """
    if name == EMBEDDED_MODEL:
        return EMBEDDED_FOLDER
    folder = _local(name)
    if folder is not None and folder.is_dir():
        return folder
    if folder is not None and folder.is_file():
        raise ModelNotFoundError("hub.name_is_file", name=name)
    if not _REPO_ID.fullmatch(name):
        raise ModelNotFoundError(
            "hub.model_unknown", name=repr(name), embedded=repr(EMBEDDED_MODEL), published=repr(PUBLISHED_MODEL)
        )

    def download() -> str:
        from huggingface_hub import snapshot_download

        return snapshot_download(
            name, revision=revision, allow_patterns=_CHECKPOINT_PATTERNS, ignore_patterns=_NOT_WEIGHTS
        )

    return _from_hub(name, revision, download)


def fetch_file(repo_id: str, filename: str, revision: str | None = None) -> Path:
    """One file of a Hub repository, downloaded once, then cached.

    Raises ModelNotFoundError as `find_checkpoint` does.
    """

    def download() -> str:
        from huggingface_hub import hf_hub_download

        return hf_hub_download(repo_id, filename, revision=revision)

    return _from_hub(f"{repo_id}/{filename}", revision, download)


def _local(name: str) -> Path | None:
    """The name as a path; None if it is not a valid path."""
    try:
        path = Path(name).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError):  # too long, an unknown ~user, a null byte
        return None
    return path


def _from_hub(what: str, revision: str | None, download: Callable[[], str]) -> Path:
    import httpx  # what the Hub's client speaks through; an interrupted download shows as one of its errors
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(download())
    except LocalEntryNotFoundError as error:  # before EntryNotFoundError, whose subclass it is
        raise ModelNotFoundError("hub.unreachable", name=what, embedded=repr(EMBEDDED_MODEL)) from error
    except GatedRepoError as error:
        raise ModelNotFoundError("hub.licence_required", name=what) from error
    except RevisionNotFoundError as error:
        raise ModelNotFoundError("hub.revision_unknown", name=what, revision=repr(revision)) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFoundError("hub.repository_unknown", name=repr(what)) from error
    except EntryNotFoundError as error:
        raise ModelNotFoundError("hub.file_unknown", name=repr(what)) from error
    except HFValidationError as error:
        raise ModelNotFoundError("hub.name_invalid", name=repr(what)) from error
    except (HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise ModelNotFoundError("hub.download_failed", name=what, reason=type(error).__name__) from error
