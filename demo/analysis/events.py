"""The analysis panel's events: begin an analysis at once, carry it out when the model is free, stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.analysis.ablation import new_ablation
from demo.analysis.label_scores import new_label_scores
from demo.analysis.messages import (
    AnalysisMessage,
    LabelScoresMessage,
    QuestionMessage,
    SamplesMessage,
    SimilarityMapsMessage,
    StopMessage,
    read_message,
)
from demo.analysis.model_comparison import new_model_comparison
from demo.analysis.panel import KINDS, analysis_payload, property_of
from demo.analysis.samples import new_samples
from demo.analysis.similarity_maps import new_similarity_maps
from demo.jobs import analyses
from demo.jobs.decoding import Decode
from demo.session.services import Services
from demo.session.session import Analysis, Session
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.outputs import Outputs, Properties
from demo.shared.queues import private
from demo.shared.toasts import HeldError, errors_as_toasts
from osprey_core.language.sampling import SamplingSettings


def wire_analysis(services: Services, workspace: gr.State, panel: gr.HTML, settings: list[Any], decode: Decode) -> None:
    """Wire the panel's events. `settings` are the sampling controls."""
    handlers = AnalysisHandlers(services, decode)
    at_once = private(queues.AT_ONCE, overlapping=True)
    panel.begin_look(handlers.begin, [workspace, *settings], [panel], **at_once).then(
        handlers.carry_out, [workspace], [panel], **private(queues.MODEL)
    )
    panel.stop_look(handlers.stop, [workspace], [panel], **at_once)


def analysis_outputs(services: Services, panel: gr.HTML) -> Outputs[Session]:
    """The panel with all analyses of the session."""

    def properties(session: Session) -> list[Properties]:
        shown: Properties = {property_of(kind): {} for kind in KINDS}
        for analysis in session.analyses:
            shown.update(analysis_properties(services, session, analysis))
        return [shown]

    return Outputs((panel,), properties)


def analysis_properties(services: Services, session: Session, analysis: Analysis) -> Properties:
    """The panel's property that shows one analysis; empty without a picture."""
    if session.picture is None:
        return {}
    image = services.pictures.get(session.picture).image() if analysis.kind == "inside" else None
    return {property_of(analysis.kind): analysis_payload(session, analysis, image)}


@dataclass(frozen=True)
class AnalysisHandlers:
    """What Gradio calls: (workspace, inputs) → update of the panel."""

    services: Services
    decode: Decode

    def begin(self, workspace: Workspace, event: gr.EventData, *settings: Any) -> Any:
        """Add an analysis that waits for the model; `settings` are the values of the controls."""
        analysis = None
        with errors_as_toasts():
            analysis = analyses.begin(
                workspace, self._wanted(read_message(event._data), SamplingSettings.read(*settings))
            )
        return self._shown(workspace.session, analysis)

    def carry_out(self, workspace: Workspace) -> Iterator[Any]:
        """Carry out all waiting analyses and show their partial results."""
        for waiting in [analysis for analysis in workspace.session.analyses if analysis.state == "waiting"]:
            held = HeldError()
            with errors_as_toasts(held):
                for analysis in analyses.carry_out(self.services, workspace, waiting.id, self.decode):
                    yield self._shown(workspace.session, analysis)
            yield self._shown(workspace.session, workspace.session.analysis(waiting.kind))
            held.release()

    def stop(self, workspace: Workspace, event: gr.EventData) -> Any:
        """End the analysis of this kind."""
        with errors_as_toasts():
            kind = StopMessage.read_event(event).kind
            analyses.stop(self.services, workspace, kind)
            return self._shown(workspace.session, workspace.session.analysis(kind))
        return gr.skip()

    def _wanted(self, message: AnalysisMessage, settings: SamplingSettings) -> Callable[[Session], Analysis]:
        match message:
            case LabelScoresMessage(labels=labels, which=which, rank_by=rank_by):
                return lambda session: new_label_scores(session, labels, which, rank_by)
            case QuestionMessage(kind="without", question=question):
                return lambda session: new_ablation(session, question, settings)
            case QuestionMessage(question=question):
                return lambda session: new_model_comparison(self.services, session, question, settings)
            case SamplesMessage(question=question, count=count, temperature=temperature):
                return lambda session: new_samples(session, question, count, temperature, settings)
            case SimilarityMapsMessage():
                return new_similarity_maps

    def _shown(self, session: Session, analysis: Analysis | None) -> Any:
        properties = analysis_properties(self.services, session, analysis) if analysis is not None else {}
        return gr.update(**properties) if properties else gr.skip()
