"""``speaksep notices``: where and of what you are told when your jobs and batches end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from speaksep_hub.cli.reached import KeptOption, UrlOption, reached
from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError

app = typer.Typer(
    help="Be told when your jobs and batches end: by e-mail, chat or webhook.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("show")
def show(url: UrlOption = None, token_in: KeptOption = None, as_json: JsonOption = False) -> None:
    """Show what you want to be told, and what you were told last."""
    with reached(url, token_in) as client:
        _print(client.notices.get(), as_json)


@app.command("set")
def wish(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="ADDRESS...", help="name@example.org, service://…, or the id of one that is known."),
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--addresses-in", metavar="FILE", help="A file with one address a line: some are secrets."),
    ] = None,
    jobs: Annotated[str, typer.Option("--jobs", metavar="WHICH", help="Of which: all, failed or none.")] = "all",
    batches: Annotated[str, typer.Option("--batches", metavar="WHICH", help="Of which: all, failed or none.")] = "all",
    least_s: Annotated[
        float, typer.Option("--least", metavar="SECONDS", min=0, help="Of jobs that took so long, or failed.")
    ] = 60.0,
    quiet: Annotated[
        str | None, typer.Option("--quiet", metavar="HH:MM-HH:MM", help="When nothing is told; it comes afterwards.")
    ] = None,
    zone: Annotated[str, typer.Option("--zone", metavar="NAME", help="Whose clock, such as Europe/Berlin.")] = "UTC",
    names: Annotated[
        bool, typer.Option("--names/--no-names", help="Whether names of recordings and batches are told.")
    ] = True,
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what you want to be told from now on, in the place of all that you said before."""
    wishes: dict[str, Any] = {"jobs": jobs, "batches": batches, "least_s": least_s, "names": names}
    if quiet is not None:
        begins, _, ends = quiet.partition("-")
        wishes["quiet"] = {"begins": begins, "ends": ends, "zone": zone}
    with reached(url, token_in) as client:
        _print(client.notices.wish(*(addresses or []), *_listed(listed), **wishes), as_json)


@app.command("test")
def try_out(url: UrlOption = None, token_in: KeptOption = None) -> None:
    """Have something sent to all your addresses; `show` tells whether it arrived."""
    with reached(url, token_in) as client:
        client.notices.test()
    typer.echo("it is being sent")


@app.command("off")
def off(url: UrlOption = None, token_in: KeptOption = None) -> None:
    """Have all of it removed: you are told nothing any more."""
    with reached(url, token_in) as client:
        client.notices.forget()
    typer.echo("you are told nothing any more")


def _listed(path: Path | None) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split() if path else []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read the addresses in {str(path)!r}: {error}",
            reason="file-not-found",
            hint="give a file with one address a line",
        ) from None


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for address in found["addresses"]:
        typer.echo(f"{address['id']}  {address['address'] or 'cannot be read any more: give it anew'}")
    if not found["addresses"]:
        typer.echo("no address: you are told nothing")
    quiet = found["quiet"]
    silence = f", not from {quiet['begins']} to {quiet['ends']} ({quiet['zone']})" if quiet else ""
    typer.echo(f"jobs: {found['jobs']} of {found['least_s']:g} s or more, batches: {found['batches']}{silence}")
    for each in found["recent"]:
        typer.echo(
            f"{each['made_at'][:19]}  {each['state']:8}{each['address']}  {each['title']}  {each['error']}".rstrip()
        )
