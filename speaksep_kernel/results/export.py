"""Files for other tools out of a finished separation: labels, packages, and its audio in other formats."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import Loaded, available, create
from speaksep_kernel.progress import ProgressHook, silent, track
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.directory import staged_files
from speaksep_kernel.results.exporters import Exporter
from speaksep_kernel.results.handover import Format, Handover
from speaksep_kernel.results.loudness import Target, track_gains
from speaksep_kernel.results.packages.multichannel import Multichannel
from speaksep_kernel.results.packages.rocrate import RoCrate
from speaksep_kernel.results.packages.stems import Stems
from speaksep_kernel.results.values import Separation

PACKAGES = (Multichannel, RoCrate, Stems)
"""Formats that hold the tracks as they are."""


def export_files(
    separation: Separation,
    formats: Sequence[str],
    directory: Path,
    *,
    exclusive: bool = False,
    loudness: Target | None = None,
    overwrite: bool = False,
    hook: ProgressHook = silent,
) -> tuple[Path, ...]:
    """Write files for other tools; all of them, or none.

    Parameters
    ----------
    separation
        What to export.
    formats
        Names of formats (one file each, named after the recording) and of audio exporters (one file per track and one
        of the residual).
    directory
        Where to; made if it does not exist.
    exclusive
        Let nobody speak at once in the labels, see `exclusive_turns`.
    loudness
        Bring tracks of audio formats to a loudness; nothing is limited, nothing clips.
    overwrite
        Replace files that exist.
    hook
        Told "export" in files.

    Returns
    -------
    The files, in the order of ``formats``.

    Raises
    ------
    InputError
        Reasons ``no-format``, ``unknown-format``, ``missing-package``, ``output-exists``, ``output-is-a-file``,
        ``output-is-the-result``, ``no-audio-format`` and ``no-loudness``.
    StoreError
        The disk is full, or may not be written to.

    Warns
    -----
    UserWarning
        A loudness is not reached, or tracks reach beyond full scale and are written softer.
    """
    if directory.resolve() == separation.directory.resolve():
        raise InputError(
            f"{str(directory)!r} is the separation itself",
            reason="output-is-the-result",
            hint="give another directory for what is exported",
        )
    if not formats:
        raise InputError("no format is named", reason="no-format", hint=f"one or more of: {', '.join(format_names())}")
    handover = Handover.of(separation, exclusive=exclusive)
    gains: dict[Path, float] = {}
    writers: dict[str, Callable[[Path], None]] = {}
    for name in dict.fromkeys(formats):
        for file, write in _files(name, handover, gains).items():
            if file in writers:
                raise InputError(
                    f"two of the formats {', '.join(formats)} would write {file!r}",
                    reason="same-file",
                    hint="export them one after the other, into two directories",
                )
            writers[file] = write
    if loudness:
        gains |= _gains(handover, formats, loudness)
    elif any(name in available("speaksep.exporters") for name in formats):
        gains |= _gains_to_full_scale(handover)
    with staged_files(directory, tuple(writers), overwrite=overwrite) as stage:
        for file, write in track(writers.items(), hook, "export", len(writers)):
            write(stage / file)
    return tuple(directory / file for file in writers)


def format_names() -> dict[str, str]:
    """Everything that can be exported to, with a line about it; formats first, then audio."""
    return {
        name: plugin.info.summary
        for group in ("speaksep.formats", "speaksep.exporters")
        for name, plugin in available(group).items()
        if isinstance(plugin, Loaded)
    }


def _gains(handover: Handover, formats: Sequence[str], loudness: Target) -> dict[Path, float]:
    whole = [name for name in formats if getattr(available("speaksep.formats").get(name), "cls", None) in PACKAGES]
    if whole or not any(name in available("speaksep.exporters") for name in formats):
        raise InputError(
            f"{', '.join(whole or formats)} cannot be brought to a loudness",
            reason="no-audio-format",
            hint="name an audio format, such as wav; packages hold the tracks as they are",
        )
    separation = handover.separation
    if not separation.tracks:
        raise InputError("there is no track", reason="no-loudness", hint="export the residual without a loudness")
    return track_gains({handover.names[t.speaker]: t.file for t in separation.tracks}, separation.residual, loudness)


def _gains_to_full_scale(handover: Handover) -> dict[Path, float]:
    """One gain for all files where one of floats reaches beyond full scale: whole numbers would cut it off."""
    files = [*(track.file for track in handover.separation.tracks), handover.separation.residual]
    floats = [each for file in files if (each := Recording.open(file)).subtype == "FLOAT"]
    peak = max((float(np.abs(block).max(initial=0)) for each in floats for block in each.blocks()), default=0.0)
    if peak <= 1:
        return {}
    over_db = 20 * float(np.log10(peak))
    warnings.warn(
        f"the tracks reach {over_db:.1f} dB beyond full scale, which audio formats do not hold: all of them and the "
        f"residual are written {over_db:.1f} dB softer (the packages multichannel, stems and rocrate keep the levels)",
        stacklevel=4,
    )
    return dict.fromkeys(files, (1 - 2**-23) / peak)


def _files(name: str, handover: Handover, gains: Mapping[Path, float]) -> dict[str, Callable[[Path], None]]:
    """What one format writes: file names, and how."""
    if name in available("speaksep.formats"):
        format: Format = create("format", name)
        return {f"{handover.title}{format.suffix}": partial(format.write, handover)}
    if name not in available("speaksep.exporters"):
        raise InputError(
            f"unknown format {name!r}", reason="unknown-format", hint=f"one or more of: {', '.join(format_names())}"
        )
    exporter: Exporter = create("exporter", name)
    tracks = handover.separation.tracks
    stems = {handover.stem(track): track.file for track in tracks} | {"residual": handover.separation.residual}
    return {f"{stem}{exporter.suffix}": partial(_convert, source, exporter, gains) for stem, source in stems.items()}


def _convert(source: Path, exporter: Exporter, gains: Mapping[Path, float], target: Path) -> None:
    recording, gain = Recording.open(source), gains.get(source, 1.0)
    bits = 16 if recording.bit_depth == 16 and gain == 1 else 24  # what was multiplied lies between the steps
    full = 1 << (bits - 1)
    with closing(exporter.open(target, rate_hz=recording.rate_hz, bits=bits, samples=recording.frames)) as writer:
        for block in recording.blocks():
            whole = np.rint(block[:, 0].astype(np.float64) * (full * gain))
            writer.write(np.clip(whole, 1 - full, full - 1).astype(np.int32))
