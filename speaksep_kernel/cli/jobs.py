"""``speaksep jobs``: look at jobs, cancel them, try them again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.cli.batch import TableOption
from speaksep_kernel.cli.interrupt import first_asks
from speaksep_kernel.cli.options import JsonOption, option_values
from speaksep_kernel.cli.output import clock, print_json
from speaksep_kernel.cli.schema import schema
from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_kernel.jobs.job import Job
    from speaksep_kernel.jobs.queue import JobTable

app = typer.Typer(help="Look at jobs, cancel them, try them again, and work them off.", no_args_is_help=True)

DAY_S = 86400.0
IdsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="ID...", help="Jobs, by their ids or the beginnings of them.")
]
BatchOption = Annotated[
    str | None, typer.Option("--batch", metavar="DIR|ID", help="All of a batch, by its directory or id.")
]


@app.command("list")
def list_(
    batch: BatchOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="queued, running, cancelling, succeeded, failed, cancelled."),
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="NAME", help="Only of this person.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="The newest so many.")] = 50,
    jobs: TableOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, the newest first."""
    from speaksep_kernel.jobs.states import State

    try:
        states = [State(each) for each in state or ()]
    except ValueError as error:
        raise InputError(f"{error}", reason="unknown-state", hint=f"one of: {', '.join(State)}") from None
    with _table(jobs) as table:
        name = None if batch is None else _batch(batch)
        found = table.jobs(owner=owner, batch=name, states=states, limit=limit, newest_first=True)
        counts = table.counts(owner=owner, batch=name)
    if as_json:
        print_json({"counts": dict(counts), "jobs": [job.to_dict() for job in found]})
        return
    for job in found:
        typer.echo(line(job))
    said = ", ".join(f"{count} {each}" for each, count in counts.items() if count)
    typer.echo(
        f"{said or 'no jobs'}{'' if state or sum(counts.values()) <= limit else f'; the newest {limit} are shown'}"
    )


@app.command("show")
def show(
    job: Annotated[str, typer.Argument(metavar="ID", help="Job, by its id or the beginning of it.")],
    jobs: TableOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a job: where it stands, what happened to it, where its results are."""
    with _table(jobs) as table:
        found = table.get(job)
        events = table.events(job_id=found.id)
    if as_json:
        print_json({**found.to_dict(), "events": [event.to_dict() for event in events]})
        return
    typer.echo(line(found))
    about = {
        "batch": found.batch,
        "owner": found.owner,
        "output": found.output,
        "notebook": found.report,
        "worker": found.worker,
        "attempts": f"{found.attempt} ({found.failures} failed, {found.losses} lost)",
        "parameters": ", ".join(f"{name}={value}" for name, value in found.parameters.items()),
        "error": (found.error or {}).get("error"),
        "hint": (found.error or {}).get("hint"),
    }
    for name, value in about.items():
        if value:
            typer.echo(f"  {name}: {value}")
    for event in events[-20:]:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at))
        typer.echo(f"  {at}  {event.state} {event.fraction:.0%} {event.stage} {event.message}".rstrip())


@app.command("cancel")
def cancel(
    ids: IdsArgument = None, batch: BatchOption = None, jobs: TableOption = None, as_json: JsonOption = False
) -> None:
    """Stop jobs; what a running notebook has done so far is kept."""
    _change(ids, batch, jobs, "cancelled", "cancel", as_json=as_json)


@app.command("retry")
def retry(
    ids: IdsArgument = None, batch: BatchOption = None, jobs: TableOption = None, as_json: JsonOption = False
) -> None:
    """Queue failed and cancelled jobs again; speaksep batch --resume or speaksep jobs work runs them."""
    _change(ids, batch, jobs, "queued again", "retry", as_json=as_json)


@app.command("prune")
def prune(
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", min=0, help="Only what finished so many days ago.")
    ] = 30.0,
    batch: BatchOption = None,
    jobs: TableOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget finished jobs; their results stay where they are."""
    with _table(jobs) as table:
        count = table.prune(older_than * DAY_S, batch=None if batch is None else _batch(batch))
    if as_json:
        print_json({"ok": True, "pruned": count})
    else:
        typer.echo(f"{count} finished job{'' if count == 1 else 's'} forgotten; results on disk stay")


app.command("schema")(schema)


@app.command("work")
def work(
    executor: Annotated[str, typer.Option("--executor", metavar="NAME", help="Where jobs run.")] = "local",
    executor_option: Annotated[
        list[str] | None, typer.Option("--executor-option", metavar="NAME=VALUE", help="Option of the executor.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", min=1, help="Jobs at a time.")] = None,
    batch: BatchOption = None,
    until_done: Annotated[bool, typer.Option("--until-done", help="End when nothing is left to do.")] = False,
    metrics: Annotated[
        str | None, typer.Option("--metrics", metavar="HOST:PORT", help="Serve metrics to Prometheus there.")
    ] = None,
    jobs: TableOption = None,
) -> None:
    """Work off the jobs of the table until interrupted; any number of machines may do so at once."""
    from speaksep_kernel import plugins
    from speaksep_kernel.jobs.dispatcher import Dispatcher
    from speaksep_kernel.jobs.monitor import metrics_at
    from speaksep_kernel.logs.begin import log_to

    log_to("worker", heard=True)
    stop = threading.Event()
    plugin = plugins.create("executor", executor, workers=workers, **option_values(executor_option or []))
    name = None if batch is None else _batch(batch)
    with _table(jobs) as table, first_asks(stop), metrics_at(metrics) as watch:
        dispatcher = Dispatcher(table, plugin, workers=workers, batch=name)
        dispatcher.run(stop=stop, watch=watch, until_done=until_done)


def line(job: Job) -> str:
    """A job in a line."""
    where = (job.key or "").partition("/")[2] or Path(job.output).name
    took = "" if not job.started_at else clock((job.finished_at or time.time()) - job.started_at)
    share = f"{job.fraction:.0%}" if 0 < job.fraction < 1 else ""
    words = (job.error or {}).get("error", "") if job.state == "failed" else job.message
    parts = (job.id, f"{job.state:<10}", job.notebook, where, share, took, words)
    return "  ".join(part for part in parts if part)


def _change(ids: list[str] | None, batch: str | None, jobs: str | None, done: str, verb: str, *, as_json: bool) -> None:
    if bool(ids) == (batch is not None):
        raise InputError("which jobs?", reason="no-jobs", hint="give ids, or --batch with a directory")
    with _table(jobs) as table:
        whole: dict[str, Callable[[str], int]] = {"cancel": table.cancel_batch, "retry": table.retry_batch}
        each: dict[str, Callable[[str], Job]] = {"cancel": table.cancel, "retry": table.retry}
        if batch is not None:
            count = whole[verb](_batch(batch))
        else:
            found = [table.get(one).id for one in ids or ()]
            count = len([each[verb](one) for one in found])
    if as_json:
        print_json({"ok": True, "jobs": count})
    else:
        typer.echo(f"{count} job{'' if count == 1 else 's'} {done}")


def _batch(word: str) -> str:
    """A batch's id, from that or from its directory."""
    from speaksep_kernel.jobs.batch.folder import read_batch

    return read_batch(Path(word)).id if Path(word).is_dir() else word


def _table(place: str | None) -> JobTable:
    from speaksep_kernel.jobs.queue import JobTable

    return JobTable.open(place, patience_s=5.0)
