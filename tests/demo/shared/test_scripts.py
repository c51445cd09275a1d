"""The linker of the page's scripts: what it makes of modules, checked by Node, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest

from demo.shared import scripts
from demo.shared.scripts import ScriptError, linked, script, without_quoted_words

DEMO = Path(scripts.__file__).parents[1]
ENTRIES = [path.relative_to(DEMO).as_posix() for path in DEMO.rglob("*.js") if "export const mount" in path.read_text()]

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")

MODULES = {
    "page/entry.js": """
import { double, Counter as Count } from "../shared/numbers.js";
import {
  name,
} from "./names.js";

const secret = 1;
export const result = [double(20) + secret, new Count().next(), name, typeof hidden];
""",
    "page/names.js": """
import { double } from "../shared/numbers.js";
export const name = `entry${double(1)}`;
""",
    "shared/numbers.js": """
const hidden = 2;
export function double(number) {
  return hidden * number;
}
export class Counter {
  next() {
    return 7;
  }
}
export async function later() {}
globalThis.runs = (globalThis.runs || 0) + 1;
""",
}
PRINT = "console.log(JSON.stringify([...{module}.result, globalThis.runs]))"


def reader(modules: dict[str, str]) -> Callable[[str], str]:
    return lambda path: modules[path]


def node(text: str, *options: str, **how: object) -> str:
    done = subprocess.run(["node", *options, "-"], input=text, capture_output=True, text=True, check=True, **how)  # type: ignore[call-overload]
    return str(done.stdout)


@needs_node
def test_linked_modules_do_what_node_makes_of_the_files(tmp_path: Path) -> None:
    for path, text in MODULES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    natively = node(
        'import * as entry from "./page/entry.js";\n' + PRINT.format(module="entry"),
        "--input-type=module",
        cwd=tmp_path,
    )
    together = node(linked("page/entry.js", reader(MODULES)) + PRINT.format(module='scripts["page/entry.js"]'))
    assert json.loads(together) == json.loads(natively) == [41, 7, "entry2", "undefined", 1]


@pytest.mark.parametrize(
    ("modules", "problem"),
    [
        ({"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}, "circle: a.js → b.js → a.js"),
        ({"a.js": 'import { a } from "./a.js";'}, "circle: a.js → a.js"),
        ({"a.js": 'import { b, c } from "./b.js";', "b.js": "export const b = 1;"}, "a.js imports c, which b.js"),
        ({"a.js": 'import b from "./b.js";'}, "a.js: the linker does not take this line: import b"),
        ({"a.js": 'import * as b from "./b.js";'}, "does not take this line"),
        ({"a.js": 'import { b } from "left-pad";'}, "does not take this line"),
        ({"a.js": "export let a = 1;"}, "does not take this line: export let a"),
        ({"a.js": "export default 1;"}, "does not take this line"),
        ({"a.js": "const a = 1;\nexport { a };"}, "does not take this line"),
    ],
)
def test_other_forms_are_refused(modules: dict[str, str], problem: str) -> None:
    with pytest.raises(ScriptError, match=re.escape(problem)):
        linked("a.js", reader(modules))


def test_there_is_an_entry_for_each_component() -> None:
    assert {Path(entry).name for entry in ENTRIES} >= {"canvas.js", "chat.js", "about.js", "presets.js", "analysis.js"}


@pytest.mark.parametrize("entry", ENTRIES)
def test_gradio_finds_the_events_of_a_script_and_no_others(entry: str) -> None:
    component = gr.HTML(js_on_load=script(entry, ("some_event",)), render=False)
    assert callable(component.some_event)
    words = set(re.findall(r"""["'`](\w+)["'`]""", (DEMO / entry).read_text()))
    assert words
    assert {word for word in words if hasattr(component, word) and not hasattr(gr.HTML, word)} <= vars(component).keys()


def test_a_room_uses_its_own_modules_and_shared_ones() -> None:
    for path in DEMO.rglob("*.js"):
        for source in re.findall(r'from "([^"]+)";', path.read_text()):
            room = (path.parent / source).resolve().parent.name
            assert room in (path.parent.name, "shared", "i18n"), f"{path.name} imports {source}"


@needs_node
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_script_of_the_page_can_be_read_by_an_engine(entry: str) -> None:
    node(f"(async (element, trigger, props, server, upload, watch) => {{\n{script(entry)}\n}})", "--check")


@needs_node
def test_escaped_words_mean_the_same() -> None:
    values = """["scene", 'picture', `turns`, { "key": "a b" }.key, /"word"/.test('"word"')]"""
    text = f"console.log(JSON.stringify({values}));"
    kept = without_quoted_words(text, ["turns"])
    assert '"scene"' not in kept
    assert "`turns`" in kept
    assert json.loads(node(kept)) == json.loads(node(text)) == ["scene", "picture", "turns", "a b", True]
