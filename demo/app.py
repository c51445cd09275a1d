"""The page: panels put together and wired to the handlers. All Gradio components are made here or in demo/canvas.

Decides nothing about regions or answers; it translates between components and `demo.handlers`, and turns every error
into one sentence that leaves picture, regions and chat as they were.
"""

from __future__ import annotations

import base64
import html
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from demo.analysis import judging, probes, similarity_maps
from demo.analysis.panel import KINDS, build_closer, probe_of, prop_of
from demo.api import endpoints
from demo.api.analysis_endpoints import add_judging_endpoints
from demo.canvas.panel import build_canvas, gesture_of, picture_of, pictures_of, scene_of, segments_of, uploaded_file
from demo.chat import transcript
from demo.chat.panel import build_about, build_conversation, build_header, build_own_questions, data_of, replaced_turn
from demo.everything.panel import build_everything, captions_of
from demo.i18n import language, switching, words
from demo.options import Options
from demo.session import handlers, record
from demo.session.handlers import Decode, Services
from demo.session.restore import wire_returning
from demo.session.session import Probe, Session
from demo.session.workspace import Seat, Sheet
from demo.shared.lazy_resource import Slot
from demo.shared.problems import sentence_of
from osprey_core.config import GenerationDefaults
from osprey_core.errors import InputError, OspreyError
from osprey_core.io.web_fetch import fetch
from osprey_core.language.sampling import SamplingSettings

log = logging.getLogger(__name__)

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

QUEUES = endpoints.Queues()


def build_app(
    model: Slot[Any] | Any,
    segmenter: Slot[Any] | Any,
    options: Options,
    examples: Path = EXAMPLES,
    decode: Decode = handlers.decode,
    second: Slot[Any] | None = None,
) -> gr.Blocks:
    """The whole page. Model and segmenter are slots that may still be loading, or the things themselves.

    second: another model to compare the first with, where one was asked for.
    """
    services = Services(
        model=model if isinstance(model, Slot) else Slot.of(model, getattr(model, "name", "")),
        segmenter=segmenter if isinstance(segmenter, Slot) else Slot.of(segmenter, getattr(segmenter, "name", "")),
        second=second,
        examples=handlers.find_examples(examples),
        fetch=fetch if options.addresses else None,
    )

    def put_together() -> Callable[[switching.Page], None]:
        seat = gr.State(Seat(), time_to_live=7200)
        status = build_header(_header_html(services, options))
        with gr.Row(elem_id="columns", scale=1):
            with gr.Column(elem_id="canvas-side"):
                canvas = build_canvas(services.examples, services.fetch is not None)
            with gr.Column(elem_id="chat-side"):
                chat = _build_chat(_defaults(services, options))
        closer = build_closer(services)
        everything = build_everything()
        _wire_canvas(services, seat, canvas, chat)
        _wire_everything(services, seat, canvas, everything, chat, decode)
        _wire_closer(services, seat, closer, chat, decode)
        _wire_chat(services, seat, chat, decode)
        _wire_status(services, options, status, chat)

        def finish(page: switching.Page) -> None:
            endpoints.add_endpoints(page, services, decode, QUEUES)
            add_judging_endpoints(page, services, decode, QUEUES)
            _wire_languages(page, services, options, seat, status, everything, chat)
            _wire_pictures(page, services, seat, canvas, everything, closer, chat)

        return finish

    return switching.build(
        put_together, title=words.TITLE, analytics_enabled=False, fill_height=True, delete_cache=(3600, 7200)
    )


@dataclass
class _Chat:
    """The components of the right-hand side."""

    chatbot: gr.HTML
    about: gr.HTML
    presets: dict[str, gr.Button]
    own: gr.HTML
    question: gr.Textbox
    send: gr.Button
    stop: gr.Button
    retry: gr.Button
    undo: gr.Button
    clear: gr.Button
    settings: list[Any] = field(default_factory=list)
    """Temperature, top-p, longest answer, seed."""


# --- panels ----------------------------------------------------------------------------------------------------------


def _build_chat(defaults: GenerationDefaults) -> _Chat:
    chatbot = build_conversation()
    about = build_about()
    with gr.Row(elem_id="presets"):
        presets = {
            style: gr.Button(label, size="sm", elem_id=f"preset-{style}", interactive=style not in _OF_SEVERAL)
            for style, label in words.PRESETS.items()
        }
        own = build_own_questions(handlers.MAX_QUESTION_CHARACTERS)
    with gr.Row(elem_id="ask-row"):
        question = gr.Textbox(
            elem_id="question",
            label=words.QUESTION,
            show_label=False,
            container=False,
            placeholder=words.QUESTION_PLACEHOLDER,
            lines=1,
            max_lines=5,
            max_length=handlers.MAX_QUESTION_CHARACTERS,
            scale=1,
        )
        send = gr.Button(words.SEND, variant="primary", elem_id="send", scale=0)
        stop = gr.Button(words.STOP, variant="stop", elem_id="stop", visible=False, scale=0)
    with gr.Row(elem_id="chat-tools"):
        retry = gr.Button(words.RETRY, size="sm", elem_id="retry", interactive=False)
        undo = gr.Button(words.UNDO_TURN, size="sm", elem_id="undo-turn", interactive=False)
        clear = gr.Button(words.CLEAR_CHAT, size="sm", elem_id="clear-chat", interactive=False)
    with gr.Accordion(words.SETTINGS, open=False, elem_id="settings"):
        with gr.Row():
            temperature = gr.Slider(
                0,
                2,
                defaults.temperature,
                step=0.05,
                label=words.TEMPERATURE,
                info=words.TEMPERATURE_INFO,
            )
            top_p = gr.Slider(0.05, 1, defaults.top_p, step=0.05, label=words.TOP_P, info=words.TOP_P_INFO)
        with gr.Row():
            longest = gr.Slider(1, 2048, defaults.max_new_tokens, step=1, label=words.MAX_NEW_TOKENS)
            seed = gr.Textbox("", label=words.SEED, info=words.SEED_INFO, max_lines=1)
    settings = [temperature, top_p, longest, seed]
    return _Chat(chatbot, about, presets, own, question, send, stop, retry, undo, clear, settings)


_OF_SEVERAL = ("relation", "compare")
"""Presets that need two regions."""


def _header_html(services: Services, options: Options) -> str:
    """Name, purpose, what is loaded or loading, and what to know about the built-in model."""
    pills, failures = "", ""
    for slot, label in (
        (services.model, words.STATUS_MODEL),
        (services.second, words.STATUS_SECOND),
        (services.segmenter, words.STATUS_SEGMENTER),
    ):
        if slot is None:
            continue
        if slot.state == "loading":
            pills += _pill("osp-loading", words.STATUS_LOADING.format(name=slot.name))
        elif slot.state == "failed":
            failures += _pill(
                "osp-failed", f"{words.STATUS_FAILED.format(name=slot.name)} {language.translated(slot.reason)}"
            )
        else:
            loaded = slot.get()
            details = [
                loaded.name,
                *(str(getattr(loaded, part)) for part in ("device", "dtype") if hasattr(loaded, part)),
            ]
            pills += _pill("osp-ready", f"{label}: {' · '.join(details)}")
    note = ""
    if options.is_embedded:
        note = (
            f'<details class="osp-model-note"><summary>{html.escape(words.NOTE_EMBEDDED)} '
            f"<u>{html.escape(words.NOTE_MORE)}</u></summary>{html.escape(words.NOTE_FULL_MODEL)} "
            f"<code>{html.escape(words.NOTE_FULL_COMMAND)}</code></details>"
        )
    choices = "".join(
        f'<button type="button" data-language="{code}" lang="{language.HTML_NAMES[code]}" title="{name}" '
        f'aria-label="{name}" aria-pressed="{str(code == language.current()).lower()}">'
        f"{language.SHORT_NAMES[code]}</button>"
        for code, name in language.LANGUAGES.items()
    )
    choices = f'<div class="osp-languages" role="group" aria-label="{html.escape(words.LANGUAGE)}">{choices}</div>'
    help_button = f'<button type="button" class="osp-help-open">{html.escape(words.HELP_BUTTON)}<kbd>?</kbd></button>'
    return (
        f'<div class="osp-header"><h1>{words.TITLE}</h1><div class="osp-tagline">{html.escape(words.TAGLINE)}</div>'
        f'<div class="osp-status" role="status">{pills}{failures}</div>{choices}{help_button}</div>{note}'
    )


def _pill(state: str, text: str) -> str:
    return f'<span class="{state}"><i></i>{html.escape(text)}</span>'


# --- wiring ----------------------------------------------------------------------------------------------------------


def _wire_canvas(services: Services, seat: gr.State, canvas: gr.HTML, chat: _Chat) -> None:
    region_outputs = [canvas, chat.about, *(chat.presets[style] for style in _OF_SEVERAL)]

    def region_updates(session: Session, seq: int) -> list[Any]:
        return [gr.update(scene=scene_of(session, seq)), _about(services, session), *_several(session)]

    def on_regions(change: Callable[[Session, dict[str, Any]], Session]) -> Callable[..., list[Any]]:
        def handle(seat: Seat, value: Any) -> list[Any]:
            gesture = gesture_of(value)
            with _toasts():
                if seat.session.picture is None and gesture.get("picture"):
                    raise InputError(words.PICTURE_GONE)
                seat.change_regions(lambda session: change(session, gesture) if _is_for(session, gesture) else session)
            return region_updates(seat.session, _seq(gesture))

        return handle

    def point(session: Session, gesture: dict[str, Any]) -> Session:
        return handlers.mark_point(services, session, gesture.get("x"), gesture.get("y"), gesture.get("action"))  # type: ignore[arg-type]

    def box(session: Session, gesture: dict[str, Any]) -> Session:
        return handlers.mark_box(services, session, gesture.get("box") or (), gesture.get("action"))  # type: ignore[arg-type]

    def brush(session: Session, gesture: dict[str, Any]) -> Session:
        return handlers.mark_brush(
            session,
            gesture.get("points") or (),
            gesture.get("radius"),  # type: ignore[arg-type]
            gesture.get("action"),  # type: ignore[arg-type]
        )

    def polygon(session: Session, gesture: dict[str, Any]) -> Session:
        return handlers.mark_polygon(session, gesture.get("points") or (), gesture.get("action"))  # type: ignore[arg-type]

    def refine(session: Session, gesture: dict[str, Any]) -> Session:
        return handlers.refine_mark(services, session)

    def take(session: Session, gesture: dict[str, Any]) -> Session:
        return handlers.take_segment(services, session, gesture.get("index"), gesture.get("action"))  # type: ignore[arg-type]

    def load(session: Session, gesture: dict[str, Any]) -> Session:
        return handlers.load_masks(session, uploaded_file(gesture).read_bytes())

    def edit(session: Session, gesture: dict[str, Any]) -> Session:
        number = gesture.get("number")
        if gesture.get("op") == "select" and isinstance(number, int):
            return handlers.select_region(session, number)
        if gesture.get("op") == "delete" and isinstance(number, int):
            return handlers.delete_region(session, number)
        if gesture.get("op") == "extent" and isinstance(number, int):
            return handlers.other_extent(services, session, number)
        other = gesture.get("other")
        if isinstance(number, int) and isinstance(other, int):
            join = {"merge": handlers.merge_regions, "subtract": handlers.subtract_region}.get(str(gesture.get("op")))
            return join(session, number, other) if join else session
        if isinstance(number, int):
            match gesture.get("op"):
                case "rename":
                    return handlers.rename_region(session, number, str(gesture.get("name") or ""))
                case "show" | "hide":
                    return handlers.show_region(session, number, gesture["op"] == "show")
                case "grow" | "shrink" | "fill" | "largest" | "invert":
                    return handlers.reshape_region(session, number, gesture["op"])
        return {"clear": handlers.clear_regions, "undo": handlers.undo}.get(str(gesture.get("op")), _same)(session)

    for name, change, queue in (
        ("segment_point", point, QUEUES.segmenter),
        ("segment_box", box, QUEUES.segmenter),
        ("segment_brush", brush, QUEUES.edits),
        ("segment_polygon", polygon, QUEUES.edits),
        ("refine_mark", refine, QUEUES.segmenter),
        ("take_segment", take, QUEUES.segmenter),
        ("load_masks", load, QUEUES.edits),
        ("edit_regions", edit, QUEUES.edits),
    ):
        getattr(canvas, name)(
            on_regions(change),
            [seat, canvas],
            region_outputs,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_id=queue,
            concurrency_limit=4,
        )

    def show_everything(seat: Seat, value: Any) -> Any:
        gesture = gesture_of(value)
        session = seat.session
        segments: dict[str, Any] = {}
        with _toasts():
            if _is_for(session, gesture):
                segments = {"segments": segments_of(session, handlers.find_everything(services, session))}
        return gr.update(scene=scene_of(seat.session, _seq(gesture)), **segments)

    canvas.segment_everything(
        show_everything,
        [seat, canvas],
        [canvas],
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_id=QUEUES.segmenter,
        concurrency_limit=4,
    )

    def save(seat: Seat, value: Any) -> Any:
        found: dict[str, Any] = {}
        with _toasts():
            data, name = record.zip_of(seat.session, services.model.name, services.segmenter.name)
            found = {
                "download": {"seq": _seq(gesture_of(value)), "name": name, "data": base64.b64encode(data).decode()}
            }
        return gr.update(scene=scene_of(seat.session, _seq(gesture_of(value))), **found)

    canvas.save_record(
        save,
        [seat, canvas],
        [canvas],
        api_visibility="private",
        show_progress="hidden",
        concurrency_id=QUEUES.opening,
        concurrency_limit=4,
    )


def _wire_pictures(
    page: gr.Blocks,
    services: Services,
    seat: gr.State,
    canvas: gr.HTML,
    everything: gr.HTML,
    closer: gr.HTML,
    chat: _Chat,
) -> None:
    """Several pictures, one in front: opening, turning to another, closing, and finding all again after a reload."""

    def prepare(sheet: Sheet) -> tuple[Any, dict[str, Any]]:
        """What is slow about showing a picture, and fast the next time: its pixels, and the segments if described."""
        session = sheet.session
        segments: dict[str, Any] = {}
        if session.picture is None:
            return None, segments
        image = services.opened(session.picture).image()
        picture_of(sheet, image)
        if session.captions is not None:
            with _toasts():
                segments = {"segments": segments_of(session, handlers.find_everything(services, session))}
        return image, segments

    def show(seat: Seat, seq: int = 0) -> list[Any]:
        prepare(seat.front)
        pictures = pictures_of(seat, lambda other: services.opened(other).image())
        sheet = seat.front  # as late as can be: the person goes on meanwhile
        session, picture = sheet.session, sheet.session.picture
        # None would not reach the page, so an empty value stands for nothing.
        shown: dict[str, Any] = {"picture": {}}
        looks: dict[str, Any] = {prop_of(kind): {} for kind in KINDS}
        if picture is not None:
            image, segments = prepare(sheet)
            shown = {"picture": picture_of(sheet, image), **segments}
            looks.update({prop_of(probe.kind): probe_of(session, probe, image) for probe in session.probes})
        return [
            gr.update(**shown, pictures=pictures, scene=scene_of(session, seq)),
            gr.update(captions=captions_of(session) or {}),
            gr.update(**looks),
            _about(services, session),
            *_several(session),
            *_chat_updates(session),
        ]

    def on_pictures(change: Callable[[Seat, dict[str, Any]], Callable[[], None]]) -> Callable[..., list[Any]]:
        def handle(seat: Seat, value: Any) -> list[Any]:
            gesture, done = gesture_of(value), False
            with _toasts():
                quick_part = change(seat, gesture)  # whatever takes time is done now, with the old picture in front
                handlers.turn(services, seat, quick_part)
                services.seats.keep(seat)
                done = True
            if not done:  # everything stays, the canvas only learns that it has its answer
                return [gr.update(scene=scene_of(seat.session, _seq(gesture))), *[gr.skip()] * (len(outputs) - 1)]
            return show(seat, _seq(gesture))

        return handle

    def open_another(seat: Seat, gesture: dict[str, Any]) -> Callable[[], None]:
        if isinstance(gesture.get("example"), str):
            session = handlers.open_example(services, seat.session, gesture["example"])
        elif isinstance(gesture.get("address"), str):
            session = handlers.open_address(services, seat.session, gesture["address"])
        else:
            path = uploaded_file(gesture)
            session = record.open_file(seat.session, path.read_bytes(), path.name)
        prepare(Sheet(0, session))
        return lambda: seat.open(session)

    def turn_to(seat: Seat, gesture: dict[str, Any]) -> Callable[[], None]:
        wanted: Any = gesture.get("sheet")
        for sheet in seat.sheets:
            if sheet.id == wanted:
                prepare(sheet)
        return lambda: seat.turn_to(wanted)

    def close(seat: Seat, gesture: dict[str, Any]) -> Callable[[], None]:
        wanted: Any = gesture.get("sheet")
        return lambda: seat.close(wanted)

    presets = [chat.presets[style] for style in _OF_SEVERAL]
    chatting = [chat.chatbot, chat.send, chat.stop, chat.retry, chat.undo, chat.clear]
    outputs = [canvas, everything, closer, chat.about, *presets, *chatting]
    for name, change in (("open_picture", open_another), ("turn_to_picture", turn_to), ("close_picture", close)):
        getattr(canvas, name)(
            on_pictures(change),
            [seat, canvas],
            outputs,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_id=QUEUES.opening,
            concurrency_limit=4,
        )
    wire_returning(page, services, seat, show, outputs)


def _wire_everything(
    services: Services, seat: gr.State, canvas: gr.HTML, everything: gr.HTML, chat: _Chat, decode: Decode
) -> None:
    """The table of everything that was found, with its descriptions."""

    def describe(seat: Seat, event: gr.EventData, *settings: Any) -> Iterator[Any]:
        style = str(data_of(event).get("style") or "short")
        with _toasts():
            read = SamplingSettings.read(*settings)
            for session in handlers.describe_everything(services, seat, style, read, decode):  # type: ignore[arg-type]
                yield gr.update(captions=captions_of(session))
        yield gr.update(captions=captions_of(seat.session))

    def halt_describing(seat: Seat) -> None:
        handlers.stop_describing(services, seat)

    def take_row(seat: Seat, event: gr.EventData) -> list[Any]:
        with _toasts():
            data = data_of(event)
            index = data.get("index")
            seat.change_regions(
                lambda s: handlers.take_segment(services, s, index, "new") if _is_for(s, data) else s  # type: ignore[arg-type]
            )
        session = seat.session
        return [gr.update(scene=scene_of(session)), _about(services, session), *_several(session)]

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "multiple"}
    everything.describe_all(
        describe,
        [seat, *chat.settings],
        [everything],
        **quick,
        concurrency_id=QUEUES.model,
        concurrency_limit=1,
    )
    everything.stop_describing(halt_describing, [seat], None, **quick, concurrency_limit=None)
    everything.take_row(
        take_row,
        [seat],
        [canvas, chat.about, *(chat.presets[style] for style in _OF_SEVERAL)],
        **quick,
        concurrency_id=QUEUES.segmenter,
        concurrency_limit=4,
    )


def _wire_closer(services: Services, seat: gr.State, closer: gr.HTML, chat: _Chat, decode: Decode) -> None:
    """Closer looks: begun at once, taken when the model is free."""

    def shown(session: Session, probe: Probe | None) -> Any:
        if probe is None or session.picture is None:
            return gr.skip()
        image = services.opened(session.picture).image() if probe.kind == "inside" else None
        props: dict[str, Any] = {prop_of(probe.kind): probe_of(session, probe, image)}
        return gr.update(**props)

    def wanted(data: dict[str, Any], settings: tuple[Any, ...]) -> Callable[[Session], Probe]:
        question, read = str(data.get("question") or ""), SamplingSettings.read(*settings)
        match data.get("kind"):
            case "labels":
                return lambda s: judging.labels_probe(s, data.get("labels"), data.get("which"), data.get("rank_by"))
            case "without":
                return lambda s: judging.without_probe(s, question, read)
            case "samples":
                return lambda s: judging.samples_probe(s, question, data.get("count"), data.get("temperature"), read)
            case "models":
                return lambda s: judging.models_probe(services, s, question, read)
            case "inside":
                return similarity_maps.inside_probe
        raise OspreyError(words.UNKNOWN_CHOICE)

    def begin_look(seat: Seat, event: gr.EventData, *settings: Any) -> Any:
        probe = None
        with _toasts():
            probe = probes.begin(seat, wanted(data_of(event), settings))
        return shown(seat.session, probe)

    def take_looks(seat: Seat) -> Iterator[Any]:
        for waiting in [probe for probe in seat.session.probes if probe.state == "waiting"]:
            refusal: gr.Error | None = None
            try:
                with _toasts():
                    for probe in probes.take(services, seat, waiting.id, decode):
                        yield shown(seat.session, probe)
            except gr.Error as error:
                refusal = error  # Gradio shows it; but first the panel is put in order
            yield shown(seat.session, seat.session.probe(waiting.kind))
            if refusal is not None:
                raise refusal

    def stop_look(seat: Seat, event: gr.EventData) -> Any:
        kind = str(data_of(event).get("kind"))
        probes.stop(services, seat, kind)
        return shown(seat.session, seat.session.probe(kind))

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "multiple"}
    closer.begin_look(begin_look, [seat, *chat.settings], [closer], **quick, concurrency_limit=None).then(
        take_looks,
        [seat],
        [closer],
        api_visibility="private",
        show_progress="hidden",
        concurrency_id=QUEUES.model,
        concurrency_limit=1,
    )
    closer.stop_look(stop_look, [seat], [closer], **quick, concurrency_limit=None)


def _wire_chat(services: Services, seat: gr.State, chat: _Chat, decode: Decode) -> None:
    outputs = [chat.chatbot, chat.send, chat.stop, chat.retry, chat.undo, chat.clear, chat.question]

    def updates(session: Session, question: Any = None) -> list[Any]:
        return [*_chat_updates(session), gr.skip() if question is None else question]

    def begin(seat: Seat, text: str, value: Any = None) -> list[Any]:
        with _toasts():
            session = seat.change(lambda session: handlers.ask(session, text or "", replaced_turn(value)))
            return updates(session, question="")
        return updates(seat.session)

    def begin_own(seat: Seat, event: gr.EventData) -> list[Any]:
        with _toasts():
            seat.change(lambda session: handlers.ask(session, str(data_of(event).get("text") or "")))
        return updates(seat.session)

    def begin_preset(style: Any) -> Callable[[Seat], list[Any]]:
        def handle(seat: Seat) -> list[Any]:
            with _toasts():
                seat.change(lambda session: handlers.ask(session, handlers.preset_question(session, style)))
            return updates(seat.session)

        return handle

    def begin_again(seat: Seat) -> list[Any]:
        with _toasts():
            seat.change(handlers.retry)
        return updates(seat.session)

    def write(seat: Seat, *settings: Any) -> Iterator[list[Any]]:
        front = seat.front
        turn = front.session.waiting
        if turn is None:
            yield updates(seat.session)  # stopped, or gone with its picture, before its place in the queue came
            return
        done = False
        refusal: gr.Error | None = None
        try:
            with _toasts():
                for progress in handlers.answer(services, seat, SamplingSettings.read(*settings), decode):
                    turns = transcript.turns(progress.session, progress.note)
                    yield [gr.update(turns=turns), *[gr.skip()] * (len(outputs) - 1)]
                done = True
        except gr.Error as error:
            refusal = error  # Gradio shows it; but first the page is put in order
        # Settings that make no sense leave the turn waiting: it is taken back like one that failed.
        waiting = seat.session.waiting
        taken_back = waiting == turn
        session = seat.change(lambda s: s.with_turn_taken_back(turn.id)) if taken_back else seat.session
        answered = next((other for other in session.transcript if other.id == turn.id), None)
        if answered is None:  # an error gives the question back; a cleared chat or a new picture does not
            again = turn.replaces is not None and turn.replaces.typed == turn.typed  # then it is in the chat as it was
            elsewhere = seat.front.id != front.id  # what is being typed there stays
            yield updates(session, question=None if done or again or elsewhere else turn.typed)
            if refusal is not None:
                raise refusal
            return
        stats = answered.stats
        if stats is not None and stats.trimmed_turns:
            one = stats.trimmed_turns == 1
            gr.Info(words.TRIMMED_ONE if one else words.TRIMMED_MANY.format(count=stats.trimmed_turns))
        yield updates(session)
        if refusal is not None:
            raise refusal

    def halt(seat: Seat) -> list[Any]:
        return updates(handlers.stop(services, seat))

    def clear(seat: Seat) -> list[Any]:
        handlers.stop(services, seat)
        return updates(seat.change(handlers.clear_chat))

    def undo(seat: Seat, text: str) -> list[Any]:
        typed = None
        with _toasts():
            last = seat.session.transcript[-1:]
            seat.change(handlers.undo_turn)
            typed = last[0].typed
        # What was asked can be asked again, unless something else is being typed.
        return updates(seat.session, question=None if text else typed)

    def rate(seat: Seat, event: gr.EventData) -> None:
        with _toasts():
            data = data_of(event)
            seat.change(lambda session: handlers.rate(session, data.get("turn"), data.get("liked")))

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
    beginnings = [
        chat.question.submit(begin, [seat, chat.question, chat.chatbot], outputs, **quick),
        chat.send.click(begin, [seat, chat.question, chat.chatbot], outputs, **quick),
        chat.own.ask_own(begin_own, [seat], outputs, **quick),
        chat.retry.click(begin_again, [seat], outputs, **quick),
        *(button.click(begin_preset(style), [seat], outputs, **quick) for style, button in chat.presets.items()),
    ]
    for beginning in beginnings:
        beginning.then(
            write,
            [seat, *chat.settings],
            outputs,
            api_visibility="private",
            show_progress="hidden",
            concurrency_id=QUEUES.model,
            concurrency_limit=1,
        )
    chat.stop.click(halt, [seat], outputs, **quick)
    chat.undo.click(undo, [seat, chat.question], outputs, **quick)
    chat.clear.click(clear, [seat], outputs, **quick)
    chat.chatbot.rate_answer(rate, [seat], None, trigger_mode="multiple", **quick)


def _wire_status(services: Services, options: Options, status: gr.HTML, chat: _Chat) -> None:
    """The header follows the loading of model and segmenter; then the settings take the model's own defaults."""
    timer = gr.Timer(1.0)
    settings = chat.settings[:3]
    first = [setting.value for setting in settings]
    # Only this state hangs on the timer, never the settings: an answer of the timer that crosses a person's change on
    # its way would undo the change.
    own = gr.State(first)

    def look(shown: list[float]) -> list[Any]:
        slots = (services.model, services.segmenter, services.second)
        busy = any(slot.state == "loading" for slot in slots if slot is not None)
        found = shown
        if services.model.state == "ready":
            defaults = _defaults(services, options)
            found = [defaults.temperature, defaults.top_p, defaults.max_new_tokens]
        return [_header_html(services, options), gr.update(active=busy), gr.skip() if found == shown else found]

    def take(found: list[float], *values: float) -> list[Any]:
        # What the person has changed meanwhile stays.
        return [new if v == old else gr.skip() for v, old, new in zip(values, first, found, strict=True)]

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
    timer.tick(look, own, [status, timer, own], **quick)
    own.change(take, [own, *settings], settings, **quick)


def _wire_languages(
    page: switching.Page,
    services: Services,
    options: Options,
    seat: gr.State,
    status: gr.HTML,
    everything: gr.HTML,
    chat: _Chat,
) -> None:
    """The choice of language in the header. What depends on the session is written anew; the rest the page knows."""

    def choose(seat: Seat, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        code = str(data_of(event).get("language"))
        language.choose(request.session_hash, code)
        session = seat.session
        now = {
            status: {"value": _header_html(services, options)},
            chat.about: _about_properties(services, session),
            chat.chatbot: {"turns": transcript.turns(session)},
            everything: {"captions": captions_of(session)},
        }
        return switching.switch(page, now)

    status.choose_language(
        choose,
        [seat],
        switching.components_with_texts(page),
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=None,
    )


def _defaults(services: Services, options: Options) -> GenerationDefaults:
    """The model's own sampling; while it loads, what it will most likely be."""
    if services.model.state == "ready":
        defaults: GenerationDefaults = services.model.get().generation_defaults
        return defaults
    return GenerationDefaults(temperature=0.0) if options.is_embedded else GenerationDefaults()


# --- small updates ---------------------------------------------------------------------------------------------------


def _chat_updates(session: Session) -> list[Any]:
    """Of chatbot, send, stop, retry, undo, clear."""
    busy = session.waiting is not None
    is_done = bool(session.transcript) and not busy
    return [
        gr.update(turns=transcript.turns(session)),
        gr.update(visible=not busy),
        gr.update(visible=busy),
        gr.update(interactive=is_done),
        gr.update(interactive=is_done),
        gr.update(interactive=bool(session.transcript)),
    ]


def _about(services: Services, session: Session) -> Any:
    """The line above the question, and the regions that can be mentioned in it."""
    return gr.update(**_about_properties(services, session))


def _about_properties(services: Services, session: Session) -> dict[str, Any]:
    suggestions: tuple[str, ...] = ()
    if session.picture is not None:
        example = handlers.find_example(services, session.picture.name)
        suggestions = example.questions if example else ()
    known = [
        {"number": region["number"], "percent": region["percent"], "name": region.get("name") or ""}
        for region in scene_of(session)["regions"]
    ]
    return {"value": transcript.about_html(session, suggestions), "regions": known}


def _several(session: Session) -> list[Any]:
    """Of the presets that need two regions."""
    return [gr.update(interactive=len(session.regions) > 1) for _ in _OF_SEVERAL]


def _seq(gesture: dict[str, Any]) -> int:
    seq = gesture.get("seq")
    return seq if isinstance(seq, int) else 0


def _is_for(session: Session, gesture: dict[str, Any]) -> bool:
    """Whether a gesture was made on the picture that is open; one on the picture before it means nothing now."""
    return gesture.get("picture") == (session.picture.digest if session.picture else None)


def _same(session: Session) -> Session:
    return session


class _toasts:  # noqa: N801 - reads as a statement: with _toasts():
    """Turns an error inside `with` into one sentence on the page, and goes on after the block."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None or isinstance(error, gr.Error):  # Gradio's own, such as a used-up quota, speak for themselves
            return False
        if (sentence := sentence_of(error)) is not None:
            gr.Warning(html.escape(sentence))
            return True
        if isinstance(error, Exception):
            log.error("unexpected error in a handler", exc_info=error)
            gr.Warning(words.UNEXPECTED)
            return True
        return False
