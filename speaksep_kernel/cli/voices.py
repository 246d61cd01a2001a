"""``speaksep voices``: who may be recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import BookOption, JsonOption, QuietOption
from speaksep_kernel.cli.output import print_json

if TYPE_CHECKING:
    from speaksep_kernel.voices.book import Voice

app = typer.Typer(help="Enrol, list and forget the voices that identify may name.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Whose voice it is.")]


@app.command("enroll")
def enroll(
    name: NameArgument,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Recordings of this person alone.")],
    consent: Annotated[bool, typer.Option("--consent", help="The person agreed to be recognised.")] = False,
    note: Annotated[str, typer.Option("--note", help="Anything worth keeping with it.")] = "",
    book: BookOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Add a voice to the book, or more samples to one that is there."""
    from speaksep_kernel.voices.enrolment import enroll as add

    with progress(quiet=quiet) as hook:
        voice = add(name, files, consent=consent, note=note, book=book, hook=hook)
    if as_json:
        print_json(summary(voice))
    else:
        typer.echo(f"{voice.name}: {len(voice.samples)} samples, {voice.seconds:.0f} s of speech")


@app.command("list")
def list_(book: BookOption = None, as_json: JsonOption = False) -> None:
    """List who is in the book."""
    from speaksep_kernel.voices.book import book_path, read_book

    voices = read_book(book)
    if as_json:
        print_json({"book": str(book_path(book)), "voices": [summary(voice) for voice in voices]})
        return
    for voice in voices:
        note = f"  {voice.note}" if voice.note else ""
        typer.echo(
            f"{voice.name}  {len(voice.samples)} samples, {voice.seconds:.0f} s, enrolled {voice.enrolled}{note}"
        )
    if not voices:
        typer.echo(f"nobody is enrolled in {book_path(book)}")


@app.command("forget")
def forget(name: NameArgument, book: BookOption = None) -> None:
    """Delete a voice and all that was made of it."""
    from speaksep_kernel.voices.book import book_path
    from speaksep_kernel.voices.book import forget as remove

    remove(name, book)
    typer.echo(f"{name} is forgotten: nothing is left of the voice in {book_path(book)}")


def summary(voice: Voice) -> dict[str, Any]:
    """A voice as JSON-ready values, without its vectors."""
    return {
        "name": voice.name,
        "samples": len(voice.samples),
        "seconds": round(voice.seconds, 2),
        "enrolled": voice.enrolled,
        "consent": voice.consent,
        "note": voice.note,
    }
