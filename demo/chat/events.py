"""Handlers of the chat's events: ask, write the answer, stop, retry, undo, rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from demo.chat import transcript
from demo.chat.messages import AskAgain, OwnQuestion, Rating, replaced_turn
from demo.chat.panel import ChatPanel
from demo.chat.settings import wire_settings
from demo.chat.updates import conversation_outputs
from demo.i18n.catalog import text
from demo.jobs import answers
from demo.jobs.decoding import Decode
from demo.session import conversation
from demo.session.conversation import Style
from demo.session.naming import is_naming
from demo.session.services import Services
from demo.session.session import ChatTurn, Session
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.outputs import Outputs
from demo.shared.queues import private
from demo.shared.toasts import HeldError, errors_as_toasts
from osprey_core.language.sampling import SamplingSettings


def wire_chat(
    services: Services, workspace: gr.State, chat: ChatPanel, decode: Decode, scene: Outputs[Session]
) -> None:
    """Wire all events of the chat. `scene` shows the regions, which answers may name, and what can be undone."""
    shown = conversation_outputs(chat)
    handlers = ChatHandlers(services, decode, shown)
    outputs = [*shown.components, chat.question]
    at_once = private(queues.AT_ONCE)
    asking = [workspace, chat.question, chat.conversation]
    questions = [
        chat.question.submit(handlers.ask, asking, outputs, **at_once),
        chat.send.click(handlers.ask, asking, outputs, **at_once),
        chat.conversation.ask_again(handlers.ask_again, [workspace], outputs, **at_once),
        chat.own.ask_own(handlers.ask_own, [workspace], outputs, **at_once),
        chat.retry.click(handlers.retry, [workspace], outputs, **at_once),
        *(
            button.click(partial(handlers.ask_preset, style), [workspace], outputs, **at_once)
            for style, button in chat.presets.items()
        ),
    ]
    names = NamesHandler(scene)
    for question in questions:
        settings = chat.settings.components
        written = question.then(handlers.write_answer, [workspace, *settings], outputs, **private(queues.MODEL))
        written.then(names, [workspace], list(scene.components), **at_once)
    chat.stop.click(handlers.stop, [workspace], outputs, **at_once)
    for button, handler, inputs in (
        (chat.undo, handlers.undo, [workspace, chat.question]),
        (chat.clear, handlers.clear, [workspace]),
    ):
        changed = button.click(handler, inputs, outputs, **at_once)
        changed.then(lambda now: scene.updates(now.session), [workspace], list(scene.components), **at_once)
    chat.conversation.rate_answer(handlers.rate, [workspace], None, **private(queues.AT_ONCE, overlapping=True))
    wire_settings(chat.settings)


@dataclass(frozen=True)
class ChatHandlers:
    """What Gradio calls: (workspace, inputs) → updates of the conversation, its buttons, and the question."""

    services: Services
    decode: Decode
    shown: Outputs[Session]

    def ask(self, workspace: Workspace, text: str, value: Any = None) -> list[Any]:
        """Ask the typed question; the conversation's `value` says whether it replaces the last one."""
        replaces = replaced_turn(value)
        if conversation.is_being_answered(workspace.session, text or "", replaces):
            return self._updates(workspace.session)
        with errors_as_toasts():
            session = workspace.change(lambda session: conversation.ask(session, text or "", replaces))
            return self._updates(session, question="")
        return self._updates(workspace.session)

    def ask_own(self, workspace: Workspace, event: gr.EventData) -> list[Any]:
        """Ask one of the person's own questions."""
        with errors_as_toasts():
            text = OwnQuestion.read_event(event).text
            if not conversation.is_being_answered(workspace.session, text):
                workspace.change(lambda session: conversation.ask(session, text))
        return self._updates(workspace.session)

    def ask_again(self, workspace: Workspace, event: gr.EventData) -> list[Any]:
        """Ask the question of an earlier turn anew, about its regions as they are now."""
        with errors_as_toasts():
            turn = AskAgain.read_event(event).turn
            workspace.change(lambda session: conversation.ask_again(session, turn))
        return self._updates(workspace.session)

    def ask_preset(self, style: Style, workspace: Workspace) -> list[Any]:
        """Ask a ready-made question."""
        with errors_as_toasts():
            question = conversation.preset_question(workspace.session, style)
            if not conversation.is_being_answered(workspace.session, question):
                workspace.change(lambda session: conversation.ask(session, question))
        return self._updates(workspace.session)

    def retry(self, workspace: Workspace) -> list[Any]:
        """Ask the last question again."""
        with errors_as_toasts():
            workspace.change(conversation.retry)
        return self._updates(workspace.session)

    def write_answer(self, workspace: Workspace, *settings: Any) -> Iterator[list[Any]]:
        """Stream the awaited answer; `settings` are the values of the controls."""
        front = workspace.front
        turn = front.session.waiting
        if turn is None:
            yield self._updates(workspace.session)  # stopped, or its picture closed, while it was queued
            return
        done, held = False, HeldError()
        with errors_as_toasts(held):
            for progress in answers.answer(self.services, workspace, SamplingSettings.read(*settings), self.decode):
                turns = transcript.turns(progress.session, progress.note)
                yield [gr.update(turns=turns), *self._updates_unchanged()[1:]]
            done = True
        session = _settled(workspace, turn)
        answered = next((other for other in session.transcript if other.id == turn.id), None)
        if answered is None:  # an error returns the question to the box; a cleared chat or a new picture does not
            is_retry = turn.replaces is not None and turn.replaces.typed == turn.typed  # the chat shows it already
            has_moved = workspace.front.id != front.id  # do not overwrite what is being typed about another picture
            yield self._updates(session, question=None if done or is_retry or has_moved else turn.typed)
        else:
            _tell_of_trimmed_turns(answered)
            yield self._updates(session)
        held.release()

    def stop(self, workspace: Workspace) -> list[Any]:
        """Stop the answer."""
        return self._updates(answers.stop(self.services, workspace))

    def clear(self, workspace: Workspace) -> list[Any]:
        """Clear the conversation."""
        answers.stop(self.services, workspace)
        return self._updates(workspace.change(conversation.clear_chat))

    def undo(self, workspace: Workspace, text: str) -> list[Any]:
        """Remove the last question and put it into the box, unless something else is being typed."""
        typed = None
        with errors_as_toasts():
            last = workspace.session.transcript[-1:]
            workspace.change(conversation.undo_turn)
            typed = last[0].typed
        return self._updates(workspace.session, question=None if text else typed)

    def rate(self, workspace: Workspace, event: gr.EventData) -> None:
        """Store the person's rating of an answer."""
        with errors_as_toasts():
            rating = Rating.read_event(event)
            workspace.change(lambda session: conversation.rate(session, rating.turn, rating.liked))

    def _updates(self, session: Session, question: str | None = None) -> list[Any]:
        """Updates of all outputs; if `question` is None, the question box is left unchanged."""
        return [*self.shown.updates(session), gr.skip() if question is None else question]

    def _updates_unchanged(self) -> list[Any]:
        return [*self.shown.unchanged(), gr.skip()]


@dataclass(frozen=True)
class NamesHandler:
    """What Gradio calls after an answer: shows the name that a region got from it."""

    scene: Outputs[Session]

    def __call__(self, workspace: Workspace) -> list[Any]:
        """Updates of the regions, if the last answer is one that names a region."""
        session = workspace.session
        if session.transcript and is_naming(session.transcript[-1]):
            return self.scene.updates(session)
        return self.scene.unchanged()


def _settled(workspace: Workspace, turn: ChatTurn) -> Session:
    """The session after the job has ended. A turn that still waits, as after invalid settings, is removed."""
    if workspace.session.waiting == turn:
        return workspace.change(lambda session: session.with_turn_taken_back(turn.id))
    return workspace.session


def _tell_of_trimmed_turns(turn: ChatTurn) -> None:
    """Show a notice if earlier turns were left out because the conversation was too long for the model."""
    if turn.stats is not None and turn.stats.trimmed_turns:
        count = turn.stats.trimmed_turns
        gr.Info(text("chat.trimmed_one") if count == 1 else text("chat.trimmed_many", count=count))
