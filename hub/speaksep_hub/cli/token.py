"""``speaksep token``: tokens for programs, at a service or in the file of one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_hub.cli.reached import KeptOption, UrlOption, reached
from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_hub.client import Client
    from speaksep_hub.service.identity.token_file import TokenFile

app = typer.Typer(help="Tokens for programs: list, make, rotate, revoke.", no_args_is_help=True, rich_markup_mode=None)

DAY_S = 86400
FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="Token file of a service without a hub; you must be able to write it."),
]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="What it is for.")]


@app.command("list")
def list_(
    file: FileOption = None, url: UrlOption = None, token_in: KeptOption = None, as_json: JsonOption = False
) -> None:
    """List tokens: what they may, until when, what for; never what they read."""
    if file is not None:
        tokens = [_of_entry(entry) for entry in _file(file).entries()]
    else:
        with reached(url, token_in) as client:
            tokens = list(client.tokens.all())
    if as_json:
        print_json({"tokens": tokens})
        return
    for token in tokens:
        until = _day(token["expires_at"]) or "no end"
        parts = (token["id"], token.get("name", ""), until, token["note"] or token.get("client", ""), *token["scopes"])
        typer.echo("  ".join(part for part in parts if part))
    if not tokens:
        typer.echo("no tokens")


@app.command("make")
def make(
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help="What it may, e.g. jobs:read; repeatable.")
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="A role instead (only with --file).")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Whose it is (only with --file).")] = None,
    days: Annotated[float, typer.Option("--days", metavar="N", min=0.0001, max=3660, help="How long it lives.")] = 30.0,
    note: NoteOption = "",
    file: FileOption = None,
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token; what it reads is printed, this once."""
    life_s = round(days * DAY_S)
    if file is not None:
        if name is None or (role is None) == (not scope):
            raise InputError(
                "a token in a file needs a name, and either a role or scopes",
                reason="bad-token",
                hint="--name ann --role researcher",
            )
        entry, reads = _file(file).make(name, scopes=scope or None, role=role, life_s=life_s, note=note)
        made = {**_of_entry(entry), "token": reads}
    else:
        if name is not None or role is not None or not scope:
            raise InputError(
                "a service makes tokens for you, with scopes of yours",
                reason="bad-token",
                hint="give --scope jobs:read and so on; --name and --role are for --file",
            )
        with reached(url, token_in) as client:
            made = client.tokens.make(note, scope, expires_s=life_s)
    if as_json:
        print_json(made)
    else:
        typer.echo(made["token"])


@app.command("rotate")
def rotate(url: UrlOption = None, token_in: KeptOption = None, as_json: JsonOption = False) -> None:
    """Make a token like yours, switch to it, revoke yours.

    With --token-in the new one replaces the old one in that file; else it is printed. Whatever goes wrong on the way,
    one of both works, and the file holds it.
    """
    from speaksep_hub.cli.switch import switch
    from speaksep_hub.client import Client

    with reached(url, token_in) as old:
        made = _like_own(old)
        with Client(url, made["token"]) as new:
            try:
                new.me()
                if token_in is not None:
                    switch(token_in, made["token"])
            except BaseException:
                old.tokens.revoke(made["id"])
                raise
            new.tokens.revoke(made["replaces"])
    if token_in is not None:
        del made["token"]
    if as_json:
        print_json(made)
    else:
        typer.echo(made.get("token") or f"{token_in} holds token {made['id']} now; {made['replaces']} is revoked")


@app.command("revoke")
def revoke(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Tokens, by their ids.")],
    file: FileOption = None,
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """End tokens; they are worth nothing within seconds."""
    if file is not None:
        for id_ in ids:
            _file(file).revoke(id_)
    else:
        with reached(url, token_in) as client:
            for id_ in ids:
                client.tokens.revoke(id_)
    if as_json:
        print_json({"ok": True, "revoked": ids})
    else:
        typer.echo(f"{len(ids)} token{'' if len(ids) == 1 else 's'} revoked")


@app.command("keys")
def keys(
    rotate: Annotated[bool, typer.Option("--rotate", help="Sign with a new key from now on.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="With --rotate: what older keys signed or sealed is worthless at once.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings; SPEAKSEP_HUB_CONFIG, if left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the keys that sign tokens and seal cookies of the service on this machine, or replace them."""
    from speaksep_hub.service.identity.identity import keys_of
    from speaksep_hub.settings import load

    if forget and not rotate:
        raise InputError("nothing would sign any more", reason="bad-option", hint="give --rotate, too")
    all_keys = keys_of(load(config))
    if rotate:
        all_keys.rotate(forget=forget)
    known = all_keys.known()
    if as_json:
        print_json({"folder": str(all_keys.folder), "keys": [{"id": key.id, "made_at": key.made_at} for key in known]})
        return
    for key in known:
        typer.echo(f"{key.id}  made {datetime.fromtimestamp(key.made_at, UTC):%Y-%m-%d %H:%M} UTC")
    typer.echo(f"{len(known)} key{'' if len(known) == 1 else 's'} in {all_keys.folder}; the last one signs")


def _like_own(client: Client) -> dict[str, Any]:
    """A token like the one that is used: for as long, for the same, with the same scopes."""
    own_id = client.me()["token_id"]
    own = next((each for each in client.tokens.all() if each["id"] == own_id), None)
    if own is None:
        raise InputError(
            "only a token of the hub or of the file can be rotated", reason="not-exchangeable", hint="send such a one"
        )
    both = own["expires_at"] is not None and own["made_at"] is not None
    life_s = int(own["expires_at"] - own["made_at"]) if both else 90 * DAY_S
    return {**client.tokens.make(own["note"], own["scopes"], expires_s=life_s), "replaces": own_id}


def _file(path: Path) -> TokenFile:
    from speaksep_hub.service.identity.token_file import TokenFile

    return TokenFile(path)


def _of_entry(entry: Any) -> dict[str, Any]:
    return {
        "id": entry.shown_id,
        "name": entry.name,
        "note": entry.note,
        "scopes": sorted(entry.allowed),
        "expires_at": entry.expires_at,
    }


def _day(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("until %Y-%m-%d")
