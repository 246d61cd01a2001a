"""Results again from what the network once heard: other formats, corrected speakers, and no network."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from speaksep_kernel.diagnosis.protocol import Context
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.plugins import create
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.assembly import STREAMS, TABLE, Clock, Result, assemble, identities, speaker_entries
from speaksep_kernel.results.directory import INTERNAL, MANIFEST, check_target, staged
from speaksep_kernel.results.edited import Edited, found_confidence
from speaksep_kernel.results.edits import EDITS, EditLog
from speaksep_kernel.results.manifest import Manifest, read_manifest, recording_of, sha256
from speaksep_kernel.results.patch import AGAIN, find_patch
from speaksep_kernel.results.reading import read_again
from speaksep_kernel.results.render import render_apart, render_blocks
from speaksep_kernel.results.replay import replay
from speaksep_kernel.results.values import PICTURE, Separation
from speaksep_kernel.separation.stitch import STORE
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.turns import Turn


def edit_log(directory: str | Path) -> EditLog:
    """The corrections of a separation; an empty log that fits it where there are none yet.

    Raises
    ------
    InputError
        Not a separation.
    StoreError
        The stored table is gone.
    """
    directory = Path(directory)
    manifest = read_manifest(directory)
    if manifest.edits is not None:
        return manifest.edits
    table = directory / INTERNAL / TABLE
    WindowTable.load(table)
    return EditLog(input_sha256=manifest.input.sha256, table_sha256=sha256(table))


def replayed(directory: str | Path, log: EditLog, *stores: Path) -> Edited:
    """What a separation becomes by a log; nothing is written.

    What was separated again is looked for in the folders ``stores`` first.

    Raises
    ------
    InputError
        The log is of another recording or another separation of it (reasons ``other-recording``, ``other-table``), or
        cannot be made (see `replay`).
    StoreError
        What was stored is damaged.
    """
    directory = Path(directory)
    manifest = read_manifest(directory)
    place = directory / INTERNAL / TABLE
    table = WindowTable.load(place)
    if log.input_sha256 != manifest.input.sha256:
        raise InputError(
            f"these edits are of another recording (sha256 {log.input_sha256[:12]}…) than {manifest.input.name}",
            reason="other-recording",
            hint="give the log that was made for this recording",
        )
    if log.table_sha256 != sha256(place):
        raise InputError(
            f"these edits are of another separation of {manifest.input.name}",
            reason="other-table",
            hint="its speakers may be numbered otherwise; make the edits again",
        )
    names = {int(label.removeprefix("speaker_")): known.name for label, known in identities(manifest).items()}
    find = partial(find_patch, places=(*stores, directory / INTERNAL / AGAIN))
    return replay(log.active, table, Streams.load(directory / INTERNAL / STREAMS), names, find)


def render_again(
    directory: str | Path,
    source: Source | Recording | None,
    out: str | Path,
    *,
    edits: EditLog | None = None,
    format: str | None = None,
    stores: Path | None = None,
    hook: ProgressHook = silent,
) -> Separation:
    """Render a separation from its own table and local tracks; the same table and log give the same bytes.

    Parameters
    ----------
    directory
        The separation.
    source
        The recording it was made from; where the manifest says it was if ``None``.
    out
        Where the new one goes: a new or empty directory, or one with earlier results (``directory`` itself too),
        which are replaced.
    edits
        Corrections instead of those it has; as before if ``None``.
    format
        Name of an exporter; as before if ``None``.
    stores
        Folder with what was separated again since.
    hook
        Told the stages "read" and "render". What it raises cancels the work.

    Raises
    ------
    InputError
        Not a separation, or not of ``source`` (reason ``other-recording``); edits that do not fit (see `replayed`); a
        bad format or output place.
    StoreError
        The stored table or tracks are damaged, or the disk is full; somebody else changed what is to be replaced.
    """
    directory = Path(directory)
    manifest = read_manifest(directory)
    check_target(Path(out))
    stamp = sha256(directory / MANIFEST)
    log = edits or edit_log(directory)
    edited = replayed(directory, log, *([stores] if stores else []))
    format = format or str(manifest.parameters["format"])
    if source is None and _sounds_as_before(directory, manifest, edited, format):
        return _named_again(directory, manifest, edited, log, Path(out), stamp)
    recording = recording_of(manifest, origin(manifest) if source is None else source)
    exporter = create("exporter", format)
    table = WindowTable.load(directory / INTERNAL / TABLE)
    streams = Streams.load(directory / INTERNAL / STREAMS)
    store = TrackStore(
        directory / INTERNAL / STORE, sources=table.speaker.shape[1], samples=table.frames * FRAME_SAMPLES
    )
    store.check(len(table))
    clock = Clock()
    with clock("read"):
        cache = read_again(manifest, recording, directory / INTERNAL, hook)
    with cache, staged(Path(out)) as stage:
        shutil.copytree(directory / INTERNAL, stage / INTERNAL, copy_function=_linked)
        _keep_stores(log, stage / INTERNAL / AGAIN, stores)
        apart = manifest.mixture.kind == "apart"
        found = edited.turns(streams)
        assemble(
            stage,
            Result(
                recording=recording,
                cache=cache,
                edited=edited,
                blocks=render_apart(cache, edited) if apart else render_blocks(cache, table, store, edited),
                turns=found,
                confidence=edited.confidence(found_confidence(streams, table.speakers)),
                parameters={name: value for name, value in manifest.parameters.items() if name != "format"},
                model=manifest.model,
                diagnosis=_diagnosis(manifest.diagnosis, found, len(edited.speakers)),
                edits=log if log.edits else None,
                earlier=manifest,
            ),
            format=format,
            exporter=exporter,
            clock=clock,
            hook=hook,
        )
        _keep_others(directory, stage, Path(out), manifest, stamp)
    return Separation.open(out)


def _sounds_as_before(directory: Path, manifest: Manifest, edited: Edited, format: str) -> bool:
    """Whether the files that are there, undamaged, are what rendering would give."""
    if format != manifest.parameters["format"]:
        return False
    try:
        before = replayed(directory, edit_log(directory))
    except StoreError:  # taken back, what was damaged is missed no longer
        return False
    patches = [[(patch.name, patch.lanes) for patch in state.patches] for state in (before, edited)]
    if (
        before.speakers != edited.speakers
        or patches[0] != patches[1]
        or not all(
            np.array_equal(getattr(before, name), getattr(edited, name)) for name in ("activity", "route", "told")
        )
    ):
        return False
    files = {name: digest for name, digest in manifest.files.items() if name != EDITS}
    return all((directory / name).is_file() and sha256(directory / name) == files[name] for name in files)


def _named_again(
    directory: Path, manifest: Manifest, edited: Edited, log: EditLog, out: Path, stamp: str
) -> Separation:
    """The same files with other names for the speakers."""
    identified = identities(manifest)
    turns = Separation.open(directory).turns
    sure = tuple(entry.confidence for entry in manifest.speakers)
    files = tuple(entry.file for entry in manifest.speakers)
    wanted = {edit.store for edit in log.stores}
    kept = {
        name: digest
        for name, digest in manifest.files.items()
        if name != EDITS and (Path(name).parts[:2] != (INTERNAL, AGAIN) or Path(name).parts[2] in wanted)
    }
    with staged(out) as stage:
        for name in sorted({*kept, PICTURE}):
            # People open tracks in other programs: those of another directory are not the same files.
            _carry(directory, stage, name, copied=not name.startswith(INTERNAL) and not _same(directory, out))
        if log.edits:
            log.save(stage / EDITS)
            kept[EDITS] = sha256(stage / EDITS)
        manifest = manifest.model_copy(
            update={
                "speakers": speaker_entries(edited, turns, sure, files, identified),
                "edits": log if log.edits else None,
                "identified": identified,
                "files": dict(sorted(kept.items())),
            }
        )
        manifest.save(stage)
        _keep_others(directory, stage, out, manifest, stamp)
    return Separation.open(out)


def origin(manifest: Manifest) -> str:
    """Where the recording of a manifest is.

    Raises
    ------
    InputError
        Reason ``no-recording``.
    """
    where = manifest.input.found
    if where is None:
        raise InputError(
            f"the recording {manifest.input.name!r} is not where it was ({manifest.input.path or 'it had no path'})",
            reason="no-recording",
            hint="say where it is with --recording, in Python with source=",
        )
    return where


def _keep_stores(log: EditLog, place: Path, new: Path | None) -> None:
    """Of what was separated again, that which the log names."""
    wanted = {edit.store for edit in log.stores}
    for folder in place.iterdir() if place.is_dir() else ():
        if folder.name not in wanted:
            shutil.rmtree(folder)
    for name in sorted(wanted):
        if new is not None and (new / name).is_dir():
            shutil.rmtree(place / name, ignore_errors=True)
            shutil.copytree(new / name, place / name)


def _same(directory: Path, out: Path) -> bool:
    return out.resolve() == directory.resolve()


def _carry(directory: Path, stage: Path, name: str, *, copied: bool = False) -> None:
    """A file that is there, and not there already, into the stage."""
    if (directory / name).is_file() and not (stage / name).exists():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copy2 if copied else _linked)(str(directory / name), str(stage / name))


def _keep_others(directory: Path, stage: Path, out: Path, manifest: Manifest, stamp: str) -> None:
    """What others put into a directory that is replaced is there afterwards, unless a file of ours has its name."""
    if _same(directory, out):
        if sha256(directory / MANIFEST) != stamp:
            raise StoreError(
                f"{str(directory)!r} was changed by somebody else meanwhile",
                reason="changed-meanwhile",
                hint="look at what it says now, and make the correction again",
            )
        there = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
        for name in sorted(there - {*manifest.files, MANIFEST, PICTURE, EDITS}):
            _carry(directory, stage, name)


def _linked(source: str, target: str) -> None:
    """A second name for a file that is never changed; a copy where the file system knows no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _diagnosis(stored: dict[str, Any], found: tuple[Turn, ...], speakers: int) -> Diagnosis:
    """The diagnosis with corrected turns; what was found of the recording itself is as true as before."""
    diagnosis = Diagnosis.from_dict(stored)
    if (found, speakers) == (diagnosis.turns, diagnosis.speakers):
        return diagnosis
    context = Context(diagnosis.recording, found, speakers, diagnosis.speaker_confidence)
    return replace(
        diagnosis,
        speakers=speakers,
        turns=found,
        speech_ratio=context.speech_ratio,
        overlap_ratio=context.overlap_ratio,
        overlap_spans=context.overlap_spans,
    )
