"""``speaksep kernel``: the Jupyter kernel, and the server that has it ready."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import clock, print_json
from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_kernel.kernel.report import KernelReport

app = typer.Typer(no_args_is_help=True, help="The Jupyter kernel that starts at once.", rich_markup_mode=None)


@app.command("install", short_help="Let Jupyter find it.")
def install(
    user: Annotated[bool, typer.Option("--user", help="For you, in every environment.")] = False,
    prefix: Annotated[
        Path | None, typer.Option("--prefix", metavar="DIR", help="For an environment; this one if left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Install the kernelspec ``speaksep``, which starts the Python that runs this command."""
    if user and prefix:
        raise InputError("--user and --prefix name two places", reason="usage", hint="leave one of them out")
    from speaksep_kernel.kernel.install import install as install_spec

    place = install_spec(None if user else str(prefix or sys.prefix))
    if as_json:
        print_json({"ok": True, "kernelspec": str(place)})
    else:
        typer.echo(f"kernelspec speaksep is in {place}")


@app.command("status", short_help="What is installed, running and free.")
def status(as_json: JsonOption = False) -> None:
    """Say where the kernelspec is, which fork servers run for you, and who has the GPUs."""
    from speaksep_kernel.kernel.report import kernel_report

    report = kernel_report()
    if as_json:
        print_json(report.to_dict())
    else:
        typer.echo(describe(report))


@app.command("stop", short_help="End what keeps kernels ready.")
def stop(as_json: JsonOption = False) -> None:
    """End your fork servers; kernels that run go on. The next kernel starts plainly and brings a new server."""
    from speaksep_kernel.kernel.report import stop_servers

    ended = stop_servers()
    if as_json:
        print_json({"ok": True, "stopped": ended})
    else:
        typer.echo(f"stopped: {', '.join(map(str, ended))}" if ended else "no fork server runs")


def describe(report: KernelReport) -> str:
    """The report as text for a terminal."""
    lines = [f"kernelspec  {report.kernelspec or 'not installed — speaksep kernel install'}"]
    for server in report.servers:
        kernels = f"{len(server.kernels)} running" if server.kernels else "none running"
        lines.append(
            f"fork server {server.pid}, for {clock(server.up_s)}, {server.memory_bytes / 1e6:.0f} MB; "
            f"kernels: {kernels}, {server.forked} started"
        )
    lines += [] if report.servers else ["fork server none; the next kernel starts one"]
    lines += [f"fork server not ready: {problem}" for problem in report.problems]
    lines += [f"GPU         {line}" for line in report.gpus] or [f"GPU         {report.gpu_problem}"]
    lines += [f"waiting     {line}" for line in report.queue]
    return "\n".join(lines)
