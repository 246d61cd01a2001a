"""A separation in another audio format."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from speaksep_kernel.plugins import create
from speaksep_kernel.progress import ProgressHook, silent, track
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.directory import INTERNAL, MANIFEST, staged
from speaksep_kernel.results.exporters import Exporter
from speaksep_kernel.results.manifest import hashes
from speaksep_kernel.results.values import PICTURE, TURNS, Separation


def export_separation(
    separation: Separation, format: str, directory: str | Path, *, hook: ProgressHook = silent
) -> Separation:
    """Write a separation's tracks and residual in another format, with turns, table and manifest.

    Parameters
    ----------
    separation
        What to export.
    format
        Name of an exporter: flac, wav, mp3, m4a, ogg, opus.
    directory
        A new or empty directory, or one with earlier results, which are replaced.

    Raises
    ------
    InputError
        Unknown format or bad output place.
    StoreError
        The disk is full.
    """
    exporter: Exporter = create("exporter", format)
    source, manifest = separation.directory, separation.manifest
    with staged(Path(directory)) as stage:
        names = {name: Path(name).stem + exporter.suffix for name in _audio(separation)}
        for old, new in track(names.items(), hook, "export", len(names)):
            _convert(source / old, stage / new, exporter)
        for name in (TURNS, PICTURE):
            shutil.copy(source / name, stage / name)
        shutil.copytree(source / INTERNAL, stage / INTERNAL)
        manifest = manifest.model_copy(
            update={
                "parameters": {**manifest.parameters, "format": format},
                "speakers": tuple(s.model_copy(update={"file": names[s.file]}) for s in manifest.speakers),
                "residual": names[manifest.residual],
                "files": hashes(stage, without=(PICTURE,)),
            }
        )
        (stage / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    return Separation.open(directory)


def _audio(separation: Separation) -> list[str]:
    return [*(entry.file for entry in separation.manifest.speakers), separation.manifest.residual]


def _convert(source: Path, target: Path, exporter: Exporter) -> None:
    recording = Recording.open(source)
    bits = 16 if recording.bit_depth == 16 else 24
    writer = exporter.open(target, rate_hz=recording.rate_hz, bits=bits, samples=recording.frames)
    full = 1 << (bits - 1)
    for block in recording.blocks():
        writer.write(np.clip(np.rint(block[:, 0].astype(np.float64) * full), 1 - full, full - 1).astype(np.int32))
    writer.close()
