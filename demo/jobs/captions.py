"""Caption all segments that the segmenter finds in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from demo.jobs.decoding import Decode, decode
from demo.jobs.requests import CaptionsRequest, Piece, SegmentCaption, SegmentFailure, SegmentName, Step
from demo.jobs.run import Ending, Job, Phase, run
from demo.session.conversation import Style
from demo.session.pictures import required_picture
from demo.session.segments import segments_in
from demo.session.services import Services
from demo.session.session import Captions, SecondCaptions, Session, new_captions
from demo.session.workspace import Workspace
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.vocabularies import Vocabulary


def describe_everything(
    services: Services,
    workspace: Workspace,
    style: Style,
    settings: SamplingSettings,
    decode: Decode = decode,
    interval: float = 0.25,
    vocabulary: Vocabulary | None = None,
) -> Iterator[Session]:
    """Caption all segments of the picture in front and write the captions into the workspace's session.

    A second model, if one is loaded, describes the same segments after the first one.

    vocabulary: classes that the CLIP chooses from, in the place of the models; the style is not used then.

    Yields at most every `interval` seconds. Ends early when it is stopped, or when another picture comes to the front.
    """
    session = workspace.session
    picture = required_picture(session)
    if style not in ("short", "detailed", "category"):
        raise InputError("page.bad_gesture")
    if vocabulary is not None and services.clip is None:
        raise InputError("page.no_clip")
    if session.captions is not None and session.captions.state == "running":
        raise InputError("page.busy_describing")
    segments = segments_in(services, session)
    if not segments:
        raise InputError("page.nothing_stands_out")
    captions = new_captions(style, len(segments), tuple(segments), services.model.name)
    # A second model that is still being loaded, or could not be, does not keep people waiting for the first one.
    if vocabulary is None and services.second is not None and services.second.state == "ready":
        captions = replace(captions, second=SecondCaptions(services.second.name))
    workspace.change(lambda now: replace(now, captions=captions) if now.picture is picture else now)
    masks = tuple(segment.mask for segment in segments)
    request = CaptionsRequest(picture, masks, style, settings, vocabulary)
    yield from run(services, CaptionsJob(workspace, captions, request), decode, interval)
    yield workspace.session


def stop_describing(services: Services, workspace: Workspace) -> Session:
    """Stop captioning; the captions so far stay."""
    captions = workspace.session.captions
    if captions is not None and captions.state == "running":
        services.running_jobs.stop(captions.id)
    return workspace.session


class CaptionsJob(Job[Session]):
    """Captions each region of a request and writes the captions into the session; so does the second model then."""

    kind = "captions"
    is_long = True

    def __init__(self, workspace: Workspace, captions: Captions, request: CaptionsRequest) -> None:
        self.id, self.person = captions.id, workspace.person
        self._workspace, self._captions, self._request = workspace, captions, request
        self.uses_clip = request.vocabulary is not None

    def is_wanted(self) -> bool:
        captions = self._workspace.session.captions
        return captions is not None and captions.id == self.id and captions.state == "running"

    def requests(self) -> list[CaptionsRequest]:
        second = self._captions.second
        return [self._request] if second is None else [self._request, replace(self._request, second=True)]

    def keep(self, place: int, piece: Piece) -> bool:
        if place == 1:
            return self._keep_second(piece)
        if isinstance(piece, SegmentName):
            self._captions = replace(self._captions, names=(*self._captions.names, (piece.place, piece.named)))
            return self._write()
        if isinstance(piece, Step):
            self._captions = replace(self._captions, preparing=(piece.done, piece.total))
            return self._write()
        if not isinstance(piece, SegmentCaption):
            return True
        rows = (*self._captions.rows, (piece.place, piece.text))
        self._captions = replace(self._captions, rows=rows, preparing=None)
        return self._write()

    def _keep_second(self, piece: Piece) -> bool:
        second = self._captions.second
        if second is None or not isinstance(piece, SegmentCaption | SegmentFailure):
            return True
        if isinstance(piece, SegmentCaption):
            second = replace(second, rows=(*second.rows, (piece.place, piece.text)))
        else:
            second = replace(second, failures=(*second.failures, (piece.place, piece.reason)))
        self._captions = replace(self._captions, second=second)
        return self._write()

    def shown(self, phase: Phase) -> Session | None:
        return None if phase == "opening" else self._workspace.session

    def settle(self, ending: Ending) -> None:
        is_complete = ending != "failed" and self._captions.is_whole
        self._captions = replace(self._captions, state="complete" if is_complete else "stopped")
        self._write()

    def _write(self) -> bool:
        """Update the session's captions; False if they are no longer there."""

        def change(session: Session) -> Session:
            is_current = session.captions is not None and session.captions.id == self.id
            return replace(session, captions=self._captions) if is_current else session

        return self._workspace.change(change).captions is self._captions
