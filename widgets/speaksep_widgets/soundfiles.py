"""Lanes that the page's server serves as files: read by HTTP range, past the kernel."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_core.paths import jupyter_runtime_dir

CODINGS = {(1, 16): "s16", (1, 24): "s24", (3, 32): "f32"}
"""(format tag, bits) of what the browser reads."""
EXTENSIBLE = 0xFFFE


def sound_files(lanes: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Where in which served file each lane's samples are.

    Parameters
    ----------
    lanes
        Files by lane.

    Returns
    -------
    By lane ``{"url", "offset", "frames", "coding"}``; only of plain one-channel WAV files below the folder that the
    Jupyter server serves. Without a server (Voila by itself, Panel, a script) there are none.
    """
    server = _server()
    found = {}
    for lane, path in lanes.items():
        url = _url(path, server) if server else None
        wave = _wave(path) if url else None
        if wave:
            found[lane] = {"url": url, **wave}
    return found


def _server() -> dict[str, Any] | None:
    """What the server that started this kernel says of itself."""
    place = Path(jupyter_runtime_dir()) / f"jpserver-{os.environ.get('JPY_PARENT_PID', '')}.json"
    try:
        stated = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return stated if isinstance(stated, dict) and {"root_dir", "base_url"} <= stated.keys() else None


def _url(path: Path, server: dict[str, Any]) -> str | None:
    try:
        below = path.resolve().relative_to(Path(server["root_dir"]).resolve())
    except ValueError:
        return None
    if any(part.startswith(".") for part in below.parts):  # servers refuse hidden files
        return None
    return f"{server['base_url']}files/{quote(below.as_posix())}"


def _wave(path: Path) -> dict[str, Any] | None:
    """Place and coding of the samples of a WAV file, ``None`` if it is anything but a plain one with one channel."""
    coding = None
    try:
        with path.open("rb") as file:
            riff, _, kind = struct.unpack("<4sI4s", file.read(12))
            if (riff, kind) != (b"RIFF", b"WAVE"):
                return None
            while True:
                name, size = struct.unpack("<4sI", file.read(8))
                if name == b"data":
                    break
                body = file.read(size + size % 2)
                if name == b"fmt ":
                    tag, channels, _, _, _, bits = struct.unpack("<HHIIHH", body[:16])
                    tag = struct.unpack("<H", body[24:26])[0] if tag == EXTENSIBLE else tag
                    coding = CODINGS.get((tag, bits)) if channels == 1 else None
            offset = file.tell()
    except (OSError, struct.error):
        return None
    return {"offset": offset, "frames": size // (bits // 8), "coding": coding} if coding else None
