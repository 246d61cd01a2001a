"""``speaksep batch``: a notebook for many recordings, or for every row of a table."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_kernel.cli.bar import progress
from speaksep_kernel.cli.interrupt import INTERRUPTED, first_asks
from speaksep_kernel.cli.options import Device, DeviceOption, JsonOption, QuietOption, option_values
from speaksep_kernel.cli.output import clock, print_json
from speaksep_kernel.errors import InputError, JobError

if TYPE_CHECKING:
    from speaksep_kernel.jobs.batch.cost import Cost
    from speaksep_kernel.jobs.batch.folder import Batch
    from speaksep_kernel.jobs.batch.results import Result
    from speaksep_kernel.jobs.protocol import JobExecutor

NAMED = 20
"""Failures, or broken rows, that are printed; the tables have all."""

TableOption = Annotated[
    str | None,
    typer.Option("--jobs", metavar="PATH|URL", help="Job table; SPEAKSEP_JOBS, or your own, if left out."),
]


class Interrupted(JobError):
    """Somebody stopped it, and it can be gone on with."""

    exit_code = INTERRUPTED


def batch(
    notebook: Annotated[
        str | None, typer.Argument(metavar="NOTEBOOK", help="Batch notebook, such as separate; --list shows all.")
    ] = None,
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="IN...", help="Recordings, folders of them, 'patterns*' or URLs.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Where everything goes, a folder per job.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="Instead of IN: parameters, a row per job (csv, parquet, jsonl)."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Parameter that all jobs have; repeatable."),
    ] = None,
    executor: Annotated[
        str, typer.Option("--executor", metavar="NAME", help="Where jobs run: local, dask, celery or a plugin.")
    ] = "local",
    executor_option: Annotated[
        list[str] | None, typer.Option("--executor-option", metavar="NAME=VALUE", help="Option of the executor.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=1, help="Jobs at a time; what the machine allows, if left out."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the batch in DIR; what failed is tried again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and predict the cost; nothing runs.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Run the others where some rows cannot run.")
    ] = False,
    tries: Annotated[int, typer.Option("--tries", metavar="N", min=1, help="How often a job may fail.")] = 3,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="SECONDS", min=1, help="Most seconds of a job.")
    ] = None,
    memory_limit: Annotated[
        float | None, typer.Option("--memory-limit", metavar="GB", min=0.1, help="Most memory of a job.")
    ] = None,
    priority: Annotated[int, typer.Option("--priority", metavar="N", help="Higher goes first.")] = 0,
    device: DeviceOption = Device.auto,
    summary: Annotated[
        bool, typer.Option("--summary/--no-summary", help="Execute the summary notebook and write a report at the end.")
    ] = True,
    jobs: TableOption = None,
    list_: Annotated[bool, typer.Option("--list", help="List the batch notebooks and their parameters.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a batch notebook on many recordings, or on every row of a table; go on after anything with --resume."""
    if list_:
        _list(as_json=as_json)
        return
    if output is None:
        raise InputError("where to? there is no --output", reason="no-output", hint="give a directory with -o DIR")

    from speaksep_kernel import plugins
    from speaksep_kernel.jobs.batch.folder import read_batch
    from speaksep_kernel.jobs.batch.prepare import BrokenRows, prepare

    options = option_values(executor_option or [])
    plugin: JobExecutor = plugins.create("executor", executor, workers=workers, **options)
    limits = {
        "max_attempts": tries,
        "time_limit_s": time_limit,
        "memory_limit_bytes": None if memory_limit is None else int(memory_limit * 1e9),
        "priority": priority,
        "device": "gpu" if device is Device.cuda else device.value,
    }
    if resume and not inputs and table is None:
        wanted = read_batch(output)
        _check_resumed(wanted, notebook)
    else:
        if notebook is None:
            raise InputError("which notebook?", reason="no-notebook", hint="speaksep batch --list shows them")
        try:
            with progress(quiet=quiet) as hook:
                wanted = prepare(
                    notebook,
                    output,
                    inputs=inputs or (),
                    table=table,
                    constants=option_values(parameter or []),
                    limits=limits,
                    keep_going=keep_going,
                    hook=hook,
                )
        except BrokenRows as broken:
            _name_rows(broken.rows)
            raise
    if dry_run:
        _predict(wanted, executor, workers or getattr(plugin, "workers", None) or 1, as_json=as_json)
        return
    done = _run(wanted, plugin, workers, jobs, again=resume, quiet=quiet)
    _tell(*done, summary=summary, as_json=as_json)


def _run(
    wanted: Batch, plugin: JobExecutor, workers: int | None, place: str | None, *, again: bool, quiet: bool
) -> tuple[Batch, list[Result]]:
    from speaksep_kernel.cli.batch_view import view
    from speaksep_kernel.jobs.backoff import Backoff
    from speaksep_kernel.jobs.batch.perform import perform, submit
    from speaksep_kernel.jobs.dispatcher import lease_s
    from speaksep_kernel.jobs.queue import JobTable

    stop = threading.Event()
    # The dispatcher waits for a table that is away, and shows it: the table itself must not hold up Ctrl-C. Somebody
    # waits for the end: jobs that fail come back soon.
    with JobTable.open(place, patience_s=2.0, backoff=Backoff(1.0, lease_s())) as table, first_asks(stop):
        batch = submit(wanted, table, again=again)
        with view(batch, quiet=quiet) as watch:
            results = perform(batch, table, plugin, workers=workers, stop=stop, watch=watch)
    left = [result for result in results if result.state in ("queued", "running", "cancelling")]
    if left:
        raise Interrupted(
            f"interrupted; {len(results) - len(left)} of {len(results)} jobs are done, nothing is lost",
            reason="interrupted",
            hint=f"go on with: speaksep batch --resume -o {batch.directory}",
        )
    return batch, results


def _tell(batch: Batch, results: list[Result], *, summary: bool, as_json: bool) -> None:
    from speaksep_kernel.jobs.batch.folder import RESULTS
    from speaksep_kernel.jobs.batch.perform import failed, summarize
    from speaksep_kernel.jobs.batch.report import write_report

    tables = [batch.directory / name for name in RESULTS]
    notebook = summarize(batch, tables[0]) if summary else None
    report = write_report(batch) if summary else None
    bad = failed(results)
    if as_json:
        print_json(
            {
                "ok": not bad,
                "batch": batch.id,
                "notebook": batch.notebook,
                "directory": str(batch.directory),
                "results": [str(table) for table in tables],
                "summary": None if notebook is None else str(notebook),
                "report": None if report is None else str(report),
                "failed": [result.name for result in bad],
                "jobs": [result.to_dict() for result in results],
            }
        )
    else:
        typer.echo(describe(batch, results, notebook, report))
    if bad:
        raise typer.Exit(1)


def describe(batch: Batch, results: list[Result], summary: Path | None, report: Path | None = None) -> str:
    """A finished batch as text for a terminal."""
    good = [result for result in results if result.state == "succeeded"]
    bad = [result for result in results if result.state != "succeeded"]
    cached = sum(result.cached for result in good)
    reused = f" ({cached} from earlier results)" if cached else ""
    several = "" if len(results) == 1 else "s"
    lines = [f"{len(results)} job{several} of {batch.notebook}: {len(good)} done{reused}, {len(bad)} failed"]
    for result in bad[:NAMED]:
        error = result.error or {}
        lines.append(f"  {result.name} {result.state}: {error.get('error') or 'by somebody'}")
        lines += [f"    as far as it came: {result.notebook}"] if result.notebook else []
    lines += [f"  and {len(bad) - NAMED} more"] if len(bad) > NAMED else []
    lines.append(f"a folder per job, results.csv and results.parquet are in {batch.directory}")
    lines += [f"summary: {summary}"] if summary else []
    lines += [f"report: {report}"] if report else []
    if any(result.state in ("failed", "cancelled") for result in bad):
        lines.append(f"try them again with: speaksep batch --resume -o {batch.directory}")
    return "\n".join(lines)


def _predict(batch: Batch, executor: str, workers: int, *, as_json: bool) -> None:
    import os

    from speaksep_kernel.jobs import notebooks
    from speaksep_kernel.jobs.batch.cost import predict

    verb = notebooks.get(batch.notebook).verb
    todo = [task for task in batch.tasks if task.error is None]
    cores = len(os.sched_getaffinity(0))
    cost = predict([task.seconds for task in todo], verb=verb, workers=workers, cores=cores)
    if as_json:
        tasks = [{"name": task.name, "seconds": task.seconds, **task.parameters} for task in todo]
        print_json({"ok": True, "dry_run": True, "notebook": batch.notebook, "cost": cost.to_dict(), "jobs": tasks})
        return
    typer.echo(predicted(batch, cost, executor, workers))


def predicted(batch: Batch, cost: Cost, executor: str, workers: int) -> str:
    """What a batch would do and take, as text for a terminal."""
    several = "" if cost.jobs == 1 else "s"
    sound = f", {clock(cost.sound_s)} of sound" if cost.sound_s else ""
    refused = [task for task in batch.tasks if task.error is not None]
    lines = [f"{cost.jobs} job{several} of {batch.notebook}{sound}, into {batch.directory}"]
    lines += [f"{len(refused)} cannot run and would count as failed"] if refused else []
    if cost.most_s:
        who = f"{workers} worker{'' if workers == 1 else 's'} ({executor})"
        lines.append(f"predicted: {clock(cost.least_s)} to {clock(cost.most_s)} with {who} on CPUs")
        lines += [f"  {cost.unknown} of unknown length are not counted"] if cost.unknown else []
    else:
        lines.append("predicted: nothing is known of what it takes")
    for task in [task for task in batch.tasks if task.error is None][:3]:
        length = "" if task.seconds is None else f"  {clock(task.seconds)}"
        shown = "  ".join(f"{name}={value}" for name, value in task.parameters.items())
        lines.append(f"  {task.name}{length}  {shown}")
    lines += [f"  … {cost.jobs - 3} more"] if cost.jobs > 3 else []
    return "\n".join([*lines, "nothing was run"])


def _check_resumed(batch: Batch, notebook: str | None) -> None:
    if notebook is not None and notebook != batch.notebook:
        raise InputError(
            f"the batch in {str(batch.directory)!r} is of {batch.notebook}, not {notebook}",
            reason="another-batch",
            hint="leave the notebook away, or give another directory",
        )


def _name_rows(rows: tuple[str, ...]) -> None:
    for row in rows[:NAMED]:
        print(f"  {row}", file=sys.stderr)
    if len(rows) > NAMED:
        print(f"  and {len(rows) - NAMED} more (--json has all)", file=sys.stderr)


def _list(*, as_json: bool) -> None:
    from speaksep_kernel.jobs import notebooks

    found = [notebooks.get(name) for name in notebooks.registered()]
    if as_json:
        print_json({"notebooks": [_described(each) for each in found]})
        return
    for each in found:
        typer.echo(f"{each.name}: {each.title}")
        for parameter in each.parameters.values():
            default = "required" if parameter.required else f"{parameter.default!r} unless given"
            typer.echo(f"  {parameter.name} ({parameter.type}, {default}): {parameter.help}")


def _described(notebook: Any) -> dict[str, Any]:
    parameters = [
        {"name": each.name, "type": each.type, "default": each.default, "required": each.required, "help": each.help}
        for each in notebook.parameters.values()
    ]
    return {"name": notebook.name, "title": notebook.title, "path": str(notebook.path), "parameters": parameters}
