"""Scripts and style sheets of the page's own components, read from the files of its rooms.

Gradio gives every component a script of its own, which cannot import; so what they share is put in front of each.
"""

from __future__ import annotations

from importlib import resources

SHARED = "shared/elements.js"

_MOUNT = """
let life = 0;
const mount = () => {
  const mine = ++life;
  body((names, act) => watch(names, (...sent) => mine === life && act(...sent)));
};
watch(Object.keys({ words: 0 }), mount);
mount();
"""


def script(*names: str) -> str:
    """The text of these scripts, one after the other, behind what all scripts share.

    They run anew whenever the property `words` changes. So what they draw goes into `element` in place of what is
    there, and listeners outside of what they draw are made with `listener`, which ends those of the run before.
    """
    texts = "\n".join(text_of(name) for name in (SHARED, *names))
    return "const body = (watch) => {\n" + texts + "\n};" + _MOUNT


def text_of(name: str) -> str:
    """The text of a file by its path below `demo/`, such as "canvas/canvas.css"."""
    return resources.files("demo").joinpath(name).read_text(encoding="utf-8")
