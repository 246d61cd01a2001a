"""``speaksep voices``: who may be recognised."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import BookOption, BooksOption, JsonOption, QuietOption
from speaksep_kernel.cli.output import print_json

if TYPE_CHECKING:
    from speaksep_kernel.voices.book import Voice

app = typer.Typer(
    help="Enrol, list, rename, exchange and forget the voices that identify may name.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Whose voice it is.")]
NewNameArgument = Annotated[str, typer.Argument(metavar="NEW", help="Its name from now on.")]
NamesOption = Annotated[
    list[str] | None, typer.Option("--name", metavar="NAME", help="Whose, again for each; everybody's if left out.")
]


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
def list_(book: BooksOption = None, as_json: JsonOption = False) -> None:
    """List who is in the books."""
    from speaksep_kernel.voices.book import book_paths
    from speaksep_kernel.voices.book.file import shared_book

    paths = book_paths(book)
    listed = [(path, voice) for path in paths for voice in shared_book(path, paths)]
    if as_json:
        voices = [{**summary(voice), "book": str(path)} for path, voice in listed]
        print_json({"book": str(paths[0]), "books": [str(path) for path in paths], "voices": voices})
        return
    for path, voice in listed:
        shared = f"  in {path}" if path != paths[0] else ""
        note = f"  {voice.note}" if voice.note else ""
        typer.echo(f"{described(voice)}, enrolled {voice.enrolled}{shared}{note}")
    if not listed:
        typer.echo(f"nobody is enrolled in {', '.join(map(str, paths))}")


@app.command("rename")
def rename(name: NameArgument, new: NewNameArgument, book: BookOption = None, as_json: JsonOption = False) -> None:
    """Give a voice another name."""
    from speaksep_kernel.voices.book import rename as change

    voice = change(name, new, book)
    if as_json:
        print_json(summary(voice))
    else:
        typer.echo(f"{name} is {voice.name} now; run speaksep identify again where the old name stands")


@app.command("forget")
def forget(name: NameArgument, book: BookOption = None, as_json: JsonOption = False) -> None:
    """Delete a voice and all that was made of it."""
    from speaksep_kernel.voices.book import forget as remove

    receipt = remove(name, book)
    if as_json:
        print_json(asdict(receipt))
        return
    typer.echo(f"{name} is forgotten: nothing is left of the voice in {receipt.book}")
    typer.echo(f"receipt {receipt.receipt} ({receipt.day}); keep it, the book holds no name")
    for other in receipt.also_in:
        typer.echo(f"{name} is still known to the shared book {other}")


@app.command("forgotten")
def forgotten(
    name: NameArgument,
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="What voices forget printed.")],
    book: BookOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show by its receipt that a voice was forgotten."""
    from speaksep_kernel.voices.book import was_forgotten

    day = was_forgotten(name, receipt, book)
    if as_json:
        print_json({"name": name, "receipt": receipt, "day": day})
    else:
        typer.echo(f"the voice {name} was forgotten on {day}")


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Book to write; nothing is there yet.")],
    name: NamesOption = None,
    book: BooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write voices, with consent and notes, to a book of their own."""
    from speaksep_kernel.voices.book import export_voices

    _tell(export_voices(file, name or (), book), as_json=as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Book that voices export or voices enroll wrote.")],
    name: NamesOption = None,
    book: BookOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the voices of another book to one's own."""
    from speaksep_kernel.voices.book import import_voices

    _tell(import_voices(file, name or (), book), as_json=as_json)


def described(voice: Voice) -> str:
    """A voice in a line."""
    return f"{voice.name}  {len(voice.samples)} samples, {voice.seconds:.0f} s"


def _tell(voices: tuple[Voice, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"voices": [summary(voice) for voice in voices]})
    else:
        typer.echo("\n".join(map(described, voices)))


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
