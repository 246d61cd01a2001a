"""Everything about one recording on one page: open, see, hear, diagnose, plan, separate, correct, name, export."""

from __future__ import annotations

import os
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.pipeline import diagnose, separate
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.values import Separation
from speaksep_kernel.voices.book import Books
from speaksep_widgets.code import python_of
from speaksep_widgets.export_panel import ExportPanel
from speaksep_widgets.file_browser import FileBrowser
from speaksep_widgets.last_picture import LeavesPicture
from speaksep_widgets.plan_card import PlanCard
from speaksep_widgets.recorder import Recorder
from speaksep_widgets.recording_view import RecordingView
from speaksep_widgets.speaker_tracks import SpeakerTracks
from speaksep_widgets.upload import Upload
from speaksep_widgets.voice_book_panel import VoiceBookPanel
from speaksep_widgets.work import Work

SPACES = ("source", "view", "button", "work", "diagnosis", "plan", "tracks", "after")


class Workbench(LeavesPicture, ipywidgets.VBox):
    """The parts, put together: each appears when there is something for it to show.

    Parameters
    ----------
    source
        A recording, anything that opens as one, or a separation or its directory to go on with; chosen, uploaded or
        recorded on the page if ``None``.
    directory
        Where the tracks go; a temporary place if ``None``.
    book
        The voice book that names speakers, as for `speaksep_kernel.identify`.

    Attributes
    ----------
    recording
        What is looked at; ``None`` for a separation.
    files, upload, recorder
        `FileBrowser`, `Upload` and `Recorder` where nothing was given to begin with.
    view
        `RecordingView`.
    diagnosis, plan, tracks
        `Diagnosis`, `PlanCard` and `SpeakerTracks` once there are any.
    voices, exports
        `VoiceBookPanel` and `ExportPanel` of the tracks.
    work
        What runs or ran last.

    Examples
    --------
    >>> bench = Workbench("meeting.wav", "tracks")  # doctest: +SKIP
    >>> bench.diagnose(); bench.proceed(); bench  # doctest: +SKIP
    """

    def __init__(
        self,
        source: Source | Recording | Separation | str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        book: Books = None,
    ) -> None:
        self.directory = None if directory is None else Path(directory)
        self.book = book
        self._button = ipywidgets.Button(description="Diagnose", icon="search", button_style="primary")
        self._button.on_click(lambda _: self.diagnose())
        self._space = {name: ipywidgets.VBox() for name in SPACES}
        for space in self._space.values():
            space.observe(self._part_came, "children")
        self.word = ipywidgets.HTML()
        self.files: FileBrowser | None = None
        self.upload: Upload | None = None
        self.recorder: Recorder | None = None
        self._said: str | os.PathLike[str] | None = None
        self.recording: Recording | None = None
        self.view: RecordingView | None = None
        self.diagnosis: Diagnosis | None = None
        self.plan: PlanCard | None = None
        self.tracks: SpeakerTracks | None = None
        self.voices: VoiceBookPanel | None = None
        self.exports: ExportPanel | None = None
        self.work: Work[Any] | None = None
        super().__init__([*self._space.values(), self.word])
        if source is not None:
            self.load(source)
            return
        self.files = FileBrowser(opened=self._load)
        self.upload = Upload(uploaded=self._load)
        self.recorder = Recorder(recorded=self._load)
        tabs = ipywidgets.Tab([self.files, self.upload, self.recorder], titles=["Files", "Upload", "Record"])
        self._space["source"].children = (tabs,)

    def load(self, source: Source | Recording | Separation | str | os.PathLike[str]) -> None:
        """Go on with this recording or separation instead; what was there before stays on the disk.

        Raises
        ------
        InputError, CapacityError
            It cannot be used; nothing changes on the page.
        """
        opened = _opened(source)
        view = RecordingView(opened)
        self._forget()
        self._said = source if isinstance(source, str | os.PathLike) else None
        self.view = view
        self._space["view"].children = (view,)
        if isinstance(opened, Separation):
            self._show_separation(opened)
        else:
            self.recording = opened
            self._button.disabled = False
            self._space["button"].children = (self._button,)

    def diagnose(self) -> Work[Diagnosis]:
        """Find out what is in the recording; the plan follows."""
        assert self.recording is not None, "no recording"
        return self._start(Work(partial(diagnose, self.recording), "Diagnosis", self._show_diagnosis))

    def proceed(self, plan: Plan | None = None) -> Work[Separation]:
        """Separate as planned, or as the form says."""
        assert self.recording is not None, "no recording"
        plan = plan or (self.plan.plan if self.plan else None)
        return self._start(
            Work(partial(separate, self.recording, self.directory, plan=plan), "Separation", self._show_separation)
        )

    def code(self) -> str:
        """The Python that makes what is on the page, as text."""
        return python_of(self, self._said)

    def _last_picture(self) -> str:
        shown = [part for space in self._space.values() for part in space.children]
        return "".join(
            part._last_picture() if isinstance(part, LeavesPicture) else str(part.value)
            for part in shown
            if isinstance(part, LeavesPicture | ipywidgets.HTML)
        )

    def _part_came(self, change: Any) -> None:
        for part in change["new"]:
            part._part_of = self
        self._leave_picture()

    def _forget(self) -> None:
        """As before anything was opened."""
        self._said = self.recording = self.view = self.diagnosis = None
        self.plan = self.tracks = self.voices = self.exports = self.work = None
        self.word.value = ""
        for name, space in self._space.items():
            if name != "source":
                space.children = ()

    def _load(self, source: str | os.PathLike[str]) -> None:
        """Load what was chosen on the page, where nobody would see an exception."""
        if self.work is not None and self.work.state == "running":
            self._say(f"{self.work.title} is running: cancel it, or wait.")
            return
        try:
            self.load(source)
        except SpeakSepError as error:
            self._say(str(error))

    def _say(self, words: str) -> None:
        self.word.value = f'<p role="alert"><b>{escape(words)}</b></p>'

    def _start(self, work: Work[Any]) -> Work[Any]:
        self.work = work
        self._space["work"].children = (work,)
        return work.start()

    def _show_diagnosis(self, diagnosis: Diagnosis) -> None:
        assert self.view is not None
        self.diagnosis = diagnosis
        self.view.show_findings(diagnosis)
        self.plan = PlanCard(diagnosis, self.proceed)
        self._space["diagnosis"].children = (ipywidgets.HTML(diagnosis._repr_html_()),)
        self._space["plan"].children = (self.plan,)

    def _show_separation(self, separation: Separation) -> None:
        assert self.view is not None
        if self.diagnosis is None:
            self._space["diagnosis"].children = (ipywidgets.HTML(separation.diagnosis._repr_html_()),)
        self.view.show_findings(separation.diagnosis)
        self.tracks = SpeakerTracks(separation, self.recording)
        self.voices = VoiceBookPanel(self._corrected, self.book, self.tracks.show)
        self.exports = ExportPanel(self._corrected)
        after = ipywidgets.Accordion([self.voices, self.exports], titles=["Names", "Export"])
        self._space["tracks"].children = (self.tracks,)
        self._space["after"].children = (after,)
        self._button.disabled = True

    def _corrected(self) -> Separation:
        """The separation once all corrections are rendered."""
        assert self.tracks is not None
        return self.tracks.wait()


def _opened(source: Any) -> Recording | Separation:
    if isinstance(source, Recording | Separation):
        return source
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        return Separation.open(Path(source))
    return Recording.open(source)
