"""Command-line and environment options, read once into a frozen value.

No other part of the page reads argv or these environment variables. A flag overrides its variable, a variable overrides
the default. All values are checked here.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from demo.serving_options import ServingOptions, read_key_sums, read_logins
from osprey_core.errors import InputError
from osprey_core.runtime import choices
from osprey_core.runtime.choices import (
    DEFAULT_SEGMENTER,
    DEVICE_MAPS,
    LOCAL_ENGINE,
    QUANTIZATIONS,
    SEGMENTERS,
    engine_addresses,
)
from osprey_core.runtime.hub import EMBEDDED_MODEL

DTYPES = ("auto", *choices.DTYPES)
SPACE_ANSWER_SECONDS = 300
AUDIENCES = ("local", "on", "off")
"""Who may read the metrics."""


@dataclass(frozen=True)
class Options:
    """Which models to run, how, and where to serve the page."""

    model: str = EMBEDDED_MODEL
    """Name of the embedded model, a checkpoint folder, or a repository id."""
    revision: str | None = None
    segmenter: str = DEFAULT_SEGMENTER
    """"learned", "classic", or "sam:vit_b" with optionally ":/path/to/weights.pth"; also vit_l and vit_h."""
    device: str = "auto"
    dtype: str = "auto"
    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    zero_gpu: bool = False
    """Whether this is a Space to which ZeroGPU lends a GPU for each answer."""
    cache_mb: int = 2048
    """Megabytes for cached encodings and key/value caches of opened pictures, on the model's device."""
    quantize: str = "none"
    device_map: str = "none"
    """Whether a language model larger than its device is spread over several devices: "auto" or "none"."""
    addresses: bool = True
    """Whether pictures may be opened by their public web address."""
    compiled: bool = False
    """Whether the model is compiled when it is loaded."""
    cuda_graphs: bool = False
    """Whether decoding steps are recorded as CUDA graphs."""
    engine: str = LOCAL_ENGINE
    """Who decodes answers: "local", "vllm" in this program, or "vllm:URL" for a server."""
    mcp: bool = True
    """Whether the endpoints are also MCP tools."""
    metrics: str = "local"
    """Who may read `/metrics`: "local", "on" for everybody, or "off"."""
    access_log: bool = False
    """Whether every request is a line of the log."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names under which the page may be reached; a leading dot stands for all names that end so."""
    compare_with: str | None = None
    """A second model, named as `model` is, to compare answers with."""
    labels: str | None = None
    """The CLIP of a model "labels", a folder or a repository id; None for the usual one."""

    adapter: str | None = None
    """Folder of a LoRA adapter that was trained on the model."""
    verify: bool = False
    """Whether the sums of the model's downloaded files are checked at the start."""

    queue_length: int = 512
    """The most calls that wait at a time, of everybody."""
    answer_seconds: int = 0
    """The longest time for one answer; 0 for as long as it takes."""
    answers_together: int = 0
    """The most answers that are under way at a time; 0 for as many as the model decodes together."""

    serving: ServingOptions = field(default_factory=ServingOptions)
    """Logins, keys, TLS and the path behind a reverse proxy."""

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise InputError("options.model_empty")
        kind = ":".join(self.segmenter.split(":", 2)[:2])
        if kind not in SEGMENTERS or self.segmenter.startswith(("classic:", "learned:")):
            known = ", ".join(SEGMENTERS)
            raise InputError("options.segmenter_unknown", value=repr(self.segmenter), known=known)
        if self.dtype not in DTYPES:
            raise InputError("options.dtype_unknown", value=repr(self.dtype), known=", ".join(DTYPES))
        device = self.device.split(":", 1)[0]
        if device not in choices.DEVICES:
            raise InputError("options.device_unknown", value=repr(self.device))
        if not 1 <= self.port <= 65535:
            raise InputError("options.port_outside", value=self.port)
        if self.cache_mb < 0:
            raise InputError("options.cache_negative", value=self.cache_mb)
        if self.quantize not in QUANTIZATIONS:
            raise InputError("options.quantize_unknown", value=repr(self.quantize), known=", ".join(QUANTIZATIONS))
        if self.device_map not in DEVICE_MAPS:
            raise InputError("options.device_map_unknown", value=repr(self.device_map), known=", ".join(DEVICE_MAPS))
        if self.queue_length < 1:
            raise InputError("options.queue_length_invalid", value=self.queue_length)
        if self.answer_seconds < 0:
            raise InputError("options.answer_seconds_negative", value=self.answer_seconds)
        if self.answers_together < 0:
            raise InputError("options.answers_together_negative", value=self.answers_together)
        if self.metrics not in AUDIENCES:
            raise InputError("options.metrics_unknown", value=repr(self.metrics), known=", ".join(AUDIENCES))
        if not self.host.strip():
            raise InputError("options.host_empty")
        engine_addresses(self.engine)
        if self.zero_gpu and self.cuda_graphs:  # nothing that lies on a lent GPU is there after the answer
            raise InputError("options.cuda_graphs_lent")
        changed = self.quantize != "none" or self.compiled or self.cuda_graphs or self.device_map != "none"
        if self.engine != LOCAL_ENGINE and changed:
            raise InputError("options.engine_alone")

    @property
    def is_embedded(self) -> bool:
        """Whether the small built-in model was asked for."""
        return self.model == EMBEDDED_MODEL


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError("options.arguments_invalid", message=message[:1].upper() + message[1:])


def read_options(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> Options:
    """Options from the words after the program's name and from the environment.

    Raises InputError for invalid options. `--help` prints and raises SystemExit(0).
    """
    given = vars(_parser().parse_args(list(argv)))
    values = {
        "model": _first(given["model"], environment.get("OSPREY_MODEL"), EMBEDDED_MODEL),
        "revision": given["revision"] or environment.get("OSPREY_REVISION") or None,
        "segmenter": _first(given["segmenter"], environment.get("OSPREY_SEGMENTER"), DEFAULT_SEGMENTER),
        "device": _first(given["device"], environment.get("OSPREY_DEVICE"), "auto"),
        "dtype": _first(given["dtype"], environment.get("OSPREY_DTYPE"), "auto"),
        "host": _first(
            given["host"], environment.get("OSPREY_HOST"), environment.get("GRADIO_SERVER_NAME"), "127.0.0.1"
        ),
        "quantize": _first(given["quantize"], environment.get("OSPREY_QUANTIZE"), "none"),
        "device_map": _first(given["device_map"], environment.get("OSPREY_DEVICE_MAP"), "none"),
        "compare_with": given["compare_with"] or environment.get("OSPREY_COMPARE_WITH") or None,
        "labels": given["labels"] or environment.get("OSPREY_LABELS") or None,
        "compiled": given["compile"] or _is_true(environment.get("OSPREY_COMPILE", "")),
        "cuda_graphs": given["cuda_graphs"] or _is_true(environment.get("OSPREY_CUDA_GRAPHS", "")),
        "engine": _first(given["engine"], environment.get("OSPREY_ENGINE"), LOCAL_ENGINE),
        "share": given["share"],
        "adapter": given["adapter"] or environment.get("OSPREY_ADAPTER") or None,
        "verify": given["verify"],
        "serving": ServingOptions(
            read_logins(given["auth"] or environment.get("OSPREY_AUTH", "").split()),
            _path(given["tls_cert"] or environment.get("OSPREY_TLS_CERT")),
            _path(given["tls_key"] or environment.get("OSPREY_TLS_KEY")),
            given["root_path"] or environment.get("OSPREY_ROOT_PATH") or "",
            read_key_sums(_path(given["api_keys"] or environment.get("OSPREY_API_KEYS"))),
            # A Space is made to be seen by everybody, or its owner has made it private.
            given["public"] or bool(environment.get("SPACE_ID")) or _is_true(environment.get("OSPREY_PUBLIC", "")),
            given["trusted_proxies"] or environment.get("OSPREY_TRUSTED_PROXIES") or "",
        ),
        "allowed_hosts": tuple(
            given["allowed_host"] or environment.get("OSPREY_ALLOWED_HOSTS", "").replace(",", " ").split()
        ),
        "addresses": _switch("--addresses", _first(given["addresses"], environment.get("OSPREY_ADDRESSES"), "on")),
        "mcp": _switch("--mcp", _first(given["mcp"], environment.get("OSPREY_MCP"), "on")),
        "metrics": _first(given["metrics"], environment.get("OSPREY_METRICS"), "local").lower(),
        "access_log": _switch("--access-log", _first(given["access_log"], environment.get("OSPREY_ACCESS_LOG"), "off")),
        "zero_gpu": environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true"),  # set by the Space
    }
    port = _first(given["port"], environment.get("OSPREY_PORT"), environment.get("GRADIO_SERVER_PORT"), "7860")
    cache_mb = _first(given["cache_mb"], environment.get("OSPREY_CACHE_MB"), "2048")
    queue_length = _first(given["queue_length"], environment.get("OSPREY_QUEUE_LENGTH"), "512")
    longest = SPACE_ANSWER_SECONDS if environment.get("SPACE_ID") else 0
    answer_seconds = _first(given["answer_seconds"], environment.get("OSPREY_ANSWER_SECONDS"), str(longest))
    answers_together = _first(given["answers_together"], environment.get("OSPREY_ANSWERS_TOGETHER"), "0")
    options = Options(
        **values,
        port=_whole("--port", port),
        cache_mb=_whole("--cache-mb", cache_mb),
        queue_length=_whole("--queue-length", queue_length),
        answer_seconds=_whole("--answer-seconds", answer_seconds),
        answers_together=_whole("--answers-together", answers_together),
    )
    options.serving.check_host(options.host)
    return options


def _is_true(text: str) -> bool:
    return text.lower() in ("1", "t", "true")


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _switch(flag: str, text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise InputError("options.not_a_switch", flag=flag, value=repr(text))
    return text.lower() == "on"


def _whole(flag: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError("options.not_whole", flag=flag, value=repr(text)) from None


def _first(*candidates: str | None) -> str:
    """The flag (first candidate) unless it is None, else the first non-empty of the others."""
    flag, *others = candidates
    if flag is not None:
        return flag
    return next(value for value in others if value)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="app.py", description="Ask about any region of a picture, in the browser.", allow_abbrev=False
    )
    parser.add_argument(
        "--model",
        help="nano (default, built in), a checkpoint folder, or a repository id such as sunshine-lwt/Osprey-7b; labels "
        "or labels:VOCABULARY for names by a CLIP alone; openai:URL#MODEL for a model behind an endpoint "
        "[OSPREY_MODEL]",
    )
    parser.add_argument(
        "--labels", metavar="CLIP", help="the CLIP of the model labels, a folder or a repository id [OSPREY_LABELS]"
    )
    parser.add_argument(
        "--compare-with",
        metavar="MODEL",
        help="another model, named as for --model, to compare answers with [OSPREY_COMPARE_WITH]",
    )
    parser.add_argument(
        "--adapter", metavar="FOLDER", help="a LoRA adapter (peft) trained on the model, added to it [OSPREY_ADAPTER]"
    )
    parser.add_argument("--verify", action="store_true", help="check the sums of files downloaded from the Hub earlier")
    parser.add_argument("--revision", help="branch, tag or commit of the repository [OSPREY_REVISION]")
    parser.add_argument(
        "--segmenter", help=f"{', '.join(SEGMENTERS)}; sam:vit_b:FILE for own weights [OSPREY_SEGMENTER]"
    )
    parser.add_argument("--device", help="auto (default), cpu, cuda, cuda:1 …, mps [OSPREY_DEVICE]")
    parser.add_argument("--dtype", help=f"{', '.join(DTYPES)} [OSPREY_DTYPE]")
    parser.add_argument(
        "--quantize",
        help="none (default), int8 (any device), 8bit or 4bit (NVIDIA GPU, needs bitsandbytes) [OSPREY_QUANTIZE]",
    )
    parser.add_argument(
        "--device-map",
        help="none (default), or auto: spread a model larger than one GPU over all GPUs, memory and disk (needs "
        "accelerate) [OSPREY_DEVICE_MAP]",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the model while it is loaded: minutes once, faster answers after (needs a C++ compiler, or "
        "Triton on a GPU) [OSPREY_COMPILE=1]",
    )
    parser.add_argument(
        "--cuda-graphs",
        action="store_true",
        help="record decoding steps on an NVIDIA GPU and replay them: less waiting for Python [OSPREY_CUDA_GRAPHS=1]",
    )
    parser.add_argument(
        "--engine",
        help="who decodes answers: local (default); vllm, in this program; vllm:http://HOST:PORT, a server "
        "[OSPREY_ENGINE]",
    )
    parser.add_argument(
        "--cache-mb", help="memory that opened pictures may keep between questions, 2048 by default [OSPREY_CACHE_MB]"
    )
    parser.add_argument("--host", help="address to serve on, 127.0.0.1 by default [OSPREY_HOST]")
    parser.add_argument(
        "--allowed-host",
        action="append",
        metavar="NAME",
        help="another name under which the page may be reached, such as that of a proxy; .example.org stands for all "
        "names that end so; may be given several times [OSPREY_ALLOWED_HOSTS, parted by commas]",
    )
    parser.add_argument("--port", help="port to serve on, 7860 by default [OSPREY_PORT, GRADIO_SERVER_PORT]")
    parser.add_argument(
        "--addresses", help="on (default) or off: pictures are opened by their web address [OSPREY_ADDRESSES]"
    )
    parser.add_argument("--mcp", help="on (default) or off: the endpoints as tools over MCP [OSPREY_MCP]")
    parser.add_argument(
        "--metrics",
        help="local (default): programs on this computer may read /metrics; on: everybody; off: nobody "
        "[OSPREY_METRICS]",
    )
    parser.add_argument(
        "--access-log", help="off (default) or on: every request is a line of JSON in the log [OSPREY_ACCESS_LOG]"
    )
    parser.add_argument(
        "--auth",
        action="append",
        metavar="NAME:PASSWORD",
        help="only who logs in may see the page; again for more people. Other users of the machine can see "
        "arguments, so rather use the variable, with spaces between several [OSPREY_AUTH]",
    )
    parser.add_argument(
        "--public",
        action="store_true",
        help="everybody who reaches the address given by --host may use the page [OSPREY_PUBLIC=1]",
    )
    parser.add_argument(
        "--api-keys",
        metavar="FILE",
        help="programs need a key: a file of lines NAME SUM, as `python -m demo.serving_options NAME` makes them; "
        "without --auth and --public, the page needs one too [OSPREY_API_KEYS]",
    )
    parser.add_argument(
        "--trusted-proxies",
        metavar="ADDRESSES",
        help="addresses or networks of proxies that tell whose requests they pass on, parted by commas; by default "
        "those on this computer [OSPREY_TRUSTED_PROXIES]",
    )
    parser.add_argument(
        "--queue-length", help="calls that may wait at a time, of everybody, 512 by default [OSPREY_QUEUE_LENGTH]"
    )
    parser.add_argument(
        "--answer-seconds",
        help="the longest time for one answer; 0 (default) for as long as it takes, on a Space 300 "
        "[OSPREY_ANSWER_SECONDS]",
    )
    parser.add_argument(
        "--answers-together",
        help="answers that are under way at a time; 0 (default) for as many as the model decodes together "
        "[OSPREY_ANSWERS_TOGETHER]",
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="serve over https with this PEM file [OSPREY_TLS_CERT]")
    parser.add_argument("--tls-key", metavar="FILE", help="and this private key, not encrypted [OSPREY_TLS_KEY]")
    parser.add_argument(
        "--root-path", help="where a reverse proxy serves the page: /osprey, or the whole address [OSPREY_ROOT_PATH]"
    )
    parser.add_argument("--share", action="store_true", help="also open a public Gradio link")
    return parser
