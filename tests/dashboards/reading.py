"""Reading a report back: what a browser would find in it, and whether it asks for anything outside of it."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

URLS = ("src", "href", "action", "poster", "srcset", "data", "background")


@dataclass
class Told(HTMLParser):
    """What is in a report: elements, headings, tables as lists of rows, sounds and pictures by their names."""

    elements: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    text: str = ""
    policy: str = ""
    pictures: dict[str, str] = field(default_factory=dict)
    sounds: dict[str, tuple[NDArray[np.float64], int]] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._cells: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append(tag)
        self.urls += [given[name] for name in URLS if name in given]
        assert not [name for name in given if name.startswith("on")]
        self.policy = given["content"] if given.get("http-equiv") == "Content-Security-Policy" else self.policy
        self._within = tag
        match tag:
            case "tr":
                self._cells = []
            case "td" | "th":
                self._cells.append("")
            case "img":
                self.pictures[given["alt"]] = _decoded(given["src"], "image/svg+xml").decode()
            case "audio":
                self.sounds[given["aria-label"]] = sf.read(io.BytesIO(_decoded(given["src"], "audio/ogg")))
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        self.rows += [self._cells] * (tag == "tr")
        self._within = ""

    def handle_data(self, data: str) -> None:
        self.text += f"{data} " * (self._within != "style")
        self.headings += [data] * (self._within in ("h1", "h2"))
        match self._within:
            case "td" | "th":
                self._cells[-1] += data
            case _:
                pass

    def row(self, first: str) -> list[str]:
        """The only row that begins so."""
        (found,) = [row[1:] for row in self.rows if row[0] == first]
        return found


def told(html: str) -> Told:
    """Read a report; it must need nothing but itself, and hold nothing that runs."""
    found = Told()
    found.feed(html)
    assert {"script", "iframe", "object", "embed", "link", "base", "form"}.isdisjoint(found.elements)
    assert [url for url in found.urls if not url.startswith("data:")] == []
    assert "default-src 'none'" in found.policy
    assert "script-src" not in found.policy
    for drawn in found.pictures.values():
        picture = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=\s]+", "", drawn)
        assert set(re.findall(r"(?:https?:)?//[^\s\"']+", picture)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }
        assert "<script" not in picture
    return found


def _decoded(url: str, kind: str) -> bytes:
    head, data = url.split(",", 1)
    assert head == f"data:{kind};base64"
    return base64.b64decode(data)
