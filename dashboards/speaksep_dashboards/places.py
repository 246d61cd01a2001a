"""Words for readers who do not see the machine: files keep their names and lose their folders."""

from __future__ import annotations

import re
from typing import Any

# Folders before a name; not those of a URL, whose slashes follow a colon, a slash or a host.
_FOLDERS = re.compile(r"(?<![\w:/.~-])~?(?:/[^\s'\"/:<>&]+)+/(?=[^\s'\"/<>&])")
_QUOTED = re.compile(r"(?<=['\"])/(?:[^'\"<>&\n]*/)?(?=[^'\"/<>&\n])")  # with blanks
_REMOTE = re.compile(r"\b(?:s3|gs|gcs|az|abfs|file)://[^\s'\"<>&]*/(?=[^\s'\"/<>&])")


def without_folders(text: str) -> str:
    """Text in which every path is only the name of its file.

    Examples
    --------
    >>> without_folders("no file '/srv/results/ann-12/talk.wav', see https://example.org/a/b or s3://bucket/x/y.wav")
    "no file 'talk.wav', see https://example.org/a/b or y.wav"
    """
    return _REMOTE.sub("", _FOLDERS.sub("", _QUOTED.sub("", text)))


def told(value: Any) -> Any:
    """The same for all text in a JSON-ready value; pictures stay as they are."""
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, list):
        return [told(each) for each in value]
    if isinstance(value, dict):
        return {name: each if str(name).startswith("image/") else told(each) for name, each in value.items()}
    return value


def file_name(place: str) -> str:
    """The last part of a path or URL."""
    return place.rstrip("/").rpartition("/")[2]
