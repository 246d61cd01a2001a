"""What recordings are called, for whoever looks through a folder."""

from __future__ import annotations

SUFFIXES = frozenset(
    f".{name}"
    for names in (
        "wav wave rf64 w64 aif aiff au snd flac sph nist",
        "ogg oga opus mp3 m4a aac wma amr",
        "mp4 m4v mov mkv webm avi",
    )
    for name in names.split()
)
"""A file by another name opens too: its content decides."""
