"""Start the page with `python app.py`: read the options, load the model in the background, serve.

python app.py                                            the small built-in model, on any computer
python app.py --model sunshine-lwt/Osprey-7b             the published model, on a GPU
python app.py --help                                     everything else
"""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from demo.options import Options, read_options
from demo.shared import garbage, memory, processor
from demo.shared.gradio_stubs import leave_out_stubs
from demo.shared.own_folder import own_folder
from demo.temporary_folder import settle_temporary_folder
from osprey_core.errors import InputError
from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.runtime.choices import LOCAL_ENGINE
from osprey_core.runtime.proxies import settle_proxies
from osprey_core.runtime.threads import settle_threads

if TYPE_CHECKING:
    from demo.shared.lazy_resource import LazyResource

log = logging.getLogger("osprey")

LONGEST_WAIT_SECONDS = 10
"""What the end of the program waits at most for something that is still being loaded."""


def main(argv: Sequence[str]) -> int:
    """Serve until interrupted. Returns the exit code; 2 for invalid options."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    memory.limit_arenas()
    settle_threads()
    leave_out_stubs()
    processor.switch_threads_sooner()
    try:
        options = read_options(argv)
        settle_proxies(options.host)
        settle_temporary_folder()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    garbage.collect_rarely()  # until the model is loaded
    stopped = threading.Event()
    _stop_on_signals(stopped)
    return serve(options, stopped)


def _stop_on_signals(stopped: threading.Event) -> None:
    """Ctrl-C and SIGTERM set `stopped`; when they come again, the program ends at once, without a traceback."""

    def stop(number: int, frame: object) -> None:
        if stopped.is_set():
            raise SystemExit(128 + number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def serve(options: Options, stopped: threading.Event | None = None) -> int:
    """Build the page and serve it, while model and segmenter load in the background, until `stopped` is set."""
    stopped = stopped or threading.Event()
    if "GRADIO_TEMP_DIR" in os.environ:  # the person's own choice, which outlives the program
        return _serve(options, Path(os.environ["GRADIO_TEMP_DIR"]), stopped)
    with own_folder() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)  # Gradio reads it when it is imported
        try:
            return _serve(options, folder, stopped)
        finally:
            del os.environ["GRADIO_TEMP_DIR"]


def _serve(options: Options, uploads: Path, stopped: threading.Event) -> int:
    zero_gpu = options.zero_gpu and importlib.util.find_spec("spaces") is not None
    if zero_gpu:
        importlib.import_module("spaces")  # emulates CUDA, so it must be imported before torch
    from demo.api.api_keys import ApiKeys
    from demo.api.metrics_page import Audience
    from demo.api.upload_folder import UploadFolder
    from demo.app import build_app
    from demo.jobs import decoding
    from demo.jobs.decoding import Decode
    from demo.launch import launch, shut_down, wait_for_end
    from demo.shared.lazy_resource import LazyResource

    def load_model(name: str, revision: str | None, adapter: str | None = None, engine: str = LOCAL_ENGINE) -> object:
        try:
            from osprey_core.backends.loading import load_region_model

            return load_region_model(
                name,
                options.device,
                options.dtype,
                options.labels,
                revision=revision,
                cache_bytes=options.cache_mb * 2**20 // (2 if options.compare_with else 1),
                quantize=options.quantize,
                device_map=options.device_map,
                compiled=options.compiled,
                cuda_graphs=options.cuda_graphs,
                engine=engine,
                adapter=adapter,
                verify=options.verify,
            )
        finally:
            garbage.collect_as_usual()

    def load_clip(name: str) -> object:
        from osprey_core.backends.loading import load_clip_beside

        loaded = model.get() if model.wait() and model.state == "ready" else None
        return load_clip_beside(name, loaded, options.device, options.dtype, options.revision)

    def load_segmenter() -> object:
        from osprey_core.segment import load_segmenter

        # ZeroGPU lends the GPU for answers only.
        device = "cpu" if zero_gpu else options.device
        if device == "auto" and options.segmenter != "classic":
            from osprey_core.runtime.devices import resolve_device

            device = str(resolve_device(device))
        # A compiled model reads pictures in its weights' precision: one tower sees them for both.
        return load_segmenter(options.segmenter, device, "float32" if options.compiled else options.dtype)

    model = LazyResource(
        options.model, lambda: load_model(options.model, options.revision, options.adapter, options.engine)
    )
    other = options.compare_with
    second = None if other is None else LazyResource(other, lambda: load_model(other, None))
    clip = _clip_resource(options, model, second, load_clip)
    decode: Decode = decoding.decode
    if zero_gpu:
        from demo.jobs import zero_gpu as lent

        # ZeroGPU emulates CUDA on this thread only, and forks its workers from this process: load before serving.
        loaded = [None if resource is None else resource.load() for resource in (model, second, clip)]
        ready = [one.get() if one is not None and one.state == "ready" else None for one in loaded]
        decode = lent.decoder(*ready)  # ZeroGPU requires the GPU function to be declared at startup
    else:
        for resource in (model, second, clip):
            if resource is not None:
                resource.start()
    segmenter = LazyResource(options.segmenter, load_segmenter).start()
    app = build_app(model, segmenter, options, decode=decode, second=second, clip=clip)
    app.queue(default_concurrency_limit=4, max_size=None)
    try:
        folder = UploadFolder(uploads)
        mcp = options.mcp and importlib.util.find_spec("mcp") is not None
        if mcp and options.serving.logins:
            log.warning("The tools over MCP are off, because Gradio would serve them without a login.")
            mcp = False
        serving, api_keys = options.serving, None
        if serving.key_sums:
            # With logins, Gradio asks for them at the endpoints; a key would not do there.
            api_keys = ApiKeys(serving.key_sums, serving.page_needs_key, for_endpoints=not serving.logins)
        launch(
            app,
            options.host,
            options.port,
            mcp=mcp,
            share=options.share,
            allowed_hosts=(*options.allowed_hosts, *options.serving.hosts),
            uploads=folder,
            metrics=cast(Audience, options.metrics),
            access_log=options.access_log,
            api_keys=api_keys,
            trusted_proxies=options.serving.trusted_proxies,
            prevent_thread_lock=True,
            **options.serving.launch_options(),
        )
        wait_for_end(app, stopped, folder)
        log.info("The program ends.")
        shut_down(app, LONGEST_WAIT_SECONDS)
    except OSError as error:
        print(f"The page cannot be served on {options.host}:{options.port} ({error}); try --port.", file=sys.stderr)
        return 1
    finally:
        # A thread that is inside torch while the interpreter ends brings the process down with an abort.
        for resource in (model, second, clip, segmenter):
            if resource is not None:
                resource.wait(LONGEST_WAIT_SECONDS)
        app.services.picture_files.close()
        if model.state == "ready" and (close := getattr(model.get(), "close", None)) is not None:
            close()  # a language engine in processes of its own
    return 0


def _clip_resource(
    options: Options, model: LazyResource[Any], second: LazyResource[Any] | None, load: Callable[[str], object]
) -> LazyResource[Any] | None:
    """The CLIP that compares regions with words: that of a model that is a CLIP alone, or the one that was named."""
    from demo.shared.lazy_resource import LazyResource
    from osprey_core.region_model import is_label_model

    labels = next((one for one in (model, second) if one is not None and is_label_model(one.name)), None)
    if labels is not None:
        return LazyResource(labels.name, lambda: labels.get().clip)
    name = options.labels
    return None if name is None else LazyResource(name, lambda: load(name))


if __name__ == "__main__":
    tolerate_any_encoding()
    code = main(sys.argv[1:])
    garbage.collect_no_more()
    sys.exit(code)
