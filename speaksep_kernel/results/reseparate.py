"""A span separated again with settings of its own: the network runs once, and an edit names what it heard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speaksep_kernel.diagnosis.plan import HOP_S, MOST_SPEAKERS, Plan
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.plugins import create, get, typed_options
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.assembly import STREAMS
from speaksep_kernel.results.cleaned import given_mixture, network_mixture
from speaksep_kernel.results.directory import INTERNAL, check_target
from speaksep_kernel.results.edits import Reseparate
from speaksep_kernel.results.manifest import Manifest, read_manifest, recording_of
from speaksep_kernel.results.patch import AGAIN, find_patch, load_patch, save_patch
from speaksep_kernel.results.reading import read_again
from speaksep_kernel.results.replay import END_SLACK_S
from speaksep_kernel.results.rerender import edit_log, origin, render_again, replayed
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.whose import whose
from speaksep_kernel.separation.protocol import Separator
from speaksep_kernel.separation.span import hear_span
from speaksep_kernel.voices.streams import FRAME_S, Streams

SHORTEST_S = 0.5
"""In less than this nobody's voice is told from another's."""


@dataclass(frozen=True)
class Settings:
    """How a span is separated again; what is ``None`` is as for the whole recording.

    Attributes
    ----------
    speakers
        How many people speak in the span; ``None``: the network decides.
    separator, separator_options
        Plugin and its options.
    quality
        "fast", "balanced" or "best".
    """

    speakers: int | None = None
    separator: str | None = None
    separator_options: Mapping[str, Any] | None = None
    quality: str | None = None


def reseparate_span(
    directory: str | Path,
    start_s: float,
    end_s: float,
    settings: Settings | None = None,
    *,
    source: Source | Recording | None = None,
    out: str | Path | None = None,
    hook: ProgressHook = silent,
) -> Separation:
    """Separate a span again and render the result.

    Parameters
    ----------
    directory
        The separation.
    start_s, end_s
        The span.
    settings
        What is to be otherwise.
    source
        The recording it was made from; where the manifest says it was if ``None``.
    out
        Where the new one goes; ``directory`` itself if ``None``.
    hook
        Told the stages "read", "separate", "segment", "embed" and "render". What it raises cancels the work.

    Raises
    ------
    InputError
        Reasons ``bad-span``, ``past-the-end``, ``span-too-short``, ``bad-speakers``, ``unknown-separator``,
        ``unknown-quality``, ``one-channel-each``, ``nothing-there``, ``no-recording``, and what `render_again` raises.
    StoreError
        What was stored is damaged, or the disk is full; somebody else corrected the result meanwhile.
    """
    directory = Path(directory)
    manifest, log = read_manifest(directory), edit_log(directory)
    state = replayed(directory, log)
    edit = _planned(manifest, len(state.activity), start_s, end_s, settings or Settings())
    check_target(Path(out or directory))
    recording = recording_of(manifest, origin(manifest) if source is None else source)
    edit = edit.model_copy(update={"sha256": getattr(_separator(edit), "sha256", None)})
    with heard_again(directory, recording, (edit,), hook=hook) as stores:
        patch = find_patch(edit.store, (stores, directory / INTERNAL / AGAIN))
        if not patch.table.speakers:
            raise InputError(
                f"nobody was heard between {edit.start_s:g} and {edit.end_s:g} s",
                reason="nothing-there",
                hint="noise gives what is there to the residual",
            )
        streams = Streams.load(directory / INTERNAL / STREAMS)
        edit = edit.model_copy(update={"to": whose(state, streams, patch)})
        if edit_log(directory) != log:
            raise StoreError(
                f"{str(directory)!r} was corrected by somebody else meanwhile",
                reason="changed-meanwhile",
                hint="look at what it says now, and separate the span again",
            )
        return render_again(directory, recording, out or directory, edits=log.append(edit), stores=stores, hook=hook)


@contextmanager
def heard_again(
    directory: Path, recording: Recording, edits: tuple[Reseparate, ...], *, hook: ProgressHook = silent
) -> Iterator[Path]:
    """A scratch folder with what edits name and a result lacks, made by the network; nothing is heard twice.

    Raises
    ------
    InputError
        Reason ``other-model``: an edit was made with another separator than the one that is installed.
    StoreError
        The disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="speaksep-") as scratch:
        folder = Path(scratch)
        missing = [edit for edit in edits if not _intact(directory / INTERNAL / AGAIN / edit.store)]
        try:
            if missing:
                _hear(directory, recording, missing, folder, hook)
        except OSError as error:
            raise StoreError(
                f"cannot keep what was separated again in {scratch!r}: {error.strerror or error}",
                reason="store-failed",
                hint="free some space or set TMPDIR to a larger disk",
            ) from error
        yield folder


def _hear(directory: Path, recording: Recording, edits: list[Reseparate], folder: Path, hook: ProgressHook) -> None:
    manifest = read_manifest(directory)
    plan = Plan(**{name: value for name, value in manifest.parameters.items() if name != "format"})
    with (
        read_again(manifest, recording, directory / INTERNAL, hook) as heard,
        network_mixture(given_mixture(heard), heard, plan, folder, hook) as sharp,
    ):
        for edit in edits:
            separator = _separator(edit)
            if (separator.info.version, getattr(separator, "sha256", None)) != (edit.version, edit.sha256):
                raise InputError(
                    f"{edit.start_s:g} to {edit.end_s:g} s were separated again by another {edit.separator} than the "
                    f"one that is installed (version {edit.version}, weights {str(edit.sha256)[:12]})",
                    reason="other-model",
                    hint="install that one, or separate the span again with this one",
                )
            place = folder / edit.store
            place.mkdir()
            span = slice(round(edit.start_s / FRAME_S), round(edit.end_s / FRAME_S))
            streams, table = hear_span(
                sharp,
                span,
                separator,
                directory=place,
                hook=hook,
                speakers=edit.speakers,
                window_s=plan.window_s,
                hop_s=HOP_S[edit.quality],
            )
            save_patch(place, span, table, streams)


def _separator(edit: Reseparate) -> Separator:
    made: Separator = create("separator", edit.separator, device=edit.device, **edit.separator_options)
    return made


def _intact(folder: Path) -> bool:
    try:
        load_patch(folder)
    except StoreError:
        return False
    return True


def _planned(manifest: Manifest, frames: int, start_s: float, end_s: float, settings: Settings) -> Reseparate:
    """The edit but for weights and voices; what can be refused is, before a network is loaded."""
    if manifest.mixture.kind == "apart":
        raise InputError(
            "each channel of this recording is a speaker's own: there is nothing to separate",
            reason="one-channel-each",
            hint="reassign, boundary and noise correct who speaks",
        )
    if not start_s < end_s:
        raise InputError(
            f"the span from {start_s:g} to {end_s:g} s ends before it starts", reason="bad-span", hint="start, then end"
        )
    length_s = frames * FRAME_S
    if start_s < 0 or end_s > length_s + END_SLACK_S:
        raise InputError(
            f"{start_s:g} to {end_s:g} s is not within the recording",
            reason="past-the-end",
            hint=f"it ends at {length_s:.2f} s",
        )
    first, last = round(start_s / FRAME_S), min(round(end_s / FRAME_S), frames)
    if (last - first) * FRAME_S < SHORTEST_S:
        raise InputError(
            f"{start_s:g} to {end_s:g} s is {(last - first) * FRAME_S:.2f} s",
            reason="span-too-short",
            hint=f"voices are told apart in {SHORTEST_S:g} s or more",
        )
    given = manifest.parameters
    before = str(given.get("separator", Plan.separator))
    name = settings.separator or before
    quality: Any = settings.quality or given.get("quality", Plan.quality)
    if quality not in HOP_S:
        raise InputError(f"unknown quality {quality!r}", reason="unknown-quality", hint=f"one of: {', '.join(HOP_S)}")
    count = settings.speakers
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_SPEAKERS):
        raise InputError(
            f"cannot look for {count!r} speakers",
            reason="bad-speakers",
            hint=f"give a whole number from 1 to {MOST_SPEAKERS}, or leave it out",
        )
    info = get("separator", name).info
    options = settings.separator_options
    if options is None:
        options = given.get("separator_options", {}) if name == before else {}
    device = given.get("device", "cpu")
    return Reseparate(
        start_s=round(first * FRAME_S, 2),
        end_s=round(last * FRAME_S, 2),
        speakers=count,
        separator=name,
        separator_options=typed_options(info, options),
        quality=quality,
        device=device if device in info.devices else "cpu",
        version=info.version,
    )
