"""``speaksep dashboards``: pages of results on this machine, without a hub."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

app = typer.Typer(
    help="Pages of results: look, listen, compare.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _verbs() -> None:
    """Pages of results: look, listen, compare."""


@app.command("up", short_help="Show results here, in a browser.")
def up(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RESULT|BATCH]...", help="Folders of results and of batches; your jobs, if left out."),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port of the address; 0 is any free one.")
    ] = 0,
    explore: Annotated[
        list[str] | None,
        typer.Option("--explore", metavar="NAME", help="Explore pages in voila or panel, too; repeatable."),
    ] = None,
) -> None:
    """Show results in a browser on this machine, until Ctrl-C; nobody else can open the address that is printed."""
    from speaksep_dashboards.desk import desk_of
    from speaksep_hub.dashboards.alone import OPEN, PREFIX, create_alone
    from speaksep_hub.interactive.alone import running
    from speaksep_hub.local.children import adopt_orphans, end_descendants
    from speaksep_hub.service.place import Place
    from speaksep_hub.service.run import serve
    from speaksep_hub.settings import Settings
    from speaksep_kernel.jobs.job import user_name

    token, name = secrets.token_urlsafe(24), user_name()
    explorers = _chosen(explore or ())
    with tempfile.TemporaryDirectory(prefix="speaksep-dashboards-", ignore_cleanup_errors=True) as kept:
        folder = Path(kept)
        desk = desk_of(places or (), folder)
        place = Place(prefix=PREFIX, port=port)
        app = create_alone(desk, folder, place, token=token, name=name)
        shown = desk.jobs.jobs(owner=name, limit=2) if places else []
        first = {"next": f"{PREFIX}mine/recording/{shown[0].id}/"} if len(shown) == 1 else {}
        with ExitStack() as stack:

            def told(url: str) -> None:
                logging.getLogger().setLevel(logging.WARNING)
                for each in explorers:
                    address = stack.enter_context(running(each, folder, front=url, token=token))
                    app.state.explorers[each] = f"{address}?{urlencode({'token': token})}"
                query = urlencode({"token": token, **first})
                typer.echo(f"Dashboards of {name}: {url}{OPEN}?{query}\nCtrl-C ends them.")

            adopt_orphans()  # kernels, and what hands them out
            try:
                serve(Settings(), place, create=lambda *_: app, told=told)
            finally:
                end_descendants(1.0)
    logging.shutdown()
    os._exit(0)  # all is closed; taking the interpreter apart would take longer than everything before


def _chosen(names: list[str] | tuple[str, ...]) -> list[str]:
    from speaksep_hub.dashboards.exploring import WORDS
    from speaksep_kernel.errors import InputError

    wrong = [name for name in names if name not in WORDS]
    if wrong:
        raise InputError(f"nothing explores in {wrong[0]!r}", reason="bad-explorer", hint=f"{' or '.join(WORDS)}")
    return list(dict.fromkeys(names))
