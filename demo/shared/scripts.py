"""Read and link the scripts and style sheets of the page's components.

The scripts are ES modules with `import` and `export`. Gradio runs the script of a gr.HTML as the body of a function,
where `import` is not allowed, so `script` links a module and all that it imports into one text. Serving the files to
dynamic `import()` instead would fail where a request needs Gradio's signature in its address (private Spaces inside
another page), because imports between files do not carry the signature.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from importlib import resources

_IMPORT = re.compile(r'^import\s*\{(?P<names>[^{}]*)\}\s*from\s*"(?P<path>\.{1,2}/[^"]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|const|class) (?P<name>\w+))", re.MULTILINE)
_WORD = re.compile(r"""(["'`])(\w*)(\w)\1""", re.ASCII)
_UNKNOWN = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)

_HOST = "{ element, trigger, props, server, upload, watch }"
"""The names that Gradio defines for the script of a gr.HTML."""


class ScriptError(ValueError):
    """A script that cannot be linked; the message names the file and the unsupported line."""


def script(entry: str, events: Sequence[str] = ()) -> str:
    """The script of a component: a module such as "canvas/canvas.js", linked with its imports, and a call of `mount`.

    events: names of the events that the script triggers, which become methods of the component.
    Raises ScriptError if a module uses a form of `import` or `export` that `linked` does not support.
    """
    text = without_quoted_words(linked(entry, text_of), events)
    return f"// Events: {', '.join(map(_quoted, events))}\n{text}\nscripts[{_quoted(entry)}].mount({_HOST});\n"


def text_of(name: str) -> str:
    """The text of a file by its path below `demo/`, such as "canvas/styles/canvas.css"."""
    return resources.files("demo").joinpath(name).read_text(encoding="utf-8")


def linked(entry: str, read: Callable[[str], str]) -> str:
    """Link a module and its imports into one text that runs each module once, in its own scope, imports first.

    The text declares `scripts`, an object that maps the path of each module to an object of its exports.

    entry: path of the module, with `/`, relative to the folder that holds all of them.
    read: gives the text of the module at such a path.

    Supported are `import { a, b as c } from "./d.js";` and `export` before a function, a class or a `const`, at the
    start of a line. Raises ScriptError for any other form, for circular imports, and for names that are imported but
    not exported.
    """
    exports: dict[str, list[str]] = {}
    texts = ["const scripts = {};"]

    def add(path: str, importers: tuple[str, ...]) -> None:
        if path in importers:
            raise ScriptError(f"Modules import each other in a circle: {' → '.join((*importers, path))}.")
        if path in exports:
            return
        text = read(path)
        lines = []
        for match in _IMPORT.finditer(text):
            source = posixpath.normpath(posixpath.join(posixpath.dirname(path), match["path"]))
            add(source, (*importers, path))
            pairs = [name.split(" as ") for name in map(str.strip, match["names"].split(",")) if name]
            missing = [pair[0] for pair in pairs if pair[0] not in exports[source]]
            if missing:
                raise ScriptError(f"{path} imports {', '.join(missing)}, which {source} does not export.")
            names = ", ".join(": ".join(pair) for pair in pairs)
            lines.append(f"const {{ {names} }} = scripts[{_quoted(source)}];")
        exports[path] = [match["name"] for match in _EXPORT.finditer(text)]
        body = _EXPORT.sub("", _IMPORT.sub("", text)).strip()
        if unsupported := _UNKNOWN.search(body):
            raise ScriptError(f"{path}: the linker does not take this line: {unsupported[0]}")
        lines += [body, f"return {{ {', '.join(exports[path])} }};"]
        texts.extend([f"scripts[{_quoted(path)}] = (() => {{", "'use strict';", *lines, "})();"])

    add(entry, ())
    return "\n".join(texts)


def without_quoted_words(text: str, kept: Sequence[str]) -> str:
    """The same script with the last letter of every quoted word escaped, except of the words in `kept`.

    Gradio treats any quoted word in a script as the name of an event, and then does not send updates of a property of
    that name. An escaped letter has the same meaning in a string, a template and a regular expression.
    """

    def escaped(match: re.Match[str]) -> str:
        quote, start, last = match.groups()
        return match[0] if start + last in kept else f"{quote}{start}\\u{ord(last):04x}{quote}"

    return _WORD.sub(escaped, text)


def _quoted(text: str) -> str:
    return f'"{text}"'
