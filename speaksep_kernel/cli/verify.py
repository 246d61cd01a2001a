"""``speaksep verify``: do the same recording and manifest give the same bytes?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.options import JsonOption, QuietOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_kernel.results.manifest import InputEntry
    from speaksep_kernel.results.verify import Verification


def verify(
    result: Annotated[Path, typer.Argument(metavar="FILE", help="A manifest.json, or the directory it is in.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--source", metavar="IN", help="The recording; looked for near FILE and where it was, if not given."
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Separate the recording of a manifest again and compare; exit code 1 if anything differs."""
    from speaksep_kernel import pipeline
    from speaksep_kernel.results.manifest import read_manifest

    source = source or _near(result, read_manifest(result).input)
    with progress(quiet=quiet) as hook:
        found = pipeline.verify(result, source, hook=hook)
    if as_json:
        print_json({"ok": found.ok, **asdict(found)})
    else:
        typer.echo(describe(found))
    if not found.ok:
        raise typer.Exit(1)


def describe(found: Verification) -> str:
    """A verification as text for a terminal."""
    lines = [f"{'the same bytes' if found.ok else 'NOT the same'}: {len(found.same)} files came out equal"]
    lines += [f"  different: {name}" for name in found.different]
    lines += [f"  changed since it was written: {name}" for name in found.damaged]
    lines += [f"  {name} was {then}, is {now}" for name, (then, now) in found.versions.items()]
    return "\n".join(lines)


def _near(result: Path, recording: InputEntry) -> str:
    name = recording.name
    directory = result if result.is_dir() else result.parent
    for place in (Path(), directory, directory.resolve().parent):
        if (place / name).is_file():
            return str(place / name)
    if recording.found:
        return recording.found
    raise InputError(
        f"the recording {name!r} is neither here nor near {str(result)!r} nor where it was",
        reason="source-not-found",
        hint="name it with --source",
    )
