"""What the network heard of a span when it was asked again: kept beside the first table, and checked when read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from speaksep_kernel.errors import StoreError
from speaksep_kernel.results.manifest import sha256
from speaksep_kernel.separation.stitch import STORE
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable
from speaksep_kernel.voices.streams import Streams

AGAIN = "again"
"""Where patches are, in the internal directory: a folder each, called as `Reseparate.store` says."""
TABLE, STREAMS, CONTENTS = "table.npz", "streams.npz", "contents.json"


@dataclass(frozen=True)
class Patch:
    """A span with windows of its own.

    Attributes
    ----------
    name
        Of its folder.
    start, stop
        First frame of the span, and the frame after its last.
    table
        Its windows; ``speaker`` are voices, ``activity`` has the frames of the span only.
    streams
        The voices, labelled.
    store
        The local tracks.
    lanes
        The lane that each voice has in the result.
    """

    name: str
    start: int
    stop: int
    table: WindowTable
    streams: Streams
    store: TrackStore
    lanes: tuple[int, ...] = ()


def find_patch(name: str, places: Sequence[Path]) -> Patch:
    """The patch of a name, in the first of some folders that has it.

    Raises
    ------
    StoreError
        Reasons ``no-store`` and ``store-damaged``.
    """
    return load_patch(next((place / name for place in places if (place / name).is_dir()), places[-1] / name))


class _Contents(BaseModel):
    model_config = ConfigDict(frozen=True)

    start: int
    stop: int
    files: dict[str, str]


def save_patch(folder: Path, span: slice, table: WindowTable, streams: Streams) -> None:
    """Complete a folder in which the local tracks are already."""
    table.save(folder / TABLE)
    streams.save(folder / STREAMS)
    files = {name: sha256(folder / name) for name in (STORE, TABLE, STREAMS)}
    contents = _Contents(start=span.start, stop=span.stop, files=files)
    (folder / CONTENTS).write_text(contents.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load_patch(folder: Path) -> Patch:
    """Read a patch back.

    Raises
    ------
    StoreError
        Reasons ``no-store`` and ``store-damaged``.
    """
    hint = "speaksep edit DIR apply DIR/edits.json separates those spans again"
    if not folder.is_dir():
        raise StoreError(
            f"what was separated again is not there: {str(folder)!r} is missing", reason="no-store", hint=hint
        )
    try:
        contents = _Contents.model_validate_json((folder / CONTENTS).read_bytes())
        changed = [name for name, digest in contents.files.items() if sha256(folder / name) != digest]
        if changed or contents.files.keys() != {STORE, TABLE, STREAMS}:
            raise OSError(f"{', '.join(changed) or CONTENTS} is not what was written")
    except (OSError, ValidationError) as error:
        raise StoreError(
            f"what was separated again in {str(folder)!r} is damaged: {_said(error)}",
            reason="store-damaged",
            hint=hint,
        ) from error
    table = WindowTable.load(folder / TABLE)
    store = TrackStore(folder / STORE, sources=table.speaker.shape[1], samples=table.frames * FRAME_SAMPLES)
    return Patch(folder.name, contents.start, contents.stop, table, Streams.load(folder / STREAMS), store)


def _said(error: OSError | ValidationError) -> str:
    return str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else (error.strerror or str(error))
