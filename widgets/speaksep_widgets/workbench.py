"""Everything about one recording on one page: see, hear, diagnose, plan, separate, correct, export."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.pipeline import diagnose, separate
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.values import Separation
from speaksep_widgets.plan_card import PlanCard
from speaksep_widgets.recording_view import RecordingView
from speaksep_widgets.speaker_tracks import SpeakerTracks
from speaksep_widgets.work import Work


class Workbench(ipywidgets.VBox):
    """The parts, put together: each appears when there is something for it to show.

    Parameters
    ----------
    source
        A recording, anything that opens as one, or a separation or its directory to go on with.
    directory
        Where the tracks go; beside nothing else, in a temporary place, if ``None``.

    Attributes
    ----------
    view
        `RecordingView`.
    diagnosis, plan, tracks
        `Diagnosis`, `PlanCard` and `SpeakerTracks` once there are any.
    work
        What runs or ran last.

    Examples
    --------
    >>> bench = Workbench("meeting.wav", "tracks")  # doctest: +SKIP
    >>> bench.diagnose(); bench.proceed(); bench  # doctest: +SKIP
    """

    def __init__(
        self,
        source: Source | Recording | Separation | str | os.PathLike[str],
        directory: str | os.PathLike[str] | None = None,
    ) -> None:
        self._said = source if isinstance(source, str | os.PathLike) else None
        self.directory = None if directory is None else Path(directory)
        self.diagnosis: Diagnosis | None = None
        self.plan: PlanCard | None = None
        self.tracks: SpeakerTracks | None = None
        self.work: Work[Any] | None = None
        self._space = {name: ipywidgets.VBox() for name in ("view", "work", "diagnosis", "plan", "tracks")}
        self._button = ipywidgets.Button(description="Diagnose", icon="search", button_style="primary")
        self._button.on_click(lambda _: self.diagnose())
        super().__init__([self._space["view"], self._button, *list(self._space.values())[1:]])
        opened = _opened(source)
        self.view = RecordingView(opened)
        self._space["view"].children = (self.view,)
        if isinstance(opened, Separation):
            self.recording: Recording | None = None
            self._show_separation(opened)
        else:
            self.recording = opened

    def diagnose(self) -> Work[Diagnosis]:
        """Find out what is in the recording; the plan follows."""
        assert self.recording is not None
        return self._start(Work(partial(diagnose, self.recording), "Diagnosis", self._show_diagnosis))

    def proceed(self, plan: Plan | None = None) -> Work[Separation]:
        """Separate as planned, or as the form says."""
        assert self.recording is not None
        plan = plan or (self.plan.plan if self.plan else None)
        return self._start(
            Work(partial(separate, self.recording, self.directory, plan=plan), "Separation", self._show_separation)
        )

    def code(self) -> str:
        """The Python that makes what is on the page, as text."""
        source = f"{str(self._said)!r}" if self._said is not None else "recording"
        lines = ["import speaksep_kernel as speaksep", ""]
        if self.recording is not None:
            if self.diagnosis is not None:
                lines.append(f"diagnosis = speaksep.diagnose({source})")
            if self.plan is not None:
                chosen = "".join(f", {name}={value!r}" for name, value in self.plan.choices.items())
                lines.append(f"plan = speaksep.plan(diagnosis{chosen})")
            if self.tracks is not None:
                place = repr(str(self.directory)) if self.directory else "None"
                lines.append(
                    f"separation = speaksep.separate({source}, {place}{', plan=plan' if self.plan is not None else ''})"
                )
        elif self.tracks is not None:
            lines.append(f"separation = speaksep.Separation.open({str(self.tracks.separation.directory)!r})")
        if self.tracks is not None:
            log = self.tracks.edit_log
            lines += [f"separation = speaksep.edit(separation, {edit!r})" for edit in log["edits"][: log["position"]]]
        return "\n".join(lines) + "\n"

    def _start(self, work: Work[Any]) -> Work[Any]:
        self.work = work
        self._button.disabled = True
        self._space["work"].children = (work,)
        return work.start()

    def _show_diagnosis(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        self.view.show_findings(diagnosis)
        self.plan = PlanCard(diagnosis, self.proceed)
        self._space["diagnosis"].children = (ipywidgets.HTML(diagnosis._repr_html_()),)
        self._space["plan"].children = (self.plan,)

    def _show_separation(self, separation: Separation) -> None:
        if self.diagnosis is None:
            self.diagnosis = separation.diagnosis
            self._space["diagnosis"].children = (ipywidgets.HTML(separation.diagnosis._repr_html_()),)
        self.view.show_findings(separation.diagnosis)
        self.tracks = SpeakerTracks(separation, self.recording)
        self._space["tracks"].children = (self.tracks,)
        self._button.disabled = True


def _opened(source: Any) -> Recording | Separation:
    if isinstance(source, Recording | Separation):
        return source
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        return Separation.open(Path(source))
    return Recording.open(source)
