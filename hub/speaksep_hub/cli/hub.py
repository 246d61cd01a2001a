"""``speaksep hub``: the whole platform on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from speaksep_hub.cli import config as configuration
from speaksep_hub.cli import logs, part, schema
from speaksep_kernel.cli.options import JsonOption

app = typer.Typer(
    help="The platform with sign-in, notebooks, job service and dashboards.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings (TOML); those of SPEAKSEP_HUB_CONFIG if left out."),
]


app.command("config", short_help="Settings in force.")(configuration.config)
app.command("logs", short_help="What all parts wrote.")(logs.logs)
app.command("part", short_help="One service of the hub here.")(part.part)
app.command("schema", short_help="Revisions of the tables.")(schema.schema)


@app.command("up", short_help="Start all of it here.")
def up(
    config: ConfigOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Where it keeps everything; a folder of yours if left out."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Port of the address; 0 is any free one."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", min=1, help="Jobs at a time.")] = None,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Start Prometheus beside, and Alertmanager if it is installed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the platform on this machine and keep it running until Ctrl-C, which ends all of it within ten seconds."""
    from speaksep_hub.cli.told import told
    from speaksep_hub.local.notify import notify, take_notify
    from speaksep_hub.local.up import prepare

    waits = take_notify()
    platform = prepare(config=config, folder=folder, port=port, environment=os.environ)
    for warning in platform.warnings():
        typer.echo(f"speaksep hub: warning: {warning}", err=True)
    if not as_json:
        typer.echo(f"Starting SpeakSep in {platform.folder.path} …")

    def ready() -> None:
        told(platform, as_json=as_json, prometheus=prometheus)
        notify(waits)

    platform.run(ready, workers=workers, prometheus=prometheus)
