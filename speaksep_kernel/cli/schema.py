"""``speaksep jobs schema``: the revisions of the tables, up and down, for upgrades and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.cli.batch import TableOption
from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_kernel.jobs.database import Schema


def schema(
    to: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLES=REVISION...", help="What to make of them, such as catalogue=0001."),
    ] = None,
    needed: Annotated[
        bool, typer.Option("--needed", help="Print only what this version needs, without looking at a database.")
    ] = False,
    jobs: TableOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the revisions of job table and catalogue, or change them: before an older version of SpeakSep is installed,
    bring them down to what its "speaksep jobs schema --needed" says. Nothing may use them meanwhile.
    """
    from speaksep_kernel.jobs.database import default_place, engine_of, migrate, revision_of, url_of

    schemas = _schemas()
    wanted = _revisions(to or [], schemas)
    if needed:
        revisions = {name: each.revision for name, each in schemas.items()}
    else:
        engine = engine_of(url_of(jobs or default_place()), patience_s=30.0)
        try:
            for name, revision in wanted.items():
                migrate(engine, revision, schemas[name])
            revisions = {name: revision_of(engine, each) or "base" for name, each in schemas.items()}
        finally:
            engine.dispose()
    if as_json:
        print_json(revisions)
    else:
        typer.echo(" ".join(f"{name}={revision}" for name, revision in revisions.items()))


def _schemas() -> dict[str, Schema]:
    from speaksep_kernel.catalogue.tables import SCHEMA
    from speaksep_kernel.jobs.database import JOBS

    return {"jobs": JOBS, "catalogue": SCHEMA}


def _revisions(words: list[str], schemas: dict[str, Schema]) -> dict[str, str]:
    from speaksep_kernel.jobs.database import revisions_of

    wanted = {}
    for word in words:
        name, _, revision = word.partition("=")
        known = ["base", *revisions_of(schemas[name])] if name in schemas else []
        if revision not in known:
            raise InputError(
                f"{word!r} is no revision of tables that this version knows",
                reason="unknown-revision",
                hint=f"{name} is one of: {', '.join(known)}" if known else f"tables are: {', '.join(schemas)}",
            )
        wanted[name] = revision
    return wanted
