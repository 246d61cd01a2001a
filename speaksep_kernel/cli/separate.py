"""``speaksep separate``: one recording in, one track per speaker out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.clean import CleanOption, CleanOptionOption, clean_choices
from speaksep_kernel.cli.options import (
    Device,
    DeviceOption,
    ExplainOption,
    InputArgument,
    JsonOption,
    KnownOption,
    MaxSpeakersOption,
    MinSpeakersOption,
    Quality,
    QualityOption,
    QuietOption,
    SpeakersOption,
    option_values,
    speaker_choices,
)
from speaksep_kernel.cli.output import clock, print_json

if TYPE_CHECKING:
    from speaksep_kernel.results.values import Separation


def separate(
    source: InputArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the tracks go.")],
    speakers: SpeakersOption = "auto",
    min_speakers: MinSpeakersOption = None,
    max_speakers: MaxSpeakersOption = None,
    known: KnownOption = None,
    separator: Annotated[
        str, typer.Option("--separator", metavar="NAME", help="Network; see speaksep plugins list.")
    ] = "speaksep",
    separator_option: Annotated[
        list[str] | None, typer.Option("--separator-option", metavar="NAME=VALUE", help="Option of the network.")
    ] = None,
    clean: CleanOption = "",
    clean_option: CleanOptionOption = None,
    audio_format: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="Audio format: flac, wav, mp3, m4a, ogg, opus or a plugin's."),
    ] = "flac",
    quality: QualityOption = Quality.balanced,
    device: DeviceOption = Device.auto,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write one track per speaker, a residual, turns.rttm and manifest.json into DIR."""
    people = speaker_choices(speakers, min_speakers, max_speakers, known)
    cleaning = clean_choices(clean, clean_option)

    from speaksep_kernel import pipeline
    from speaksep_kernel.plugins import get, typed_options

    options = typed_options(get("separator", separator).info, option_values(separator_option or []))
    with progress(quiet=quiet) as hook:
        separation = pipeline.separate(
            source,
            output,
            **people,
            separator=separator,
            separator_options=options,
            quality=quality.value,
            device=device.value,
            format=audio_format,
            **cleaning,
            hook=hook,
        )
    if as_json:
        print_json(separation.to_dict())
    else:
        typer.echo(describe(separation))
        if explain and separation.plan:
            typer.echo("\nThe plan, and why:\n" + separation.plan.explain())


def describe(separation: Separation) -> str:
    """A separation as text for a terminal."""
    count = len(separation.tracks)
    diagnosis = separation.diagnosis
    lines = [
        (
            f"{count} speaker{'' if count == 1 else 's'} in {clock(diagnosis.recording.seconds)}, "
            f"overlapped {diagnosis.overlap_ratio:.0%} of the speech; tracks are in {separation.directory}"
        )
    ]
    lines += [
        f"  {track.file}  {track.name or track.label}, speaks {track.seconds:.1f} s, confidence {track.confidence:.0%}"
        for track in separation.tracks
    ]
    lines += cleaned_lines(separation)
    lines += [f"  {finding.severity}: {finding.why}" for finding in diagnosis.warnings]
    return "\n".join(lines)


def cleaned_lines(separation: Separation) -> list[str]:
    """What cleaning changed, a line per measure that it did."""
    cleaning = separation.manifest.cleaning
    if cleaning is None:
        return []
    shown = {code: figure for code, figure in cleaning.figures.items() if figure.before != figure.after}
    return [
        f"  cleaned with {', '.join(step.name for step in cleaning.steps)}: what was taken away is in the residual",
        *(
            f"    {code}: {_figure(figure.before)} -> {_figure(figure.after)} {figure.unit}".rstrip()
            for code, figure in shown.items()
        ),
    ]


def _figure(value: float | str | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else f"{value:.3g}"
