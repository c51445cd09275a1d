"""The table of segments: its component, and the captions as JSON for its script."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.i18n.switching import in_words
from demo.session.services import Services
from demo.session.session import SecondCaptions, Session
from demo.shared.confidence import confidence_of
from demo.shared.outputs import Outputs
from demo.shared.scripts import script, text_of
from osprey_core.vocabularies import BUILT_IN, load_vocabulary


def build_everything(services: Services, takes_questions: bool = True) -> gr.HTML:
    """The table, hidden until segments are found; it triggers `describe_all`, `stop_describing` and `take_row`.

    takes_questions: whether the model reads questions, and so knows other styles than a name.
    """
    vocabularies = [] if services.clip is None else [[name, load_vocabulary(name).title] for name in BUILT_IN]
    panel = gr.HTML(
        None,
        elem_id="everything",
        html_template='<section class="osp-all" hidden></section>',
        css_template=text_of("everything/everything.css"),
        js_on_load=script("everything/everything.js", ("describe_all", "stop_describing", "take_row")),
        apply_default_css=False,
        captions=None,
        vocabularies=vocabularies,
        names_only=not takes_questions,
    )
    return in_words(panel, words="everything")


def captions_of(session: Session) -> dict[str, Any] | None:
    """The session's captions as JSON; None without captions or picture."""
    captions = session.captions
    if captions is None or session.picture is None:
        return None
    return {
        "id": captions.id,
        "picture": session.picture.digest,
        "state": captions.state,
        "total": captions.total,
        "preparing": list(captions.preparing) if captions.preparing else None,
        "rows": [list(row) for row in captions.rows],
        "model": captions.model,
        "second": _second_of(captions.second),
        "confidences": [
            [
                index,
                confidence_of(
                    [(guess.name, guess.confidence) for guess in named.guesses], named.is_unsure, named.finer
                ),
            ]
            for index, named in captions.names
        ],
    }


def _second_of(second: SecondCaptions | None) -> dict[str, Any] | None:
    """What the second model says, as JSON; None if it was not asked."""
    if second is None:
        return None
    reasons = [[index, reason] for index, reason in second.reasons().items()]
    return {"model": second.model, "rows": [list(row) for row in second.rows], "failures": reasons}


def caption_outputs(everything: gr.HTML) -> Outputs[Session]:
    """The table with the session's captions."""
    return Outputs((everything,), lambda session: [{"captions": captions_of(session) or {}}])
