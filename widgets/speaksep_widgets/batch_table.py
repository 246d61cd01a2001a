"""Many recordings, one after another, with what became of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias

import ipywidgets

from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.pipeline import diagnose, separate
from speaksep_kernel.recording import Recording
from speaksep_kernel.recording.suffixes import SUFFIXES
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.values import Separation
from speaksep_widgets.last_picture import LeavesPicture
from speaksep_widgets.work import Work

Verb: TypeAlias = Literal["diagnose", "separate"]
VERBS: tuple[Verb, ...] = ("diagnose", "separate")
HEAD = ("Recording", "State", "Length", "Speakers", "Remarks")


@dataclass(frozen=True)
class Row:
    """One recording of a batch.

    Attributes
    ----------
    source
        Its path.
    state
        "waiting", "running", "done", "kept" (done before) or "failed".
    seconds, speakers
        Length, and how many speak, once known.
    words
        Advice, or why it failed.
    """

    source: str
    state: str = "waiting"
    seconds: float | None = None
    speakers: int | None = None
    words: str = ""


class BatchTable(LeavesPicture, ipywidgets.VBox):
    """Diagnoses or separates recordings one by one; one that fails does not stop the others.

    Separations that are there already, of the same recording, are kept: a batch that was stopped goes on.

    Parameters
    ----------
    sources
        Paths, or a folder whose recordings are taken.
    directory
        Where the separations go, each into a directory named after its recording.
    verb
        "diagnose" or "separate".
    choices
        Keywords of `speaksep_kernel.plan` for every separation.

    Attributes
    ----------
    rows
        A `Row` each.
    results
        `Diagnosis` or `Separation` by path, as far as there are any.
    verb
        The field.
    work
        What runs or ran last.

    Raises
    ------
    InputError
        No recordings.

    Examples
    --------
    >>> batch = BatchTable("recordings", "tracks", speakers=2)  # doctest: +SKIP
    >>> batch.run().wait(); batch.to_dicts()  # doctest: +SKIP
    """

    def __init__(
        self,
        sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        directory: str | os.PathLike[str] = "tracks",
        *,
        verb: Verb = "separate",
        **choices: Any,
    ) -> None:
        self.directory = Path(directory)
        self._choices = choices
        self.rows = tuple(Row(str(path)) for path in _paths(sources))
        if not self.rows:
            raise InputError(
                f"no recordings in {str(sources)!r}",
                reason="no-recordings",
                hint="give paths, or a folder that has some",
            )
        self.results: dict[str, Diagnosis | Separation] = {}
        self.work: Work[Any] | None = None
        self.verb = ipywidgets.Dropdown(options=VERBS, value=verb, description="Do")
        self.button = ipywidgets.Button(description="Run", icon="play", button_style="primary")
        self.button.on_click(lambda _: self.run())
        self.table = ipywidgets.HTML()
        self._space = ipywidgets.VBox()
        super().__init__([ipywidgets.HBox([self.verb, self.button]), self._space, self.table])
        self._show()

    def run(self) -> Work[dict[str, Diagnosis | Separation]]:
        """Begin, as the button does; what is done already is not done again."""
        if self.work is not None and self.work.state == "running":
            return self.work
        self.work = Work(self._run, "Batch")
        self._space.children = (self.work,)
        return self.work.start()

    def to_dicts(self) -> list[dict[str, Any]]:
        """The table, for ``pandas.DataFrame``."""
        return [asdict(row) for row in self.rows]

    def _run(self, hook: Any) -> dict[str, Diagnosis | Separation]:
        verb: Verb = self.verb.value
        for number, row in enumerate(self.rows):
            name = Path(row.source).name
            here = self._reporting(hook, f"{name}, {number + 1} of {len(self.rows)}")
            here("open", 0, 1)  # where a cancelled batch stops between two
            self._put(number, replace(row, state="running", words=""))
            try:
                state, result = self._do(verb, number, here)
            except SpeakSepError as error:
                self._put(number, replace(row, state="failed", words=str(error)))
            except BaseException:  # cancelled, or a fault of ours that the work tells
                self._put(number, replace(row, state="waiting"))
                raise
            else:
                self.results[row.source] = result
                found = result.diagnosis if isinstance(result, Separation) else result
                speakers = len(result.tracks) if isinstance(result, Separation) else found.speakers
                advice = "; ".join(finding.why for finding in found.warnings)
                self._put(number, Row(row.source, state, found.recording.seconds, speakers, advice))
        return self.results

    def _do(self, verb: Verb, number: int, hook: Any) -> tuple[str, Diagnosis | Separation]:
        recording = Recording.open(self.rows[number].source)
        if verb == "diagnose":
            return "done", diagnose(recording, hook=hook)
        place = self.directory / self._names()[number]
        if (place / MANIFEST).is_file():
            before = Separation.open(place)
            if before.manifest.input.sha256 == recording.sha256:
                return "kept", before
        return "done", separate(recording, place, hook=hook, **self._choices)

    def _names(self) -> list[str]:
        """A directory for each, by the recording's name; with its ending where two would have the same."""
        stems = [Path(row.source).stem for row in self.rows]
        names = [
            Path(row.source).name if stems.count(stem) > 1 else stem for row, stem in zip(self.rows, stems, strict=True)
        ]
        return [f"{name}-{at}" if name in names[:at] else name for at, name in enumerate(names)]

    @staticmethod
    def _reporting(hook: Any, title: str) -> Callable[..., None]:
        return lambda stage, completed, total=None: hook(f"{title}: {stage}", completed, total)

    def _put(self, number: int, row: Row) -> None:
        self.rows = (*self.rows[:number], row, *self.rows[number + 1 :])
        self._show()

    def _last_picture(self) -> str:
        return str(self.table.value)

    def _show(self) -> None:
        head = "".join(f'<th scope="col">{title}</th>' for title in HEAD)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>" for row in self.rows)
        self.table.value = f"<table><caption>Recordings</caption><tr>{head}</tr>{body}</table>"
        self._leave_picture()


def _cells(row: Row) -> tuple[str, ...]:
    length = "" if row.seconds is None else f"{row.seconds // 60:.0f}:{row.seconds % 60:02.0f}"
    return Path(row.source).name, row.state, length, "" if row.speakers is None else str(row.speakers), row.words


def _paths(sources: Any) -> list[Path]:
    if isinstance(sources, str | os.PathLike):
        place = Path(sources)
        if not place.is_dir():
            return [place]
        return sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    return [Path(each) for each in sources]
