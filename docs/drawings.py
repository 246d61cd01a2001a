"""Drawings of the documentation that are made from the code, and the table of its rooms.

``python docs/drawings.py`` writes ``docs/images/rooms.svg``, ``processes.svg``, ``trust.svg`` and the table in
``docs/architecture.md``; a test compares. Rooms are the packages one below each of ours, in the order of the
layers that import-linter checks; parts are those that ``speaksep hub up`` starts.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PLACES = {
    "speaksep_hub": "hub/speaksep_hub",
    "speaksep_dashboards": "dashboards/speaksep_dashboards",
    "speaksep_widgets": "widgets/speaksep_widgets",
    "speaksep_kernel": "speaksep_kernel",
}
"""Packages, those above first, and where they are."""
STYLE = """
.back { fill: #fff; }
text { font: 13px system-ui, sans-serif; fill: #1a1a1a; }
.title { font-weight: 600; }
.small { font-size: 11px; fill: #555; }
.panel { fill: #f4f6f8; stroke: #9aa4ad; }
.box { fill: #fff; stroke: #0072b2; }
.soft { fill: #fff; stroke: #9aa4ad; }
.edge { stroke: #555; fill: none; marker-end: url(#tip); }
.bound { fill: none; stroke: #d55e00; stroke-dasharray: 6 4; }
.tip { fill: #555; }
.warm { fill: #d55e00; }
@media (prefers-color-scheme: dark) {
text { fill: #eee; }
.small { fill: #bbb; }
.panel { fill: #22272b; stroke: #6b757d; }
.box { fill: #14181b; stroke: #56b4e9; }
.soft { fill: #14181b; stroke: #6b757d; }
.edge { stroke: #bbb; }
.tip { fill: #bbb; }
.bound { stroke: #e69f00; }
.warm { fill: #e69f00; }
.back { fill: #14181b; }
}
"""

PARTS = {
    "proxy": (330, 110, "traefik: the one address, TLS"),
    "hub": (40, 210, "people, servers, tokens"),
    "provider": (40, 300, "sign-in, on one machine only"),
    "service": (250, 210, "job service: REST, events"),
    "dashboards": (460, 210, "pages of stored results"),
    "voila": (670, 210, "pages with a kernel"),
    "panel": (670, 300, "pages with a session"),
    "worker": (250, 390, "runs jobs"),
    "idle-culler": (40, 390, "stops unused servers"),
}
"""What `speaksep hub up` starts: where it is drawn, and what it is."""
THINGS = {
    "browsers, programs": (330, 30, "people and their tokens"),
    "servers of users": (670, 390, "JupyterLab, one each"),
    "job table": (250, 300, "SQLite or PostgreSQL"),
    "store": (460, 300, "recordings, results"),
    "kernels": (460, 390, "forked, with a lease of a GPU"),
}
"""What they work with."""
EDGES = (
    ("browsers, programs", "proxy"),
    ("proxy", "hub"),
    ("proxy", "service"),
    ("proxy", "dashboards"),
    ("proxy", "voila"),
    ("hub", "provider"),
    ("service", "job table"),
    ("service", "store"),
    ("dashboards", "store"),
    ("worker", "job table"),
    ("worker", "kernels"),
    ("kernels", "store"),
    ("servers of users", "kernels"),
    ("voila", "store"),
    ("panel", "store"),
)


def rooms(package: str) -> dict[str, str]:
    """Names of the rooms of a package, and the first sentence of each."""
    found = {}
    for path in sorted((ROOT / PLACES[package]).iterdir()):
        source = path / "__init__.py" if path.is_dir() else path
        alone = package == "speaksep_widgets" and re.fullmatch(r"[a-z]\w*\.py", path.name)  # a widget, a module
        if source.is_file() and (path.is_dir() or alone):
            text = ast.get_docstring(ast.parse(source.read_text("utf-8"))) or ""
            found[path.stem] = text.partition("\n")[0].replace("``", "`")
    return found


def layers() -> list[list[str]]:
    """Rooms of the kernel package, those above first, as import-linter checks them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    inside = next(each for each in contracts if "speaksep_kernel.recording" in each.get("layers", []))
    return [[name.strip().rpartition(".")[2] for name in layer.split(":")] for layer in inside["layers"]]


def table() -> str:
    """All rooms with what each is for, as Markdown."""
    lines = ["| room | is for |", "|---|---|"]
    for package in PLACES:
        lines += [f"| `{package}.{name}` | {said} |" for name, said in rooms(package).items()]
    return "\n".join(lines)


def _svg(width: int, height: int, shapes: Iterable[str], title: str) -> str:
    tip = (
        '<marker id="tip" markerWidth="9" markerHeight="9" refX="8" refY="4" orient="auto">'
        '<path class="tip" d="M0 0 9 4 0 8z"/></marker>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n<defs>{tip}</defs>\n"
        f'<rect class="back" width="{width}" height="{height}"/>\n' + "\n".join(shapes) + "\n</svg>\n"
    )


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _chips(names: Iterable[str], x: float, y: float, right: float) -> Iterator[tuple[float, str]]:
    """Small boxes with names, in rows; each with the bottom of its row."""
    left = x
    for name in names:
        width = 7.4 * len(name) + 18
        if left + width > right:
            left, y = x, y + 32
        yield y + 26, _box(left, y, width, 26, "box")
        yield y + 26, _text(left + width / 2, y + 17, name, anchor="middle")
        left += width + 8


def draw_rooms() -> str:
    """Packages above each other, their rooms inside; those of the kernel package by layer."""
    shapes: list[str] = []
    y, width = 10.0, 860
    for package in PLACES:
        named = rooms(package)
        inner = y + 32
        content: list[str] = []
        if package == "speaksep_kernel":
            below = {name for layer in layers() for name in layer}
            for layer in layers():
                content.append(_box(24, inner, 520, 38, "soft"))
                content += [shape for _, shape in _chips(layer, 34, inner + 6, 540)]
                inner += 44
            content.append(_text(570, y + 48, "beside the layers", "small"))
            content += [shape for _, shape in _chips((name for name in named if name not in below), 570, y + 58, 840)]
            bottom = inner + 4
        else:
            drawn = list(_chips(named, 24, inner, width - 24))
            content = [shape for _, shape in drawn]
            bottom = max([at for at, _ in drawn], default=inner) + 10
        shapes += [_box(10, y, width - 20, bottom - y, "panel"), _text(24, y + 20, package, "title"), *content]
        y = bottom + 12
    return _svg(
        width,
        int(y),
        shapes,
        "Packages and their rooms; those above import those below, never the other way",
    )


def draw_processes() -> str:
    """Parts of a running platform, and who asks whom."""
    everything = PARTS | THINGS
    shapes = []
    for first, second in EDGES:
        (x1, y1, _), (x2, y2, _) = everything[first], everything[second]
        if abs(y1 - y2) < 20:
            begin, end = (x1 + (180 if x2 > x1 else 0), y1 + 24), (x2 + (0 if x2 > x1 else 180), y2 + 24)
        else:
            begin, end = (x1 + 90, y1 + (48 if y2 > y1 else 0)), (x2 + 90, y2 + (0 if y2 > y1 else 48))
        shapes.append(f'<path class="edge" d="M{begin[0]} {begin[1]} {end[0]} {end[1]}"/>')
    for name, (x, y, said) in everything.items():
        shapes.append(_box(x, y, 180, 48, "box" if name in PARTS else "soft"))
        shapes += [_text(x + 90, y + 20, name, "title", "middle"), _text(x + 90, y + 37, said, "small", "middle")]
    return _svg(880, 455, shapes, "Parts of a running platform, and which asks which")


def draw_trust() -> str:
    """What lies behind which boundary."""
    shapes = []
    bounds = (
        (10, 10, 860, 330, "1  anybody who reaches the address"),
        (30, 80, 820, 245, "2  TLS and sign-in: people and tokens the hub knows"),
        (50, 150, 250, 160, "3  a server of one's own"),
        (320, 150, 510, 160, "4  the platform's own processes"),
        (560, 190, 250, 105, "5  jobs and plugins"),
    )
    for x, y, width, height, words in bounds:
        shapes += [_box(x, y, width, height, "bound"), _text(x + 12, y + 20, words, "title warm")]
    lines = (
        (30, 52, "health, the sign-in page, keys that check signatures; nothing of anybody"),
        (50, 122, "scopes say who may what; what is not yours is not found"),
        (65, 200, "JupyterLab and kernels"), (65, 220, "one account or container each;"),
        (65, 240, "a token worth what its"), (65, 260, "owner may, and no secret"),
        (335, 200, "hub, proxy, service, dashboards"), (335, 220, "secrets in files of mode 0600"),
        (335, 240, "database, store, audit trail"), (335, 260, "no code of users runs here"),
        (575, 230, "kernels without tokens and settings"), (575, 248, "of the platform; plugins in processes"),
        (575, 266, "of their own, bounded, where asked"),
    )  # fmt: skip
    shapes += [_text(x, y, words, "small") for x, y, words in lines]
    return _svg(880, 350, shapes, "Trust boundaries: anybody, signed in, one's own server, the platform, jobs")


DRAWN = {"rooms.svg": draw_rooms, "processes.svg": draw_processes, "trust.svg": draw_trust}


def with_table(page: str) -> str:
    """The page with its table of rooms as it should be."""
    return re.sub(r"(?s)(<!-- table: rooms -->\n\n).*?(?=\n\n|\Z)", lambda found: found[1] + table(), page)


if __name__ == "__main__":
    for name, draw in DRAWN.items():
        (DOCS / "images" / name).write_text(draw(), "utf-8")
    architecture = DOCS / "architecture.md"
    architecture.write_text(with_table(architecture.read_text("utf-8")), "utf-8")
