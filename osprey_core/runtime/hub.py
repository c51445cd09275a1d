"""Find model files: the embedded model by its name, a local folder, or else the Hugging Face Hub; put some there.

No other module asks the Hub. Files are fetched by `download`, which resumes and checks them, into the cache of the hub
library, which then finds them there.
"""

from __future__ import annotations

import contextlib
import fnmatch
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError, ModelNotFoundError, OspreyError
from osprey_core.runtime.download import (
    TRIES,
    DownloadProgress,
    HttpStatusError,
    WrongSumError,
    download,
    is_right,
    retried,
    tell,
)
from osprey_core.runtime.proxies import settle_proxies

log = logging.getLogger(__name__)

EMBEDDED_MODEL = "nano"
EMBEDDED_FOLDER = Path(__file__).parents[1] / EMBEDDED_MODEL

PUBLISHED_MODEL = "sunshine-lwt/Osprey-7b"
CLIP_REPO = "laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup"
CLIP_FILE = "open_clip_pytorch_model.bin"
"""ConvNeXt-L CLIP, for published checkpoints without their vision tower."""

_REPO_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
_CHECKPOINT_PATTERNS = ("*.json", "*.safetensors", "*.bin", "tokenizer.model")
_NOT_WEIGHTS = ("training_args.bin", "optimizer*", "scheduler*", "*/*")


def find_checkpoint(name: str, revision: str | None = None, verify: bool = False) -> Path:
    """The folder of a model's files: "nano", a local folder, or a Hub repository (downloaded once, then cached).

    Args:
        name: the model's name as given by the person.
        revision: branch, tag or commit on the Hub; a local folder has none.
        verify: whether to check the sums of files that were downloaded earlier, too.

    Raises:
        ModelNotFoundError: no such folder or repository, the Hub cannot be reached, or a file arrived damaged.
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
    return _Repository(name, revision, verify).snapshot(_CHECKPOINT_PATTERNS, _NOT_WEIGHTS)


def fetch_file(repo_id: str, filename: str, revision: str | None = None) -> Path:
    """One file of a Hub repository, downloaded once, then cached.

    Raises ModelNotFoundError as `find_checkpoint` does.
    """
    return _Repository(repo_id, revision).file(filename)


def upload(
    repo_id: str, files: Mapping[str, Path | bytes], message: str, private: bool = False, branch: str | None = None
) -> str:
    """Put files into a repository of a model on the Hub, as one commit; the repository is created if need be.

    Args:
        files: path in the repository → the file, or its content. Other files that are there stay.
        message: of the commit.
        private: whether a repository that is created is its owner's alone; one that is public already is refused.
        branch: another one than the main branch; it is created if need be.

    Returns:
        the commit's address.

    Raises:
        OspreyError: the Hub refuses, or cannot be reached, or the repository is public and should not be. No file is
            visible there then, though a repository or branch may have been created; large files that have arrived are
            not sent again by the next try.
    """
    settle_proxies()
    from huggingface_hub import CommitOperationAdd, HfApi

    try:
        api = HfApi()
        name = api.create_repo(repo_id, private=private or None, exist_ok=True).repo_id
        if private and api.model_info(name).private is False:  # an existing one is left as it is, without a word
            raise OspreyError("hub.push_public", name=name)
        if branch is not None:
            api.create_branch(name, branch=branch, exist_ok=True)
        additions = [CommitOperationAdd(path, content) for path, content in sorted(files.items())]
        commit = api.create_commit(name, additions, commit_message=message, revision=branch)
    except OspreyError:
        raise
    except Exception as error:
        reason = _upload_reason(repo_id, error)
        if reason is None:
            raise
        raise reason from error
    return str(commit.commit_url)


def _upload_reason(repo_id: str, error: Exception) -> OspreyError | None:
    """What an error of an upload means; None for an error of the program."""
    from huggingface_hub import errors

    causes = _causes(error)
    if any(isinstance(cause, errors.HFValidationError) for cause in causes):
        return InputError("hub.name_invalid", name=repr(repo_id))
    status = next((status for cause in causes if (status := _status_of(cause)) is not None), None)
    if status == 401:
        return OspreyError("hub.push_login", name=repo_id)
    if status == 403:
        return OspreyError("hub.push_forbidden", name=repo_id)
    if status == 404:
        return OspreyError("hub.push_unknown", name=repo_id)
    if status in (409, 412):
        return OspreyError("hub.push_conflict", name=repo_id)
    if status == 429:
        return OspreyError("hub.too_many_requests", name=repo_id)
    if status is not None and status >= 500:
        return OspreyError("hub.push_server_failing", name=repo_id, status=status)
    if status == 0 or any(isinstance(cause, errors.OfflineModeIsEnabled) for cause in causes):
        return OspreyError("hub.push_cut_off", name=repo_id)
    if status is not None or isinstance(error, OSError | RuntimeError | ValueError):
        told = getattr(error, "server_message", None) or getattr(error, "strerror", None) or type(error).__name__
        return OspreyError("hub.push_refused", name=repo_id, reason=" ".join(str(told).split())[:200])
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what caused it, the error first: uploads run in threads, whose errors are wrapped."""
    causes: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in causes:
        causes.append(current)
        current = current.__cause__ or current.__context__
    return causes


def _local(name: str) -> Path | None:
    """The name as a path; None if it is not a valid path."""
    try:
        path = Path(name).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError):  # too long, an unknown ~user, a null byte
        return None
    return path


@dataclass(frozen=True)
class _RemoteFile:
    """A file on the Hub, as its answer to a HEAD request describes it."""

    name: str
    etag: str
    size: int | None
    blob: Path
    """Where its content lies in the cache once it is there."""


class _Repository:
    """A repository on the Hub at a revision."""

    def __init__(self, repo_id: str, revision: str | None, verify: bool = False) -> None:
        settle_proxies()
        self._repo_id = repo_id
        self._revision = revision
        self._verify = verify
        self._tries = TRIES

    def snapshot(self, patterns: Sequence[str], without: Sequence[str]) -> Path:
        """The folder with all files whose names match one of the patterns and none of `without`."""
        from huggingface_hub import HfApi, snapshot_download

        def library(**options: Any) -> Path:
            options |= {"allow_patterns": list(patterns), "ignore_patterns": list(without)}
            return Path(str(snapshot_download(self._repo_id, revision=self._revision, **options)))

        def from_hub() -> Path:
            info = retried(lambda: HfApi().model_info(self._repo_id, revision=self._revision), _status_of, self._tries)
            names = [sibling.rfilename for sibling in info.siblings or []]
            wanted = [name for name in names if _matches(name, patterns) and not _matches(name, without)]
            if not wanted:
                raise ModelNotFoundError("hub.files_missing", name=self._repo_id)
            self._download_missing(wanted, info.sha)
            return retried(library, _status_of, self._tries)

        folder = self._found(self._repo_id, from_hub, lambda: library(local_files_only=True))
        for path in sorted(folder.rglob("*")) if self._verify else ():
            self._check(path)
        return folder

    def file(self, name: str) -> Path:
        """The path of one file."""
        from huggingface_hub import hf_hub_download

        def library(**options: Any) -> Path:
            return Path(str(hf_hub_download(self._repo_id, name, revision=self._revision, **options)))

        def from_hub() -> Path:
            self._download_missing([name], self._revision)
            return retried(library, _status_of, self._tries)

        path = self._found(f"{self._repo_id}/{name}", from_hub, lambda: library(local_files_only=True))
        if self._verify:
            self._check(path)
        return path

    def _check(self, path: Path) -> None:
        """Compare a file of the cache with its sum, which is the name of the content that it links to.

        Raises ModelNotFoundError, and removes the file, if the sum is another. Where the cache has no links, as on some
        systems, the sum is not known any more.
        """
        content = path.resolve()
        if content.is_file() and content != path and not is_right(content, content.name):
            path.unlink(missing_ok=True)
            content.unlink(missing_ok=True)
            raise ModelNotFoundError("hub.sum_wrong", name=f"{self._repo_id}/{path.name}")

    def _download_missing(self, names: Sequence[str], revision: str | None) -> None:
        """Fetch those of the files that the cache lacks at this revision; the library then finds their content."""
        from huggingface_hub import try_to_load_from_cache

        def is_cached(name: str) -> bool:
            return isinstance(try_to_load_from_cache(self._repo_id, name, revision=revision), str)

        # Of a branch, the cache may have what was there earlier.
        is_commit = re.fullmatch(r"[0-9a-f]{40}", revision or "") is not None
        lacking = [name for name in names if not (is_commit and is_cached(name))]
        files = [self._remote(name, revision) for name in lacking]
        # The etag is untrusted and becomes a file name; of one that is none, the library takes care.
        missing = [file for file in files if re.fullmatch(r"[\w-]+", file.etag) and not file.blob.is_file()]
        if missing:
            self._download(missing, revision)

    def _remote(self, name: str, revision: str | None) -> _RemoteFile:
        from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
        from huggingface_hub.file_download import repo_folder_name

        address = hf_hub_url(self._repo_id, name, revision=revision)
        metadata = retried(lambda: get_hf_file_metadata(address), _status_of, self._tries)
        etag = str(metadata.etag or "")
        folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=self._repo_id, repo_type="model")
        return _RemoteFile(name, etag, metadata.size, folder / "blobs" / etag)

    def _download(self, files: Sequence[_RemoteFile], revision: str | None) -> None:
        """Fetch files into the cache, one after the other, and tell how far they are."""
        from filelock import FileLock
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers, get_session
        from tqdm import tqdm

        total = sum(file.size or 0 for file in files)
        earlier = 0
        with tqdm(total=total, unit="B", unit_scale=True, desc=self._repo_id, disable=None) as bar:

            def arrived(count: int) -> None:
                bar.n = earlier + count
                bar.update(0)
                tell(DownloadProgress(earlier + count, total))

            tell(DownloadProgress(0, total))
            for file in files:
                file.blob.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(str(file.blob) + ".osprey-lock"):  # another process may be at it
                    if not file.blob.is_file():
                        download(
                            get_session(),
                            hf_hub_url(self._repo_id, file.name, revision=revision),
                            file.blob,
                            headers=build_hf_headers(),
                            size=file.size,
                            etag=file.etag,
                            arrived=arrived,
                        )
                Path(str(file.blob) + ".osprey-lock").unlink(missing_ok=True)
                earlier += file.size or 0

    def _found(self, what: str, from_hub: Callable[[], Path], from_cache: Callable[[], Path]) -> Path:
        """The path from the Hub, or, where the Hub does not answer as it should, from the cache.

        Raises ModelNotFoundError with the reason where neither has it.
        """
        with contextlib.suppress(Exception):
            from_cache()
            self._tries = 1  # there is something to go on with: nobody waits for a Hub that fails
        try:
            return from_hub()
        except ModelNotFoundError:
            raise
        except WrongSumError as error:
            raise ModelNotFoundError("hub.sum_wrong", name=what) from error
        except Exception as error:
            reason = self._reason(what, error)
            if reason is None:
                raise
            if reason.code != "hub.revision_unknown":
                try:
                    path = from_cache()
                except Exception:  # whatever is wrong with the cache, the Hub's answer is the reason
                    raise reason from error
                log.warning("%s The files of an earlier download are used.", reason)
                return path
            raise reason from error

    def _reason(self, what: str, error: Exception) -> ModelNotFoundError | None:
        """What an error of the hub library, its HTTP client or the disk means; None for an error of the program."""
        from huggingface_hub import errors

        if isinstance(error, errors.GatedRepoError):
            return ModelNotFoundError("hub.licence_required", name=what)
        if isinstance(error, errors.RevisionNotFoundError):
            return ModelNotFoundError("hub.revision_unknown", name=what, revision=repr(self._revision))
        if isinstance(error, errors.RepositoryNotFoundError):
            return ModelNotFoundError("hub.repository_unknown", name=repr(what))
        if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
            return ModelNotFoundError("hub.file_unknown", name=repr(what))
        if isinstance(error, errors.HFValidationError):
            return ModelNotFoundError("hub.name_invalid", name=repr(what))
        status = _status_of(error)
        if status == 401:
            return ModelNotFoundError("hub.login_invalid", name=what)
        if status == 403:
            return ModelNotFoundError("hub.access_denied", name=what)
        if status == 404:
            return ModelNotFoundError("hub.repository_unknown", name=repr(what))
        if status == 429:
            return ModelNotFoundError("hub.too_many_requests", name=what)
        if status is not None and status >= 500:
            return ModelNotFoundError("hub.server_failing", name=what, status=status)
        if status == 0 or isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
            return ModelNotFoundError("hub.unreachable", name=what, embedded=repr(EMBEDDED_MODEL))
        if status is not None or isinstance(error, OSError):
            reason = getattr(error, "strerror", None) or type(error).__name__
            return ModelNotFoundError("hub.download_failed", name=what, reason=str(reason))
        return None


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _status_of(error: BaseException) -> int | None:
    """The HTTP status of an error; 0 if no answer came; None if it has nothing to do with HTTP.

    The hub library speaks through httpx or httpx2, by its version; their errors are told by their module and base.
    """
    if isinstance(error, HttpStatusError):
        return error.status
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return status
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] in ("httpx", "httpx2")}
    if "HTTPError" in kinds or "TransportError" in kinds:
        return 0
    return None
