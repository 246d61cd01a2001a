"""``speaksep share``: let others look at your results, by name, by group or by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_hub.cli.reached import KeptOption, UrlOption, reached
from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_hub.client import Client

app = typer.Typer(
    help="Let others look at your results: by name, by group, by a link.", no_args_is_help=True, rich_markup_mode=None
)

DAY_S = 86400
ShareArgument = Annotated[str, typer.Argument(metavar="SHARE", help="Its id, or a beginning that no other has.")]
UserOption = Annotated[
    list[str] | None, typer.Option("--user", metavar="NAME", help="Somebody who may see it; repeatable.")
]
GroupOption = Annotated[
    list[str] | None, typer.Option("--group", metavar="NAME", help="A group whose members may; repeatable.")
]
DownloadOption = Annotated[
    bool | None, typer.Option("--download/--no-download", help="Whether they may save its files; not, if left out.")
]
TitleOption = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="What you call it; they see it.")]
DaysOption = Annotated[
    float | None,
    typer.Option("--days", metavar="N", min=0.0001, max=3660, help="How long; until you revoke it, if left out."),
]


@app.command("make")
def make(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="recording, collection, batch or compare.")],
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Of the job; of the batch; of the two jobs to compare; of several jobs."),
    ] = None,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="ID", help="A collection: all recordings of a batch.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="A collection: all you have separated, and will separate.")
    ] = False,
    truth: Annotated[
        list[str] | None,
        typer.Option("--truth", metavar="ID", help="To compare with: a recording of one speaker alone; repeatable."),
    ] = None,
    user: UserOption = None,
    group: GroupOption = None,
    download: DownloadOption = None,
    title: TitleOption = None,
    days: DaysOption = None,
    link: Annotated[bool, typer.Option("--link", help="Make a link, too, and print it: this once.")] = False,
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """Share something; the address of its page is printed, or the link."""
    what = _what(kind, ids or [], batch, everything, truth or [])
    terms: dict[str, Any] = {"users": user or [], "groups": group or [], "download": bool(download)}
    life_s = None if days is None else round(days * DAY_S) or 1
    with reached(url, token_in) as client:
        made: dict[str, Any] = {**client.shares.create(kind, what, title=title or "", expires_s=life_s, **terms)}
        if link:
            made["made_link"] = client.shares.make_link(made["id"], expires_s=life_s or 30 * DAY_S)
    if as_json:
        print_json(made)
    elif link:
        typer.echo(made["made_link"]["url"] or made["made_link"]["token"])
    else:
        typer.echo(made["url"] or made["id"])


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what you share: with whom, until when."""
    with reached(url, token_in) as client:
        found = [share for share in client.shares.all() if everything or share["state"] == "open"]
    if as_json:
        print_json({"shares": found})
        return
    for share in found:
        people = [*share["users"], *(f"@{name}" for name in share["groups"]), *(["by link"] if share["link"] else [])]
        typer.echo(
            "  ".join(
                (share["id"], share["kind"], _until(share), ", ".join(people) or "nobody yet", share["title"])
            ).rstrip()
        )
    if not found:
        typer.echo("nothing is shared")


@app.command("show")
def show(share: ShareArgument, url: UrlOption = None, token_in: KeptOption = None, as_json: JsonOption = False) -> None:
    """Show one share, its links and what people wrote."""
    with reached(url, token_in) as client:
        found = client.shares.get(_whole(client, share))
        links, comments = client.shares.links(found), client.shares.comments(found)
    if as_json:
        print_json({**found, "links": links, "comments": comments})
        return
    for name in ("id", "kind", "title", "state", "users", "groups", "download", "expires_at", "url"):
        value = found[name]
        typer.echo(f"{name:<10}  {', '.join(value) if isinstance(value, list) else value}")
    for each in links:
        typer.echo(f"link        {each['id']}  {_until(each)}  {each['note']}".rstrip())
    for each in comments:
        at = "" if each["at_s"] is None else f" at {each['at_s']:.1f} s"
        typer.echo(f"comment     {each['id']}  {each['reader'] or 'by link'}{at}: {' '.join(each['text'].split())}")


@app.command("change")
def change(
    share: ShareArgument,
    user: UserOption = None,
    group: GroupOption = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Take all users and groups away first.")] = False,
    download: DownloadOption = None,
    title: TitleOption = None,
    days: DaysOption = None,
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let more people see it, or for longer; users and groups that are named are added."""
    with reached(url, token_in) as client:
        now = client.shares.get(_whole(client, share))
        wanted: dict[str, Any] = {
            "users": [*([] if nobody else now["users"]), *(user or [])] if user or nobody else None,
            "groups": [*([] if nobody else now["groups"]), *(group or [])] if group or nobody else None,
            "download": download,
            "title": title,
            "expires_in": None if days is None else round(days * DAY_S) or 1,
        }
        changed = client.shares.change(now, **{name: value for name, value in wanted.items() if value is not None})
    _told(dict(changed), f"share {changed['id']} changed", as_json=as_json)


@app.command("revoke")
def revoke(
    shares: Annotated[list[str], typer.Argument(metavar="SHARE...", help="Their ids, or beginnings of them.")],
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """End shares with all their links, for good."""
    with reached(url, token_in) as client:
        ended = [client.shares.revoke(_whole(client, share))["id"] for share in shares]
    words = f"{len(ended)} share{'' if len(ended) == 1 else 's'} revoked"
    _told({"ok": True, "revoked": ended}, words, as_json=as_json)


@app.command("link")
def link(
    share: ShareArgument,
    days: Annotated[float, typer.Option("--days", metavar="N", min=0.0001, max=3660, help="How long it works.")] = 30.0,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="For whom it is; only you see this.")] = "",
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link to a share; it is printed, this once."""
    with reached(url, token_in) as client:
        made = client.shares.make_link(_whole(client, share), expires_s=round(days * DAY_S) or 1, note=note)
    _told(made, made["url"] or made["token"], as_json=as_json)


@app.command("unlink")
def unlink(
    share: ShareArgument,
    links: Annotated[list[str], typer.Argument(metavar="LINK...", help="Ids of links, as share show lists them.")],
    url: UrlOption = None,
    token_in: KeptOption = None,
    as_json: JsonOption = False,
) -> None:
    """End links; the share stays."""
    with reached(url, token_in) as client:
        whole = _whole(client, share)
        for each in links:
            client.shares.revoke_link(whole, each)
    words = f"{len(links)} link{'' if len(links) == 1 else 's'} revoked"
    _told({"ok": True, "revoked": links}, words, as_json=as_json)


@app.command("votes")
def votes(share: ShareArgument, url: UrlOption = None, token_in: KeptOption = None) -> None:
    """Print what people chose, as CSV."""
    with reached(url, token_in) as client:
        typer.echo(client.shares.votes(_whole(client, share)), nl=False)


def _what(kind: str, ids: list[str], batch: str | None, everything: bool, truth: list[str]) -> dict[str, Any]:
    """What is shared, in the service's words."""
    by_batch = {"batch": batch} if batch else {}
    everything_there_is = {"all": True} if everything else {}
    if kind == "collection":
        return {**by_batch, **everything_there_is, **({"jobs": ids} if ids else {})}
    names = {"recording": ("job",), "batch": ("batch",), "compare": ("a", "b")}.get(kind)
    if names is None or batch or everything or len(ids) != len(names):
        raise InputError(
            f"{' '.join((kind, *ids))[:200]!r} cannot be shared",
            reason="bad-share",
            hint="recording JOB, batch BATCH, compare JOB JOB, collection JOB... or --batch BATCH or --all",
        )
    return {**dict(zip(names, ids, strict=True)), **({"truth": truth} if truth else {})}


def _whole(client: Client, share: str) -> str:
    """The id that somebody began."""
    if len(share) == 32:
        return share
    found = [each["id"] for each in client.shares.all() if share and each["id"].startswith(share)]
    if len(found) != 1:
        raise InputError(
            f"{'no' if not found else 'more than one'} share {share[:40]!r}",
            reason="unknown-share",
            hint="speaksep share list --all shows yours",
        )
    return found[0]


def _until(share: Any) -> str:
    if share["state"] != "open":
        return str(share["state"])
    return f"until {share['expires_at'][:10]}" if share["expires_at"] else "no end"


def _told(document: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        typer.echo(words)
