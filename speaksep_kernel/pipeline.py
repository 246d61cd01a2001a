"""The verbs that every surface calls: the command line, the notebooks, the dashboards, the jobs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from speaksep_kernel.diagnosis.plan import MAX_SPEAKERS, Plan, make_plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.diagnosis.run import diagnose_recording, recording_facts
from speaksep_kernel.errors import InputError
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import AnalysisCache, Limits, Mixdown, Recording, Source
from speaksep_kernel.results.edits import Edit, EditLog, edit_of
from speaksep_kernel.results.export import export_files
from speaksep_kernel.results.identify import identify_tracks
from speaksep_kernel.results.loudness import Target
from speaksep_kernel.results.manifest import read_manifest, recording_of
from speaksep_kernel.results.rerender import edit_log, origin, render_again
from speaksep_kernel.results.reseparate import Settings, heard_again, reseparate_span
from speaksep_kernel.results.separate import separate_recording
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.verify import Verification
from speaksep_kernel.results.verify import verify as _verify
from speaksep_kernel.voices.anchors import known_voices
from speaksep_kernel.voices.book import Books, enrolled_voices
from speaksep_kernel.voices.diarization import diarize

PEOPLE = ("speakers", "min_speakers", "max_speakers", "known")
"""What a caller may know of who speaks."""


def diagnose(
    source: Source | Recording,
    *,
    speakers: int | None = None,
    min_speakers: int = 0,
    max_speakers: int = MAX_SPEAKERS,
    known: Sequence[str] = (),
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
    min_speakers, max_speakers
        Bounds where it is not.
    known
        Names of people in the voice book who are expected to speak; others may.
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
    voices = known_voices(known)
    recording = _opened(source, limits)
    with AnalysisCache(recording, hook=hook) as cache:
        found = diarize(
            cache, speakers=speakers, min_speakers=min_speakers, max_speakers=max_speakers, known=voices, hook=hook
        )
        return diagnose_recording(recording, cache, found, hook)


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
    if choices.get("clean") is True:
        diagnosis = diagnose(recording, hook=hook, **{name: choices[name] for name in PEOPLE if name in choices})
        plan = make_plan(diagnosis, **choices)
        return separate_recording(recording, plan, hook=hook, directory=place, format=format, diagnosis=diagnosis)
    # Who speaks when comes out of the separation itself, better than before it, and only cleaning asks for a diagnosis
    # first. So the choices are checked now, and the plan's reasons are found afterwards.
    plan = make_plan(_unheard(recording), **choices)
    again = partial(make_plan, **choices)
    return separate_recording(recording, plan, hook=hook, directory=place, format=format, replan=again)


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
    loudness_lufs: float | None = None,
    loudness_each: bool = False,
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
    loudness_lufs
        Bring tracks in audio formats to this integrated loudness (EBU R128), all with one gain: balance stays.
        Nothing is limited; a ``UserWarning`` says where peaks hold the gain back.
    loudness_each
        Bring each track to it by itself.
    overwrite
        Replace files that exist.

    Returns
    -------
    The files written, in the order of ``formats``.

    Raises
    ------
    InputError
        Not a separation, an unknown format, a file that exists already, an unusable directory, a loudness that
        nothing can have.
    StoreError
        The disk is full.
    """
    if loudness_each and loudness_lufs is None:
        raise InputError("each track to which loudness?", reason="bad-loudness", hint="give one, such as -23 LUFS")
    target = None if loudness_lufs is None else Target(loudness_lufs, each=loudness_each)
    opened = separation if isinstance(separation, Separation) else Separation.open(Path(separation))
    names = [formats] if isinstance(formats, str) else list(formats)
    place = Path(directory)
    return export_files(opened, names, place, exclusive=exclusive, loudness=target, overwrite=overwrite, hook=hook)


def render(
    separation: Separation | str | os.PathLike[str],
    source: Source | Recording | None,
    directory: str | os.PathLike[str],
    *,
    format: str | None = None,
    hook: ProgressHook = silent,
) -> Separation:
    """Render a separation again without the network, with its corrections, in another format.

    Parameters
    ----------
    separation
        The separation, or its directory.
    source
        The recording it was made from; where it was then if ``None``.
    directory
        As for `separate`.
    format
        Name of an exporter; as before if ``None``.

    Raises
    ------
    InputError
        Not a separation, another recording, an unknown format, an unusable directory.
    StoreError
        What was stored is damaged, or the disk is full.
    """
    return render_again(_place(separation), source, Path(directory), format=format, hook=hook)


def edit(
    separation: Separation | str | os.PathLike[str],
    *edits: Edit | EditLog | Mapping[str, Any],
    source: Source | Recording | None = None,
    directory: str | os.PathLike[str] | None = None,
    remake: bool = False,
    hook: ProgressHook = silent,
) -> Separation:
    """Correct a separation by hand: the tracks are rendered again, and the network is not asked.

    Parameters
    ----------
    separation
        What to correct, or its directory.
    edits
        Corrections to make after those that were made before, as models or as JSON (see `speaksep_kernel.results.edits`
        and docs/edits.md); a whole log is put in the place of the one there was.
    source
        The recording it was made from; where it was then if ``None``.
    directory
        As for `separate`; the separation itself is replaced if ``None``.
    remake
        What a log says was separated again, and is not here or is damaged, the network separates again: for the log of
        another copy.

    Raises
    ------
    InputError
        Not a separation, another recording, an edit that makes no sense or does not fit, an unusable directory.
        Nothing was changed.
    StoreError
        What was stored is damaged, or the disk is full.

    Examples
    --------
    >>> separation = edit("tracks", {"op": "merge", "speakers": [2, 3], "into": 2})  # doctest: +SKIP
    >>> separation = edit("tracks", edit_log("tracks").undo())  # doctest: +SKIP
    """
    place = _place(separation)
    log = edit_log(place)
    for each in edits:
        log = each if isinstance(each, EditLog) else log.append(edit_of(each))
    out = place if directory is None else Path(directory)
    if not (remake and log.stores):
        return _kept(separation, render_again(place, source, out, edits=log, hook=hook))
    manifest = read_manifest(place)
    recording = recording_of(manifest, origin(manifest) if source is None else source)
    with heard_again(place, recording, log.stores, hook=hook) as stores:
        return _kept(separation, render_again(place, recording, out, edits=log, stores=stores, hook=hook))


def reseparate(
    separation: Separation | str | os.PathLike[str],
    start_s: float,
    end_s: float,
    *,
    speakers: int | None = None,
    separator: str | None = None,
    separator_options: Mapping[str, Any] | None = None,
    quality: str | None = None,
    source: Source | Recording | None = None,
    directory: str | os.PathLike[str] | None = None,
    hook: ProgressHook = silent,
) -> Separation:
    """Separate a span again with other settings: the only correction that asks the network, and only this once.

    What it hears is kept with the result, so the correction is undone, redone and rendered again like any other. Voices
    that sound like speakers of the result, and speak when they do, are theirs; others are new speakers.

    Parameters
    ----------
    separation
        What to correct, or its directory.
    start_s, end_s
        The span, half a second at least.
    speakers
        How many people speak in it; ``None``: the network decides.
    separator, separator_options, quality
        As for `speaksep_kernel.plan`; as for the whole recording if ``None``.
    source, directory
        As for `edit`.
    hook
        Progress; raise from it to cancel, then nothing has changed.

    Raises
    ------
    InputError
        A span that is not in the recording or too short, in which nobody speaks; an unknown separator or quality, an
        impossible number of speakers; a recording that is gone or another, or has a channel for each speaker.
    StoreError
        What was stored is damaged, the disk is full, or somebody else corrected the separation meanwhile.

    Examples
    --------
    >>> separation = reseparate("tracks", 12.5, 20, speakers=3, quality="best")  # doctest: +SKIP
    """
    settings = Settings(speakers, separator, separator_options, quality)
    out = None if directory is None else Path(directory)
    again = reseparate_span(_place(separation), start_s, end_s, settings, source=source, out=out, hook=hook)
    return _kept(separation, again)


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


def _place(separation: Separation | str | os.PathLike[str]) -> Path:
    return separation.directory if isinstance(separation, Separation) else Path(separation)


def _kept(before: Separation | str | os.PathLike[str], after: Separation) -> Separation:
    """What comes after a separation in its own temporary directory keeps that, too."""
    if isinstance(before, Separation) and before.directory == after.directory:
        return replace(after, keep=before.keep)
    return after


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
