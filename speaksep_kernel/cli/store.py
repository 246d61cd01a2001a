"""``speaksep store``: what lies in the store, and what need not lie there any longer."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from speaksep_kernel.cli.batch import TableOption
from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json

app = typer.Typer(
    help="Recordings and results of the platform: how much there is, and what may go.", no_args_is_help=True
)

DAY_S = 86400.0
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="DIR|URL", help="The store; SPEAKSEP_STORE, or your own, if left out.")
]


@app.command("usage")
def usage(store: StoreOption = None, jobs: TableOption = None, as_json: JsonOption = False) -> None:
    """Show how much everybody keeps."""
    from speaksep_kernel.catalogue.catalogue import Catalogue
    from speaksep_kernel.store import keys
    from speaksep_kernel.store.store import Store

    where = Store.open(store)
    with Catalogue.open(jobs, patience_s=5.0) as catalogue:
        rows: list[dict[str, Any]] = [
            {
                "owner": owner,
                "recordings": (used := catalogue.usage(owner)).recordings,
                "bytes": used.bytes,
                "announced_bytes": used.announced_bytes,
                "result_bytes": sum(where.files(keys.owned(owner)).values()),
            }
            for owner in catalogue.owners()
        ]
    if as_json:
        print_json({"store": where.url, "owners": rows})
        return
    for row in rows:
        sizes = ", ".join(f"{row[name] / 1e9:.2f} GB {word}" for name, word in _WORDS.items())
        typer.echo(f"{row['owner']}: {row['recordings']} recordings and uploads; {sizes}")
    typer.echo(f"{len(rows)} owners in {where.url}")


_WORDS = {"bytes": "of recordings", "announced_bytes": "announced", "result_bytes": "of results"}


@app.command("prune")
def prune(
    results_older_than: Annotated[
        float | None,
        typer.Option(
            "--results-older-than",
            metavar="DAYS",
            min=0,
            help="Also finished jobs of so many days ago, with their results.",
        ),
    ] = None,
    store: StoreOption = None,
    jobs: TableOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove recordings and uploads whose time is over, and what nobody has any more."""
    from speaksep_kernel.catalogue import retention
    from speaksep_kernel.catalogue.catalogue import Catalogue
    from speaksep_kernel.jobs.queue import JobTable
    from speaksep_kernel.store.store import Store

    older_s = None if results_older_than is None else results_older_than * DAY_S
    with Catalogue.open(jobs, patience_s=5.0) as catalogue, JobTable.open(jobs, patience_s=5.0) as table:
        pruned = retention.prune(catalogue, Store.open(store), table, results_older_s=older_s)
    if as_json:
        print_json({"ok": True, **pruned.to_dict()})
    else:
        typer.echo(", ".join(f"{count} {name}" for name, count in pruned.to_dict().items()) + " removed")
