"""Put a model on the Hugging Face Hub: `python -m osprey_core.hub push FOLDER OWNER/NAME`.

Writes the weights, a card, and a handler for Inference Endpoints as one commit. Log in before with `hf auth login`.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from osprey_core.errors import InputError, OspreyError
from osprey_core.hub.repository import repository_files
from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.runtime import hub

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Push a model; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.hub", description=__doc__)
    push = parser.add_subparsers(dest="command", required=True).add_parser("push", help="write a model's repository")
    push.add_argument("folder", help='the folder of a model in our own layout, or "nano"')
    push.add_argument("repo", metavar="OWNER/NAME", help="the repository; it is created where there is none")
    push.add_argument("--private", action="store_true", help="create it for its owner alone")
    push.add_argument("--branch", help="another branch than main; it is created where there is none")
    push.add_argument("--license", help="the licence for the card, such as apache-2.0")
    push.add_argument("--message", default="Put the model here", help="of the commit")
    push.add_argument("--no-handler", action="store_true", help="without the handler for Inference Endpoints")
    push.add_argument("--dry-run", action="store_true", help="only list the files")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        folder = hub.EMBEDDED_FOLDER if options.folder == hub.EMBEDDED_MODEL else Path(options.folder)
        if not folder.is_dir():
            raise InputError("hub.push_no_folder", folder=options.folder)
        files = repository_files(folder, options.repo, options.license, not options.no_handler)
        if options.dry_run:
            log.info("%s", "\n".join(sorted(files)))
            return 0
        address = hub.upload(options.repo, files, options.message, options.private, options.branch)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    log.info("%s", address)
    return 0


if __name__ == "__main__":
    tolerate_any_encoding()
    sys.exit(main())
