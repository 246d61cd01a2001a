"""What a batch is given on a command line: files, folders, patterns and URLs, as one list."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.suffixes import SUFFIXES


def find_inputs(words: Sequence[str], *, folders: bool = False) -> tuple[str, ...]:
    """Paths and URLs, each once, in the order given.

    Parameters
    ----------
    words
        Files; folders, whose recordings are taken, by name; patterns such as ``"day*/**/*.wav"``; URLs.
    folders
        Whether the notebook takes folders: then a folder is an input itself.

    Raises
    ------
    InputError
        Something that is not there, or a folder without recordings: reason ``no-inputs``.
    """
    return tuple({_identity(path): path for word in words for path in _found(word, folders=folders)}.values())


def _found(word: str, *, folders: bool) -> Iterator[str]:
    path = Path(word)
    if "://" in word or path.is_file() or (folders and path.is_dir()):
        yield word
    elif path.is_dir():
        inside = sorted(str(each) for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
        if not inside:
            raise _nothing(f"folder {word!r} holds no recordings", f"a pattern such as '{word}/**/*.wav' looks deeper")
        yield from inside
    else:
        wanted = Path.is_dir if folders else Path.is_file
        matching = sorted(each for each in glob.glob(word, recursive=True) if wanted(Path(each)))
        if not matching:
            what = "nothing matches" if glob.has_magic(word) else "no such file or folder:"
            raise _nothing(f"{what} {word!r}", "check the path")
        yield from matching


def _identity(path: str) -> str:
    return path if "://" in path else str(Path(path).resolve())


def _nothing(what: str, hint: str) -> InputError:
    return InputError(what, reason="no-inputs", hint=hint)
