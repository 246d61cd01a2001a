"""What a notebook cell may say to SpeakSep: ``%diagnose``, ``%separate``, ``%speaksep`` and ``%%speaksep``.

In a kernel of ours they are there; elsewhere ``%load_ext speaksep_kernel.kernel.magics`` brings them.
"""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.kernel.meter import meter

if TYPE_CHECKING:
    from speaksep_kernel.diagnosis.report import Diagnosis
    from speaksep_kernel.kernel.status import KernelStatus
    from speaksep_kernel.results.values import Separation

Verb = Callable[..., Any]


def _people(verb: Verb) -> Verb:
    """The arguments that both verbs have."""
    for add in (
        argument("--known", action="append", default=[], metavar="NAME", help="somebody in the voice book; repeatable"),
        argument("--max-speakers", type=int, metavar="N", help="at most so many people speak"),
        argument("--min-speakers", type=int, metavar="N", help="at least so many people speak"),
        argument("--speakers", type=int, metavar="N", help="how many people speak, if you know it"),
        argument("source", help="a file, a URL, or the name of a variable"),
    ):
        verb = add(verb)
    return verb


@magics_class
class SpeakSepMagics(Magics):
    """The verbs, for people who would rather not write parentheses."""

    @line_magic
    @magic_arguments()
    @_people
    def diagnose(self, line: str) -> Diagnosis:
        """Say what is in a recording: ``found = %diagnose talk.wav``."""
        from speaksep_kernel import pipeline

        given = vars(_parsed(self.diagnose, line))
        with _plainly(), meter() as hook:
            return pipeline.diagnose(self._source(given.pop("source")), **_given(given), hook=hook)

    @line_magic
    @magic_arguments()
    @argument("-o", "--output", metavar="DIR", help="where the tracks go; a temporary folder if left out")
    @argument("--format", metavar="NAME", help="flac, wav, mp3, m4a, ogg or opus")
    @argument("--clean", action="store_const", const=True, help="clean the mixture first")
    @argument("--quality", choices=("fast", "balanced", "best"), help="more overlap: better seams, more time")
    @argument("--device", choices=("auto", "cpu", "cuda"), help="where networks run")
    @_people
    def separate(self, line: str) -> Separation:
        """One track per speaker: ``tracks = %separate talk.wav -o tracks``."""
        from speaksep_kernel import pipeline

        given = vars(_parsed(self.separate, line))
        with _plainly(), meter() as hook:
            return pipeline.separate(self._source(given.pop("source")), given.pop("output"), **_given(given), hook=hook)

    @line_cell_magic
    def speaksep(self, line: str, cell: str | None = None) -> KernelStatus | None:
        """``%speaksep`` is this kernel's status; ``%speaksep VERB …``, or a cell of such lines, what the program does.

        A cell is ``%%speaksep`` and below it lines such as ``separate talk.wav -o tracks --speakers 2``. The first one
        that fails ends it. Nothing is loaded again: the commands run in the kernel.
        """
        if cell is None and not line.strip():
            from speaksep_kernel.kernel.status import kernel_status

            return kernel_status()
        from typer.exceptions import TyperException

        from speaksep_kernel.cli.app import app

        for each in [line, *(cell or "").splitlines()]:
            try:
                words = shlex.split(each, comments=True)
                with _plainly():
                    code = app(words, prog_name="speaksep", standalone_mode=False) if words else 0
            except (TyperException, ValueError) as error:
                raise UsageError(f"{each.strip()}: {error}") from None
            if code:
                raise UsageError(f"{each.strip()}: ended with {code}")
        return None

    def _source(self, text: str) -> Any:
        """A variable of that name if there is one; else the text itself, a path or a URL."""
        assert self.shell is not None
        return self.shell.user_ns.get(text, text)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by ``%load_ext``."""
    shell.register_magics(SpeakSepMagics)


def _parsed(verb: Any, line: str) -> Namespace:
    """The line's arguments; unlike IPython's own way it takes quotes off, as a shell does."""
    try:
        parsed: Namespace = verb.parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"{line}: {error}") from None
    return parsed


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value not in (None, [])}


@contextmanager
def _plainly() -> Iterator[None]:
    """Bad input is one line, not a page of frames; a fault of ours keeps them."""
    try:
        yield
    except SpeakSepError as error:
        if error.exit_code != 2:
            raise
        raise UsageError(str(error)) from None
