"""Options: flags beat variables, variables beat defaults, and nonsense is one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demo.options import Options, read_options
from osprey_core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_are_the_embedded_model_on_this_computer() -> None:
    options = read_options([], {})
    assert options == Options("nano", None, "learned", "auto", "auto", "127.0.0.1", 7860, False)
    assert options.is_embedded


def test_a_flag_beats_its_variable_and_a_variable_beats_the_default() -> None:
    environment = {
        "OSPREY_MODEL": "folder",
        "OSPREY_PORT": "8001",
        "OSPREY_DEVICE": "cpu",
        "OSPREY_SEGMENTER": "sam:vit_b",
    }
    options = read_options(["--model", "owner/name", "--dtype", "float32"], environment)
    assert (options.model, options.port, options.device, options.segmenter) == ("owner/name", 8001, "cpu", "sam:vit_b")
    assert not options.is_embedded


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({"GRADIO_SERVER_PORT": "9000"}, 9000),
        ({"GRADIO_SERVER_PORT": "9000", "OSPREY_PORT": "9001"}, 9001),
        ({"OSPREY_PORT": ""}, 7860),
    ],
)
def test_port_comes_from_either_variable(environment: dict[str, str], port: int) -> None:
    assert read_options([], environment).port == port


def test_the_device_map_comes_from_either_side() -> None:
    environment = {"OSPREY_DEVICE_MAP": "auto"}
    assert [read_options([], given).device_map for given in ({}, environment)] == ["none", "auto"]
    assert read_options(["--device-map", "none"], environment).device_map == "none"


def test_compiling_is_off_unless_asked_for_on_either_side() -> None:
    assert not read_options([], {}).compiled
    assert read_options(["--compile"], {}).compiled
    assert read_options([], {"OSPREY_COMPILE": "1"}).compiled
    assert not read_options([], {}).cuda_graphs
    assert read_options(["--cuda-graphs"], {}).cuda_graphs
    assert read_options([], {"OSPREY_CUDA_GRAPHS": "1"}).cuda_graphs
    with pytest.raises(InputError, match="ZeroGPU lends"):
        read_options(["--cuda-graphs"], {"SPACES_ZERO_GPU": "true"})
    with pytest.raises(InputError, match="--cuda-graphs"):
        read_options(["--cuda-graphs", "--engine", "vllm"], {})


def test_cache_and_quantization_come_from_either_side() -> None:
    environment = {"OSPREY_CACHE_MB": "300", "OSPREY_QUANTIZE": "8bit"}
    assert (read_options([], environment).cache_mb, read_options([], environment).quantize) == (300, "8bit")
    options = read_options(["--cache-mb", "0", "--quantize", "int8"], environment)
    assert (options.cache_mb, options.quantize) == (0, "int8")
    assert (read_options([], {}).cache_mb, read_options([], {}).quantize) == (2048, "none")


def test_who_decodes_is_chosen_by_flag_or_variable() -> None:
    server = "vllm:http://127.0.0.1:8000"
    assert read_options([], {}).engine == "local"
    assert read_options([], {"OSPREY_ENGINE": server}).engine == server
    assert read_options(["--engine", "vllm"], {"OSPREY_ENGINE": server}).engine == "vllm"


def test_addresses_can_be_switched_off() -> None:
    assert read_options([], {}).addresses
    assert not read_options(["--addresses", "off"], {}).addresses


def test_mcp_can_be_switched_off() -> None:
    assert read_options([], {}).mcp
    assert not read_options([], {"OSPREY_MCP": "off"}).mcp
    assert read_options(["--mcp", "on"], {"OSPREY_MCP": "off"}).mcp


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--mcp", "maybe"], "--mcp"),
        (["--port", "many"], "--port"),
        (["--port", "0"], "--port"),
        (["--port", "65536"], "--port"),
        (["--model", " "], "--model"),
        (["--segmenter", "magic"], "--segmenter"),
        (["--segmenter", "sam:vit_x"], "--segmenter"),
        (["--segmenter", "classic:file"], "--segmenter"),
        (["--device", "toaster"], "--device"),
        (["--dtype", "int3"], "--dtype"),
        (["--quantize", "int3"], "--quantize"),
        (["--device-map", "everywhere"], "--device-map"),
        (["--engine", "gpt"], "'gpt' is no language engine"),
        (["--engine", "vllm", "--quantize", "int8"], "--engine"),
        (["--cache-mb", "much"], "--cache-mb"),
        (["--cache-mb", "-1"], "--cache-mb"),
        (["--host", ""], "--host"),
        (["--colour", "red"], "--colour"),
        (["--mod", "nano"], "--mod"),
        (["--model"], "--model"),
    ],
)
def test_nonsense_is_refused_and_named(argv: list[str], named: str) -> None:
    with pytest.raises(InputError) as caught:
        read_options(argv, {})
    message = str(caught.value)
    assert named in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "segmenter", ["classic", "sam:vit_b", "sam:vit_h", "sam:vit_l:/some/where.pth", "sam:vit_b:C:/x.pth"]
)
def test_segmenters_with_and_without_own_weights(segmenter: str) -> None:
    assert read_options(["--segmenter", segmenter], {}).segmenter == segmenter


@pytest.mark.slow
def test_app_ends_with_one_sentence_and_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--dtype", "int3"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip().count("\n") == 0
    assert "--dtype" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_importing_the_page_loads_no_model_library() -> None:
    code = "import sys, demo, demo.options, demo.app; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_second_model_to_compare_with_is_an_option_and_a_variable() -> None:
    assert read_options([], {}).compare_with is None
    assert (
        read_options(["--compare-with", "/models/other"], {"OSPREY_COMPARE_WITH": "x"}).compare_with == "/models/other"
    )
    assert read_options([], {"OSPREY_COMPARE_WITH": "x"}).compare_with == "x"


def test_an_adapter_and_the_check_of_sums_are_options() -> None:
    assert (read_options([], {}).adapter, read_options([], {}).verify) == (None, False)
    options = read_options(["--adapter", "lora", "--verify"], {"OSPREY_ADAPTER": "other"})
    assert (options.adapter, options.verify) == ("lora", True)
    assert read_options([], {"OSPREY_ADAPTER": "other"}).adapter == "other"
