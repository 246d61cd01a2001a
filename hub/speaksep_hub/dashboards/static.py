"""Scripts and styles of the pages. Their addresses have the hash of them all, so that they are cached for ever."""

from __future__ import annotations

import gzip
import hashlib
from functools import cached_property
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import speaksep_dashboards.bundle as bundle
from speaksep_dashboards.page import KINDS
from speaksep_hub.service.errors import NotFound

MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
BOKEH = ("bokeh.min.js", "bokeh-tables.min.js", "bokeh-widgets.min.js")
_SHELL = ("shell.js", "shell.css")


class StaticFiles:
    """All that a page loads besides its data."""

    @cached_property
    def texts(self) -> dict[str, bytes]:
        """By name."""
        own = files("speaksep_hub.dashboards") / "files"
        found = self.views()
        found |= {name: (own / name).read_bytes() for name in _SHELL}
        found["kernelless.js"] = (files("speaksep_dashboards") / "static" / "kernelless.js").read_bytes()
        return found | _bokeh()

    def views(self) -> dict[str, bytes]:
        """Scripts and styles of all kinds of pages, by name."""
        scripts = {f"{kind}.js": bundle.esm(kind).encode() for kind in KINDS}
        return scripts | {f"{kind}.css": bundle.css(kind).encode() for kind in KINDS}

    @cached_property
    def stamp(self) -> str:
        """Changes with any of them."""
        digest = hashlib.sha256()
        for name, text in sorted(self.texts.items()):
            digest.update(f"{name} {len(text)} ".encode() + text)
        return digest.hexdigest()[:16]

    @cached_property
    def zipped(self) -> dict[str, bytes]:
        """The same, compressed."""
        return {name: gzip.compress(text, 6) for name, text in self.texts.items()}

    def address(self, name: str = "") -> str:
        """Below the address of the front."""
        return f"static/{self.stamp}/{name}"

    def media_type(self, name: str) -> str:
        """Of a file.

        Raises
        ------
        NotFound
            Reason ``unknown-file``.
        """
        if name not in self.texts:
            raise NotFound(f"there is no file {name[:100]!r}", reason="unknown-file", hint="load the page again")
        return MEDIA_TYPES[PurePosixPath(name).suffix]


def warm_up(static: StaticFiles) -> None:
    """Make what the first who looks would wait for: modules, and files that are made once."""
    for kind in KINDS:
        import_module(f"speaksep_dashboards.{kind}.page")
    _ = static.zipped, static.stamp


def _bokeh() -> dict[str, bytes]:
    spec = find_spec("bokeh")  # importing it would take longer
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "server" / "static" / "js"
    return {name: (folder / name).read_bytes() for name in BOKEH}
