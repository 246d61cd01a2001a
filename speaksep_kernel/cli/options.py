"""Options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from speaksep_kernel.errors import InputError


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Quality(StrEnum):
    """How much work the network is given."""

    fast = "fast"
    balanced = "balanced"
    best = "best"


InputArgument = Annotated[str, typer.Argument(metavar="IN", help="Recording: any audio or video file, or a URL.")]
SpeakersOption = Annotated[
    str, typer.Option("--speakers", metavar="auto|N", help="How many people speak, if you know it.")
]
MinSpeakersOption = Annotated[
    int | None, typer.Option("--min-speakers", metavar="N", help="At least so many people speak.")
]
MaxSpeakersOption = Annotated[
    int | None, typer.Option("--max-speakers", metavar="N", help="At most so many people speak (8 unless told).")
]
KnownOption = Annotated[
    list[str] | None,
    typer.Option("--known", metavar="NAME", help="Somebody in the voice book who is expected to speak; repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a summary.")]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Say what is planned for the recording, and why.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
RecordingOption = Annotated[
    str | None, typer.Option("--recording", metavar="IN", help="The recording it was made from, if it was moved.")
]
BookOption = Annotated[
    Path | None, typer.Option("--book", metavar="PATH", help="Voice book; SPEAKSEP_BOOK, or your own, if left out.")
]
BooksOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--book", metavar="PATH", help="Voice book, again for each shared one; those of the environment, if left out."
    ),
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where networks run.")]
QualityOption = Annotated[
    Quality, typer.Option("--quality", help="More overlap between the network's windows: better seams, more time.")
]


def speaker_choices(text: str, least: int | None, most: int | None, known: list[str] | None) -> dict[str, Any]:
    """Keywords of the verbs for what ``--speakers``, ``--min-speakers``, ``--max-speakers`` and ``--known`` say.

    Raises
    ------
    InputError
        Reason ``bad-speakers``.
    """
    number = speakers_number(text)
    bounds = {"min_speakers": least, "max_speakers": most}
    given = {name: value for name, value in bounds.items() if value is not None}
    if number is not None and given:
        raise InputError(
            f"--speakers {number} is exact, and bounds are given too",
            reason="bad-speakers",
            hint="leave out --min-speakers and --max-speakers, or --speakers",
        )
    return {"speakers": number, "known": tuple(known or ()), **given}


def speakers_number(text: str) -> int | None:
    """The number that ``--speakers`` names; ``None`` for "auto".

    Raises
    ------
    InputError
        Reason ``bad-speakers``.
    """
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise InputError(
            f"--speakers {text!r} is not a number", reason="bad-speakers", hint="give auto or a number from 1 to 20"
        ) from None


def option_values(pairs: list[str]) -> dict[str, str]:
    """``["path=model.pt"]`` as a dictionary.

    Raises
    ------
    InputError
        Reason ``bad-option``.
    """
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise InputError(f"option {pair!r} has no value", reason="bad-option", hint="write it as name=value")
        values[name] = value
    return values
