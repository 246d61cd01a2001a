"""The verbs that every surface calls: the command line, the notebooks, the dashboards, the jobs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from speaksep_kernel.diagnosis.plan import Plan, make_plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.diagnosis.run import diagnose_recording, recording_facts
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import AnalysisCache, Limits, Mixdown, Recording, Source
from speaksep_kernel.results.export import export_files
from speaksep_kernel.results.identify import identify_tracks
from speaksep_kernel.results.rerender import render_again
from speaksep_kernel.results.separate import separate_recording
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.verify import Verification
from speaksep_kernel.results.verify import verify as _verify
from speaksep_kernel.voices.book import Books, enrolled_voices
from speaksep_kernel.voices.diarization import diarize


def diagnose(
    source: Source | Recording,
    *,
    speakers: int | None = None,
    limits: Limits | None = None,
    hook: ProgressHook = silent,
) -> Diagnosis:
    """Say what is in a recording and what to do about it.

    Parameters
    ----------
    source
        Path, fsspec URL, bytes, binary file object, ``(array, rate_hz)``, or an opened recording.
    speakers
        How many people speak, if known.
    limits
        Bounds on bytes, seconds, channels and rate.
    hook
        Progress; raise from it to cancel.

    Raises
    ------
    InputError, CapacityError
        The recording cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> diagnosis = diagnose((np.zeros(32000, np.float32), 16000))
    >>> diagnosis.speakers, diagnosis.speech_ratio
    (0, 0.0)
    """
    recording = _opened(source, limits)
    with AnalysisCache(recording, hook=hook) as cache:
        return diagnose_recording(recording, cache, diarize(cache, speakers=speakers, hook=hook), hook)


def plan(diagnosis: Diagnosis, **choices: Any) -> Plan:
    """Decide what to do with a recording; `Plan.explain` says why.

    Parameters
    ----------
    diagnosis
        What is in it.
    choices
        What is not left to the diagnosis: keywords of `make_plan`.

    Raises
    ------
    InputError
        An impossible number of speakers, an unknown separator, an unusable device.
    """
    return make_plan(diagnosis, **choices)


def separate(
    source: Source | Recording,
    directory: str | os.PathLike[str] | None = None,
    *,
    plan: Plan | None = None,
    format: str = "flac",
    limits: Limits | None = None,
    hook: ProgressHook = silent,
    **choices: Any,
) -> Separation:
    """Write one track per speaker and a residual; together they are the recording.

    Parameters
    ----------
    source
        As for `diagnose`.
    directory
        Where to: new, empty, or holding an earlier result, which is replaced. All or nothing. A temporary one that
        lives as long as the returned value if ``None``.
    plan
        How; made on the way if ``None``.
    format
        Name of an exporter: flac, wav, mp3, m4a, ogg, opus.
    limits
        As for `diagnose`.
    hook
        Progress; raise from it to cancel.
    choices
        Keywords of `make_plan`, such as ``speakers=2``; only without a plan.

    Raises
    ------
    InputError, CapacityError
        The recording, the plan, the format or the directory cannot be used.
    StoreError
        The disk is full.
    """
    recording = _opened(source, limits)
    place = None if directory is None else Path(directory)
    if plan is not None:
        if choices:
            raise TypeError(f"a plan is given, so {', '.join(choices)} cannot be chosen")
        return separate_recording(recording, plan, hook=hook, directory=place, format=format)
    if choices.get("clean"):
        diagnosis = diagnose(recording, speakers=choices.get("speakers"), hook=hook)
        plan = make_plan(diagnosis, **choices)
        return separate_recording(recording, plan, hook=hook, directory=place, format=format, diagnosis=diagnosis)
    # Who speaks when comes out of the separation itself, better than before it, and only cleaning asks for a diagnosis
    # first. So the choices are checked now, and the plan's reasons are found afterwards.
    plan = make_plan(_unheard(recording), **choices)
    done = separate_recording(recording, plan, hook=hook, directory=place, format=format)
    return replace(done, plan=make_plan(done.diagnosis, **choices))


def identify(
    separation: Separation | Source | Recording,
    book: Books = None,
    *,
    hook: ProgressHook = silent,
) -> Separation:
    """Name the speakers whose voices are in a book; all others stay nameless.

    Parameters
    ----------
    separation
        A separation or its directory, whose ``manifest.json`` takes the names; or a recording, separated on the way.
    book
        Path of the voice book, or of several, of which the first that knows a name counts; as ``SPEAKSEP_BOOK`` and
        ``SPEAKSEP_SHARED_BOOKS`` say, or in the user's data directory, if ``None``.
    hook
        Progress; raise from it to cancel.

    Returns
    -------
    Separation
        With ``name`` in its tracks, and also scores and runners-up in ``manifest.speakers``.

    Raises
    ------
    InputError
        Nobody is enrolled, the book is none or was made with another encoder, or neither a separation nor a recording
        that can be used.
    StoreError
        The manifest cannot be written.
    """
    voices = enrolled_voices(book)  # before an hour of work
    if isinstance(separation, str | os.PathLike) and Path(separation).is_dir():
        separation = Separation.open(Path(separation))
    if not isinstance(separation, Separation):
        separation = separate(separation, hook=hook)
    return identify_tracks(separation, voices, hook=hook)


def export(
    separation: Separation | str | os.PathLike[str],
    formats: str | Iterable[str],
    directory: str | os.PathLike[str],
    *,
    exclusive: bool = False,
    overwrite: bool = False,
    hook: ProgressHook = silent,
) -> tuple[Path, ...]:
    """Write files for other tools: labels, packages, or the tracks in another audio format. All of them, or none.

    Parameters
    ----------
    separation
        What to export, or its directory.
    formats
        One name or several, of formats (such as textgrid, audacity, eaf, stems) and of audio exporters (such as mp3).
    directory
        Where to; made if it does not exist.
    exclusive
        Let nobody speak at once in the labels.
    overwrite
        Replace files that exist.

    Returns
    -------
    The files written, in the order of ``formats``.

    Raises
    ------
    InputError
        Not a separation, an unknown format, a file that exists already, an unusable directory.
    StoreError
        The disk is full.
    """
    opened = separation if isinstance(separation, Separation) else Separation.open(Path(separation))
    names = [formats] if isinstance(formats, str) else list(formats)
    return export_files(opened, names, Path(directory), exclusive=exclusive, overwrite=overwrite, hook=hook)


def render(
    separation: Separation | str | os.PathLike[str],
    source: Source | Recording,
    directory: str | os.PathLike[str],
    *,
    labels: Mapping[int, int] | None = None,
    format: str | None = None,
    hook: ProgressHook = silent,
) -> Separation:
    """Render a separation again without the network, with speakers corrected by hand or in another format.

    Parameters
    ----------
    separation
        The separation, or its directory.
    source
        The recording it was made from.
    directory
        As for `separate`.
    labels
        ``{speaker: what it should be}``: two speakers with one number become one, 0 is nobody.
    format
        Name of an exporter; as before if ``None``.

    Raises
    ------
    InputError
        Not a separation, another recording, an unknown speaker or format, an unusable directory.
    StoreError
        What was stored is damaged, or the disk is full.
    """
    place = separation.directory if isinstance(separation, Separation) else Path(separation)
    return render_again(place, source, Path(directory), labels=labels, format=format, hook=hook)


def verify(place: str | os.PathLike[str], source: Source | Recording, *, hook: ProgressHook = silent) -> Verification:
    """Separate a recording again as a manifest says, and compare the bytes.

    Parameters
    ----------
    place
        A result directory, or a ``manifest.json``.
    source
        The recording it was made from.

    Raises
    ------
    InputError
        Not a manifest, or another recording.
    """
    return _verify(Path(place), source, hook=hook)


def _opened(source: Source | Recording, limits: Limits | None) -> Recording:
    return source if isinstance(source, Recording) else Recording.open(source, limits=limits)


def _unheard(recording: Recording) -> Diagnosis:
    """What is known of a recording before anybody listened."""
    return Diagnosis(
        recording=recording_facts(recording, Mixdown("mean", (1 / recording.channels,) * recording.channels, "")),
        findings=(),
        speakers=0,
        speaker_confidence=0.0,
        speech_ratio=0.0,
        overlap_ratio=0.0,
    )
