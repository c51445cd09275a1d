"""A `RegionModel` and a segmenter whose work is done by the deployments of `ray_app`.

An answer whose replica dies is asked for again, from the words on that were already given; the caller notices a pause.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from PIL import Image
from ray import exceptions
from ray.serve.exceptions import DeploymentUnavailableError, ReplicaUnavailableError

from osprey_core.config import GenerationDefaults
from osprey_core.errors import OspreyError
from osprey_core.io.pictures import read_picture
from osprey_core.language.embedded_question import EmbeddedQuestion
from osprey_core.language.tokens import TextTokenizer
from osprey_core.region_model import Abilities
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask
from osprey_core.segment.protocol import BoxXYXY, OpenedPicture, PointXY, ScoredMask, check_picture
from osprey_core.serving.pumped import pumped
from osprey_core.serving.ray_messages import ModelFacts, SentPicture, SentQuestion, language_model_id
from osprey_core.serving.split_view import AskedQuestion, SplitView

ATTEMPTS = 3
"""So often an answer is tried before its failure is told."""
REPLICA_SECONDS = 600.0
"""How long a call may wait for a replica that is still loading, and for its result."""
ANSWERS_TOGETHER = 1024
"""Answers that one ingress may have under way; the replicas queue them."""

log = logging.getLogger(__name__)


class RayModel:
    """Asks the vision and the language deployment."""

    def __init__(self, facts: ModelFacts, vision: Any, language: Any) -> None:
        self._facts, self.vision, self.language = facts, vision, language

    @classmethod
    def connect(cls, vision: Any, language: Any) -> RayModel:
        """Wait until a vision replica has loaded the model. `vision`, `language`: handles of the deployments."""
        return cls(_retried(lambda: _told(vision.facts.remote())), vision, language)

    @property
    def name(self) -> str:
        return self._facts.name

    @property
    def device(self) -> str:
        """Device of the vision replicas."""
        return self._facts.device

    @property
    def dtype(self) -> str:
        return self._facts.dtype

    @property
    def is_embedded(self) -> bool:
        return self._facts.is_embedded

    @property
    def abilities(self) -> Abilities:
        return self._facts.abilities

    @property
    def generation_defaults(self) -> GenerationDefaults:
        return self._facts.generation_defaults

    @property
    def tokenizer(self) -> TextTokenizer:
        return self._facts.tokenizer

    @property
    def answers_together(self) -> int:
        """How many people may have an answer under way at a time."""
        return ANSWERS_TOGETHER

    def open(self, image: Image.Image | np.ndarray) -> RayView:
        """Put a picture where the replicas find it. Raises InputError if it cannot be read."""
        return RayView(self, np.asarray(read_picture(image)))


class RayView(SplitView):
    """A picture that vision replicas open when they are first asked about it."""

    def __init__(self, model: RayModel, pixels: NDArray[np.uint8]) -> None:
        self.model = model
        self.size_hw = (int(pixels.shape[0]), int(pixels.shape[1]))
        self.picture = sent_picture(pixels)

    @property
    def memory_bytes(self) -> int:
        """Bytes in Ray's store that this picture takes up."""
        return 3 * self.size_hw[0] * self.size_hw[1]

    @property
    def _tokenizer(self) -> TextTokenizer:
        return self.model.tokenizer

    def _embed(self, asked: AskedQuestion) -> SentQuestion:
        vision = self.model.vision.options(session_id=self.picture.digest)
        return _retried(lambda: _told(vision.embed.remote(self.picture, asked)))

    def _decode(
        self, asked: AskedQuestion, embedded: EmbeddedQuestion, should_stop: Callable[[], bool]
    ) -> Generator[int]:
        said: list[int] = []
        longest = embedded.settings.max_new_tokens or 0
        chosen = dataclasses.asdict(embedded.requested)  # the seed as it was drawn
        for attempt in range(ATTEMPTS):
            try:
                if attempt:
                    # The embedded beginning may have been lost with a vision replica.
                    again = self._embedded(dataclasses.replace(asked, settings=chosen, said=tuple(said)), should_stop)
                    if again is None:
                        return
                    embedded = again
                for token in self._tokens(embedded, should_stop):
                    said.append(token)
                    yield token
                    if token in embedded.ends or len(said) >= longest:
                        return
                return
            except _LOST as error:
                _raise_own(error)
                log.warning("A replica was lost after %d tokens of an answer (%s).", len(said), type(error).__name__)
                if attempt == ATTEMPTS - 1:
                    raise OspreyError("serving.replica_lost") from error

    def _tokens(self, embedded: EmbeddedQuestion, should_stop: Callable[[], bool]) -> Generator[int]:
        handle = self.model.language.options(
            stream=True,
            session_id=embedded.picture,
            multiplexed_model_id=language_model_id(self.model.name, embedded.network),
        )
        response = handle.decode.remote(embedded)
        with closing(pumped(response, should_stop, response.cancel)) as arriving:
            for tokens in arriving:
                for token in tokens:
                    if should_stop():
                        return
                    yield token


class RaySegmenter:
    """A `Segmenter` of the vision deployment."""

    def __init__(self, name: str, vision: Any) -> None:
        self.name, self._vision = name, vision

    def open(self, image: NDArray[np.uint8]) -> RaySegments:
        """Put a picture where the replicas find it. Raises InputError if it is no picture."""
        check_picture(image)
        return RaySegments(self._vision, sent_picture(image))

    def open_part(self, part: NDArray[np.uint8], whole: OpenedPicture) -> RaySegments:
        """See `Segmenter.open_part`: as a picture of its own."""
        return self.open(part)


class RaySegments:
    """An opened picture whose masks a vision replica finds."""

    def __init__(self, vision: Any, picture: SentPicture) -> None:
        self._vision, self._picture = vision.options(session_id=picture.digest), picture

    @property
    def memory_bytes(self) -> int:
        """What is kept of it lies with the replicas."""
        return 0

    def segment(
        self, points_xy: Sequence[PointXY] = (), labels: Sequence[int] = (), box_xyxy: BoxXYXY | None = None
    ) -> list[ScoredMask]:
        """See `OpenedPicture.segment`."""
        call = self._vision.segment
        found = _retried(lambda: _told(call.remote(self._picture, list(points_xy), list(labels), box_xyxy)))
        return [ScoredMask(mask.mask(), score) for mask, score in found]

    def preview(self, x: float, y: float) -> Mask:
        """See `OpenedPicture.preview`."""
        call = self._vision.preview
        mask: CodedMask = _retried(lambda: _told(call.remote(self._picture, x, y)))
        return mask.mask()

    def everything(self) -> list[ScoredMask]:
        """See `OpenedPicture.everything`."""
        found = _retried(lambda: _told(self._vision.everything.remote(self._picture)))
        return [ScoredMask(mask.mask(), score) for mask, score in found]


def sent_picture(pixels: NDArray[np.uint8]) -> SentPicture:
    """A picture uint8 (H, W, 3), put into Ray's store."""
    digest = hashlib.blake2b(str(pixels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return SentPicture(digest.hexdigest(), (ray.put(pixels),))


_LOST = (
    exceptions.RayError,
    DeploymentUnavailableError,
    ReplicaUnavailableError,
)
"""What a call raises whose replica, or whose data, is gone; and the wrapper of what the replica itself has raised."""


def _told(response: Any) -> Any:
    """The result of a call. Raises what the replica has raised, and Ray's errors where it is gone.

    Raises OspreyError if it takes longer than REPLICA_SECONDS.
    """
    try:
        return response.result(timeout_s=REPLICA_SECONDS)
    except exceptions.RayTaskError as error:
        _raise_own(error)
        raise
    except exceptions.RayError:
        raise  # one of them is a TimeoutError too
    except TimeoutError as error:
        raise OspreyError("serving.replica_lost") from error


def _retried(call: Callable[[], Any]) -> Any:
    """What `call` returns, asked again where a replica was lost meanwhile. Raises OspreyError in the end."""
    for attempt in range(ATTEMPTS):
        try:
            return call()
        except _LOST as error:
            log.warning("A replica was lost (%s).", type(error).__name__)
            if attempt == ATTEMPTS - 1:
                raise OspreyError("serving.replica_lost") from error
    raise AssertionError("every attempt returns or raises")


def _raise_own(error: BaseException) -> None:
    """Raise what a replica has raised, unless it was the loss of something in the cluster."""
    cause = error.cause if isinstance(error, exceptions.RayTaskError) else None
    if isinstance(cause, BaseException) and not isinstance(cause, exceptions.RayError):
        raise cause from None
    return None
