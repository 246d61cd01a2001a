"""An executed notebook as a page on which nothing runs: what was done, and the cell that failed."""

from __future__ import annotations

from html import escape
from typing import Any

from speaksep_dashboards.places import told
from speaksep_kernel.errors import InputError

# Nothing that runs, loads or leads anywhere.
TAGS = frozenset(
    [
        *("h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "span", "section", "blockquote", "hr", "br", "pre", "code"),
        *("b", "i", "q", "s", "u", "em", "strong", "small", "sub", "sup", "del", "mark", "kbd", "samp", "var"),
        *("ol", "ul", "li", "dl", "dt", "dd", "details", "summary", "figure", "figcaption", "img", "progress"),
        *("table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"),
    ]
)
SHOWN = frozenset({"text/plain", "text/html", "image/png", "image/jpeg"})
"""Outputs that are kept; scripts and widgets are not."""
MOST_BYTES = 20 << 20

_STYLE = """\
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
pre { overflow-x: auto; padding: .5rem .75rem; border-radius: 4px; font-size: 13px; }
pre { background: rgba(127, 127, 127, .14); }
img { max-width: 100%; } table { border-collapse: collapse; } td, th { padding: .15rem .6rem; text-align: left; }
.prompt, .anchor-link { display: none; }
.output_error pre { border-left: 4px solid #b3261e; }
"""


def as_page(text: str, title: str) -> str:
    """A notebook as HTML without scripts, styles of its own, links, or anything from elsewhere.

    Parameters
    ----------
    text
        The notebook, as JSON.
    title
        Of the page.

    Returns
    -------
    The page. Of paths in it only the names of files are left.

    Raises
    ------
    InputError
        Reason ``half-written``: it is no notebook; ``too-large``.
    """
    import bleach  # type: ignore[import-untyped]  # none of these have types
    import nbformat
    from bs4 import BeautifulSoup
    from nbconvert.exporters import HTMLExporter

    if len(text) > MOST_BYTES:
        raise InputError(
            f"the notebook has {len(text) / 1e6:.0f} MB",
            reason="too-large",
            hint="whoever ran it can open it in Jupyter",
        )
    read: Any = nbformat.reads
    node: Any = nbformat.from_dict
    exporter: Any = HTMLExporter
    try:
        notebook = node(told(_kept(read(text, 4))))
        body, _ = exporter(template_name="basic", exclude_anchor_links=True).from_notebook_node(notebook)
    except Exception as error:  # whatever nbformat and nbconvert stumble over: a file that a worker was killed over
        raise InputError(
            "the executed notebook is damaged, or was not written to its end",
            reason="half-written",
            hint="run the job again",
        ) from error
    soup = BeautifulSoup(body, "html.parser")
    for element in soup(["script", "style", "iframe", "object", "embed", "template", "svg", "math", "form"]):
        element.decompose()  # with what is inside, which bleach would leave as text
    clean = bleach.clean(str(soup), tags=TAGS, attributes=_attribute, protocols={"data"}, strip=True)
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
    return f"<!doctype html><html lang=en><head>{head}<style>{_STYLE}</style></head><body>{clean}</body></html>"


def _attribute(tag: str, name: str, value: str) -> bool:
    if tag == "img":
        return name == "alt" or (name == "src" and value.startswith("data:image/"))
    return name in ("class", "colspan", "rowspan", "scope") or (tag == "progress" and name in ("max", "value"))


def _kept(notebook: Any) -> Any:
    """Only outputs that are shown, and no colours of terminals, after which a path would not be seen as one."""
    from nbconvert.filters import strip_ansi

    plain: Any = strip_ansi
    for cell in notebook.cells:
        cell.pop("attachments", None)
        for output in cell.get("outputs", []):
            if "data" in output:
                output["data"] = {kind: value for kind, value in output["data"].items() if kind in SHOWN}
            if "traceback" in output:
                output["traceback"] = [plain(line) for line in output["traceback"]]
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if output.get("data", True)]
    return notebook
