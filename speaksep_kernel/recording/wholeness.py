"""Whether a file is as long as its own structure says: decoders quietly stop at the end of a file that was cut."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

OGG_PAGE_BYTES = 65307
"""Largest possible page of an Ogg stream (RFC 3533)."""
UNKNOWN_SIZES = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000)
"""What programs that write to a pipe leave as the size of a wav's data: no promise."""


def is_cut(path: Path, container: str) -> bool:
    """Whether the file ends inside a unit of its container.

    Parameters
    ----------
    container
        "mov,…" (ISO 14496-12 boxes), "matroska,…" (EBML) or "OGG"; others are never cut as far as this tells.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if container.startswith("mov"):
            return _boxes_end(file, size) > size
        if container.startswith("matroska"):
            return _segment_end(file.read(4096)) > size
        return container == "OGG" and _ogg_page_is_cut(file, size)


def log_tells_cut(format: str, log: str) -> bool:
    """Whether libsndfile's log of opening a file tells of sizes that the file does not reach."""
    # W64 and RF64 log the size of the whole file only; in a plain wav that one is often wrong without harm.
    line = {"W64": "riff", "RF64": "Riff size"}.get(format, "data|SSND|Data Size")
    sizes = re.search(rf"^ *(?:{line}) *: (\d+) \(should be (\d+)\)", log, re.MULTILINE)
    return sizes is not None and int(sizes[1]) > int(sizes[2]) and int(sizes[1]) not in UNKNOWN_SIZES


def nist_samples(path: Path) -> int:
    """Samples per channel that a NIST SPHERE header promises; 0 if it does not."""
    with path.open("rb") as file:
        count = re.search(rb"sample_count -i (\d{1,15})\s", file.read(1024))
    return int(count[1]) if count else 0


def _boxes_end(file: IO[bytes], size: int) -> int:
    """Where the last top-level box of an MP4 file ends."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: the last box reaches to the end of the file
            return size
        at += length
    return at


def _segment_end(head: bytes) -> int:
    """Where the segment of a Matroska file ends; 0 if it does not say (a live recording)."""
    at = head.find(b"\x18\x53\x80\x67") + 4
    if at < 4 or at >= len(head) or head[at] == 0:
        return 0
    width = 9 - head[at].bit_length()
    length = int.from_bytes(head[at : at + width], "big") & ((1 << 7 * width) - 1)
    return 0 if length == (1 << 7 * width) - 1 else at + width + length


def _ogg_page_is_cut(file: IO[bytes], size: int) -> bool:
    file.seek(max(0, size - OGG_PAGE_BYTES))
    tail = file.read()
    page = tail[tail.rfind(b"OggS\x00") :]
    return len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])
