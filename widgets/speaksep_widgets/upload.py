"""A file of the user's machine into the workspace, however large."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import traitlets

from speaksep_kernel.errors import CapacityError, InputError, StoreError
from speaksep_kernel.recording import Limits, Recording
from speaksep_kernel.recording.names import clean_name
from speaksep_widgets.base import Answer, SpeakSepWidget
from speaksep_widgets.esm import css, esm
from speaksep_widgets.file_browser import file_size

PARTS = ("ask", "server", "keys")
MOST_BY_COMM_BYTES = 64 << 20
"""Where the page's server takes no files (Voila alone, notebooks in editors), pieces go over the widget's channel, and
the kernel has to handle them: for recordings of some minutes."""
SPARE_BYTES = 64 << 20
"""Left free on the disk."""


class Upload(SpeakSepWidget):
    """Choose or drop a recording: it is sent in pieces to the Jupyter server, past the kernel.

    An upload that broke off goes on where it stopped when the same file is chosen again, also on another day. What is
    no recording, or beyond a limit, is refused and not kept. Nothing is overwritten.

    Parameters
    ----------
    folder
        Where to; made if it does not exist.
    uploaded
        Told the path of every file that has come.
    limits
        Bounds on bytes, seconds, channels and rate.

    Attributes
    ----------
    limit_bytes, comm_limit_bytes
        Largest file, and largest where the server takes none.
    progress
        ``{"name", "size", "received", "state"}`` of the latest; state is "uploading", "done", "failed" or "cancelled".
    files
        What has come, as paths.

    Examples
    --------
    >>> upload = Upload("recordings", print)  # doctest: +SKIP
    """

    _esm = esm("upload", *PARTS)
    _css = css("theme")

    limit_bytes = traitlets.Int(read_only=True).tag(sync=True)
    comm_limit_bytes = traitlets.Int(MOST_BY_COMM_BYTES, read_only=True).tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    files = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)

    def __init__(
        self,
        folder: str | os.PathLike[str] = "uploads",
        uploaded: Callable[[Path], object] | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__()
        self.folder = Path(folder).resolve()
        self._uploaded = uploaded
        self._limits = limits or Limits()
        self.set_trait("limit_bytes", self._limits.max_bytes)

    def cancel(self) -> None:
        """Stop the upload that runs, as the button does; what has come of it is deleted."""
        self.send({"do": "cancel"})

    def answer_begin(self, *, name: str, size: int, modified: int) -> Answer:
        """Make or find the file that takes the pieces."""
        name, part = self._part(name, size, modified)
        if size < 1:
            raise InputError(f"{name} is empty", reason="empty-audio", hint="give a recording with sound in it")
        self._limits.check_bytes(size, name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.touch()
            offset = part.stat().st_size
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        if free < size - offset + SPARE_BYTES:
            part.unlink()
            raise StoreError(
                f"{name} needs {file_size(size)}, and {file_size(free)} are free",
                reason="disk-full",
                hint="delete what is not needed, or give another folder",
            )
        if offset > size:  # cannot be ours
            part.write_bytes(b"")
            offset = 0
        return {"folder": self.folder.as_posix(), "part": part.name, "offset": offset}, []

    def answer_piece(
        self, *, name: str, size: int, modified: int, offset: int, buffers: Sequence[bytes | memoryview]
    ) -> Answer:
        """Append a piece that came over the widget's channel."""
        name, part = self._part(name, size, modified)
        if size > MOST_BY_COMM_BYTES:
            raise CapacityError(
                f"{name}: {file_size(size)} is more than the {file_size(MOST_BY_COMM_BYTES)} this page can send",
                reason="too-many-bytes",
                hint="open the notebook in JupyterLab, or copy the file into the workspace",
            )
        with _opened(part) as file:
            here = file.seek(0, os.SEEK_END)
            if here != offset:
                return {"received": here}, []  # a piece that was sent twice: go on from what there is
            file.write(b"".join(buffers))
            return {"received": file.tell()}, []

    def answer_finish(self, *, name: str, size: int, modified: int) -> Answer:
        """Check what has come and give it its name."""
        name, part = self._part(name, size, modified)
        here = part.stat().st_size if part.exists() else 0
        if here != size:
            part.unlink(missing_ok=True)
            raise InputError(f"{here} of {size} bytes of {name} have come", reason="truncated", hint="upload it again")
        try:
            recording = Recording.open(part, limits=self._limits, name=name)
        except Exception:
            part.unlink()
            raise
        place = _reserved(self.folder / name)
        part.replace(place)
        self.set_trait("files", [*self.files, str(place)])
        if self._uploaded is not None:
            self._uploaded(place)
        return {"name": place.name, "seconds": recording.seconds}, []

    def answer_drop(self, *, name: str, size: int, modified: int) -> Answer:
        """Delete what has come."""
        self._part(name, size, modified)[1].unlink(missing_ok=True)
        return {}, []

    def _part(self, name: str, size: int, modified: int) -> tuple[str, Path]:
        """The name a file will have, and the place of its pieces: the same for the same file."""
        name = clean_name(name)
        key = hashlib.sha256(f"{name}/{size}/{modified}".encode()).hexdigest()[:12]
        return name, self.folder / f"{name}.{key}.part"


def _reserved(path: Path) -> Path:
    """An empty file of this name, or with a number behind it where there is one already."""
    for number in range(1, 10_000):
        place = path if number == 1 else path.with_name(f"{path.stem} ({number}){path.suffix}")
        try:
            place.touch(exist_ok=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unwritable(path.parent, error) from error
        return place
    raise StoreError(f"ten thousand files are named {path.name!r}", reason="name-taken", hint="delete some")


def _opened(part: Path) -> Any:
    try:
        return part.open("r+b")
    except OSError as error:
        raise _unwritable(part, error) from error


def _unwritable(place: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{str(place)!r} cannot be written ({error.strerror})", reason="unwritable", hint="give another folder"
    )
