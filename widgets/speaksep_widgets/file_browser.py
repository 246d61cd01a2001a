"""A folder and what is in it that can be opened: recordings and separations."""

from __future__ import annotations

import os
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.recording.suffixes import SUFFIXES
from speaksep_kernel.results.directory import MANIFEST
from speaksep_widgets.last_picture import LeavesPicture

MOST = 2000
"""Entries shown of a folder: more make the page slow and nobody reads them."""


class FileBrowser(LeavesPicture, ipywidgets.VBox):
    """The files below a folder, and nothing outside it.

    Parameters
    ----------
    root
        The folder; the notebook's if ``None``.
    opened
        Told the path when a recording or a separation is opened.

    Attributes
    ----------
    folder
        Where it is now.
    entries
        The list; its value is the path chosen.
    everything
        Whether files are shown that do not look like recordings.

    Raises
    ------
    InputError
        Not a folder.

    Examples
    --------
    >>> browser = FileBrowser("recordings", print)  # doctest: +SKIP
    >>> browser.go("2026"); browser.choose("2026/meeting.flac")  # doctest: +SKIP
    """

    def __init__(
        self, root: str | os.PathLike[str] | None = None, opened: Callable[[Path], object] | None = None
    ) -> None:
        self.root = Path(root or ".").resolve()
        self._opened = opened
        self.folder = self.root
        self.place = ipywidgets.HTML()
        self.up_button = ipywidgets.Button(description="Up", icon="arrow-up", tooltip="The folder above")
        self.open_button = ipywidgets.Button(description="Open", icon="folder-open", button_style="primary")
        self.refresh_button = ipywidgets.Button(description="Refresh", icon="refresh")
        self.everything = ipywidgets.Checkbox(description="All files", indent=False)
        self.entries = ipywidgets.Select(rows=10, description="Files", layout={"width": "100%"})
        self.word = ipywidgets.HTML()
        self.up_button.on_click(lambda _: self._say(self.up))
        self.open_button.on_click(lambda _: self._say(self.choose))
        self.refresh_button.on_click(lambda _: self._say(self.refresh))
        self.everything.observe(lambda _: self._say(self.refresh), "value")
        buttons = [self.up_button, self.open_button, self.refresh_button, self.everything]
        super().__init__([self.place, ipywidgets.HBox(buttons), self.entries, self.word])
        self.go(self.root)

    def go(self, folder: str | os.PathLike[str]) -> None:
        """Show a folder, by its path below the root or whole.

        Raises
        ------
        InputError
            Not a folder, outside the root, or not to be read.
        """
        place = self._inside(folder)
        if not place.is_dir():
            raise InputError(
                f"{str(folder)!r} is not a folder", reason="not-a-folder", hint="it may be gone: press Refresh"
            )
        try:
            found = sorted(os.scandir(place), key=lambda entry: (not entry.is_dir(), entry.name.casefold()))
        except OSError as error:
            raise InputError(
                f"{str(folder)!r} cannot be read ({error.strerror})",
                reason="unreadable-folder",
                hint="ask whoever owns it",
            ) from error
        self.folder = place
        options = [(words, Path(entry.path)) for entry in found if (words := self._described(entry))]
        self.entries.options = options[:MOST]
        self.entries.value = None
        self.up_button.disabled = place == self.root
        below = "" if place == self.root else f"/{place.relative_to(self.root).as_posix()}"
        self.place.value = f"<b>{escape(self.root.name or '/')}{escape(below)}</b>"
        left_out = f"{len(options) - MOST} more are not shown." if len(options) > MOST else ""
        self.word.value = _status(left_out if options else "Nothing to open here.")

    def up(self) -> None:
        """Show the folder above, the root at most."""
        self.go(self.root if self.folder == self.root else self.folder.parent)

    def refresh(self) -> None:
        """Look again."""
        self.go(self.folder if self.folder.is_dir() else self.root)

    def choose(self, path: str | os.PathLike[str] | None = None) -> None:
        """Open what is chosen, or ``path``: a recording or a separation is passed on, any other folder is shown.

        Raises
        ------
        InputError
            Nothing is chosen, it is not there, or outside the root.
        """
        chosen = self.entries.value if path is None else self._inside(path)
        if chosen is None:
            raise InputError("nothing is chosen", reason="nothing-chosen", hint="choose a file or a folder in the list")
        if not chosen.exists():
            raise InputError(f"{chosen.name!r} is not there", reason="file-not-found", hint="press Refresh")
        if chosen.is_dir() and not (chosen / MANIFEST).is_file():
            self.go(chosen)
        elif self._opened is not None:
            self._opened(chosen)

    def _inside(self, path: str | os.PathLike[str]) -> Path:
        place = (self.root / path).resolve()
        if not place.is_relative_to(self.root):
            raise InputError(
                f"{str(path)!r} is outside {str(self.root)!r}", reason="outside", hint="choose something below it"
            )
        return place

    def _described(self, entry: os.DirEntry[str]) -> str:
        """A line of the list; empty for what is not shown."""
        if entry.name.startswith(".") or not Path(entry.path).resolve().is_relative_to(self.root):
            return ""
        if entry.is_dir():
            return f"{entry.name} (separation)" if Path(entry.path, MANIFEST).is_file() else f"{entry.name}/"
        if not self.everything.value and Path(entry.name).suffix.lower() not in SUFFIXES:
            return ""
        return f"{entry.name}, {file_size(entry.stat().st_size)}"

    def _say(self, act: Callable[[], Any]) -> None:
        self.word.value = _status("")
        try:
            act()
        except SpeakSepError as error:
            self.word.value = _status(str(error))


def file_size(size_bytes: float) -> str:
    """A size as people read it.

    Examples
    --------
    >>> file_size(512), file_size(1_500_000)
    ('512 B', '1.5 MB')
    """
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} GB"


def _status(words: str) -> str:
    return f'<span role="status">{escape(words)}</span>'
