"""The program itself: its verbs, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from speaksep_kernel.cli import (
    batch,
    diagnose,
    doctor,
    edit,
    export,
    identify,
    jobs,
    kernel,
    plugins,
    render,
    separate,
    store,
    verify,
    voices,
)
from speaksep_kernel.cli.brought import Verbs
from speaksep_kernel.cli.clean import CleanCommand
from speaksep_kernel.cli.interrupt import INTERRUPTED, watch_interrupts
from speaksep_kernel.cli.output import keep_stdout_for_results, report_error
from speaksep_kernel.errors import SpeakSepError

app = typer.Typer(
    name="speaksep",
    cls=Verbs,
    help="Separate recordings in which people talk over each other: one track per speaker, plus a residual.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich costs more than the help is worth
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("diagnose", short_help="Say what is in a recording.")(diagnose.diagnose)
app.command("separate", short_help="One track per speaker.", cls=CleanCommand)(separate.separate)
app.command("identify", short_help="Name the voices that a book knows.")(identify.identify)
app.add_typer(edit.app, name="edit", short_help="Correct the speakers by hand.")
app.command("export", short_help="Labels and packages for other tools.")(export.export)
app.command("render", short_help="Tracks again, without the network.")(render.render)
app.command("verify", short_help="Separate again, compare the bytes.")(verify.verify)
app.command("batch", short_help="A notebook on many recordings.")(batch.batch)
app.add_typer(jobs.app, name="jobs", short_help="Look at jobs, cancel, retry.")
app.add_typer(store.app, name="store", short_help="What lies in the store, and what may go.")
app.command("doctor", short_help="Check the installation.")(doctor.doctor)
app.add_typer(voices.app, name="voices", short_help="Enrol, list, rename, exchange and forget voices.")
app.add_typer(kernel.app, name="kernel", short_help="The Jupyter kernel that starts at once.")
app.add_typer(plugins.app, name="plugins", short_help="List, check and start plugins.")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"speaksep {version('speaksep')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Options of the program as a whole."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments
        What follows the program's name; those of the process by default.

    Returns
    -------
    The exit code: 0, 2 for bad input, 1 for a fault of ours, 130 when interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    if as_json and arguments is None:
        keep_stdout_for_results()
    try:
        with watch_interrupts():
            code: int = app(words, prog_name="speaksep", standalone_mode=False) or 0
        if code == INTERRUPTED:  # typer turns the exception into a code
            raise KeyboardInterrupt
        return code
    except SpeakSepError as error:
        report_error(error, as_json=as_json)
        return error.exit_code
    except TyperException as error:
        message = error.format_message().strip()
        report_error(SpeakSepError(message, reason="usage", hint="speaksep --help shows how"), as_json=as_json)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        report_error(SpeakSepError("interrupted; nothing was left behind", reason="interrupted"), as_json=as_json)
        if arguments is None:
            sys.stdout.flush()
            os._exit(INTERRUPTED)  # unloading the networks would take the rest of the second
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): say nothing, also not when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        report_error(
            SpeakSepError("out of memory", reason="out-of-memory", hint="close other programs, or cut the recording"),
            as_json=as_json,
        )
        return 1
    except Exception as error:
        if os.environ.get("SPEAKSEP_TRACEBACK"):
            raise
        report_error(
            SpeakSepError(
                f"{type(error).__name__}: {error}",
                reason="internal",
                hint="a fault of ours; please report it with what SPEAKSEP_TRACEBACK=1 shows",
            ),
            as_json=as_json,
        )
        return 1
