"""Endpoints that open a picture and export its regions and conversation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import utils

from demo.api.caller_identity import Callers
from demo.api.checked_inputs import words
from demo.api.results import errors_as_sentences
from demo.jobs import answers
from demo.jobs.preparing import prepare_picture
from demo.session import record
from demo.session.pictures import open_address, picture_turn
from demo.session.services import Services
from osprey_core.errors import OspreyError


@dataclass(frozen=True)
class PictureEndpoints:
    """What programs call; the docstrings are what callers read."""

    services: Services
    callers: Callers

    def open_picture(self, request: gr.Request, file: str | None = None, address: str = "", session: str = "") -> Any:
        """Open a picture (or a conversation saved by `export`), to mark things in it and to ask about them.

        Parameters:
            file: PNG, JPEG, WebP and others, or the zip of a saved conversation.
            address: in place of a file, the public http or https address of a picture.
            session: empty for a new one; another call's session to open the picture there instead of what is open.
        Returns:
            session, to be given to all other calls; width and height in pixels.
        """
        with errors_as_sentences():
            if not file and not words(address, "address"):
                raise OspreyError("page.upload_missing")
            workspace = self.callers.workspace_to_open(session, request)
            if file:
                data = Path(file).read_bytes()
                with picture_turn(self.services, workspace.person, record.file_pixels(data)):
                    opened = record.open_file(data, Path(file).name)
            else:
                opened = open_address(self.services, address)
            opened = self.services.picture_files.moved(opened)
            answers.stop(self.services, workspace)
            workspace.change(lambda _: opened)
            self.services.workspaces.keep(workspace)
            assert opened.picture is not None
            prepare_picture(self.services, opened.picture)
            result = {"session": workspace.key, "width": opened.picture.width, "height": opened.picture.height}
            return self.callers.told(result, request)

    def export(self, request: gr.Request, session: str = "") -> str:
        """Save picture, regions and conversation as one zip: masks as PNG and COCO JSON, overlay, Markdown.

        Parameters:
            session: what open_picture returned.
        Returns:
            the zip; open_picture opens it again.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            session_to_save = workspace.session
            with picture_turn(self.services, workspace.person, record.export_pixels(session_to_save)):
                data, name = record.zip_of(session_to_save, self.services.model.name, self.services.segmenter.name)
            # Gradio serves files from its upload folder and clears it.
            folder = Path(utils.get_upload_folder()) / uuid.uuid4().hex
            folder.mkdir(parents=True)
            (folder / name).write_bytes(data)
            return str(folder / name)
