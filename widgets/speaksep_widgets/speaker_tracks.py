"""One lane per speaker: heard together or apart, and corrected in place."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import traitlets

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.pipeline import edit as render_edits
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.assembly import STREAMS
from speaksep_kernel.results.directory import INTERNAL
from speaksep_kernel.results.edits import Edit, EditLog, edit_of
from speaksep_kernel.results.picture import COLOURS
from speaksep_kernel.results.rerender import edit_log, replayed
from speaksep_kernel.results.values import Separation
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.turns import Turn
from speaksep_widgets.again import SeparatesAgain
from speaksep_widgets.base import Answer
from speaksep_widgets.esm import css, esm
from speaksep_widgets.lanes import Lanes
from speaksep_widgets.last_picture import table_of_turns
from speaksep_widgets.recording_view import LaneWidget

PARTS = (
    "ask",
    "view",
    "waveform",
    "soundfiles",
    "transport",
    "keys",
    "sight",
    "keepup",
    "again",
    "corrections",
    "turns",
    "lane",
)


class SpeakerTracks(SeparatesAgain, LaneWidget):
    """The tracks of a separation, with everything that can be corrected.

    A correction shows at once; the tracks are rendered behind it, in the separation's own directory, and the sound
    follows when they are done. A span that is separated again shows when it is rendered; until then no other
    correction is taken.

    Parameters
    ----------
    separation
        The separation or its directory.
    source
        The recording it was made from; where it was then if ``None``.

    Attributes
    ----------
    speakers
        ``{"label", "number", "name", "colour", "seconds", "confidence"}`` each.
    turns
        ``[start_s, end_s, number, confidence]`` each.
    mixer
        ``{lane: {"gain", "solo", "mute"}}``; lanes are ``"mixture"``, ``"speaker_1"`` …, ``"residual"``.
    edit_log
        The corrections, as JSON: what ``edits.json`` holds.
    revision
        Counts renderings: the sound has changed.
    rendering
        Whether the tracks are being rendered.
    word
        What there is to say about the last correction.
    separators, separating
        What may separate a span again, and how far it is, see `SeparatesAgain`.

    Raises
    ------
    InputError
        Not a separation.
    """

    _esm = esm("speaker_tracks", *PARTS)
    _css = css("theme")

    speakers = traitlets.List(traitlets.Dict(), read_only=True).tag(sync=True)
    turns = traitlets.List(traitlets.List(), read_only=True).tag(sync=True)
    mixer = traitlets.Dict().tag(sync=True)
    edit_log = traitlets.Dict(read_only=True).tag(sync=True)
    gain = traitlets.Float(1.0).tag(sync=True)
    revision = traitlets.Int(0, read_only=True).tag(sync=True)
    rendering = traitlets.Bool(False, read_only=True).tag(sync=True)
    word = traitlets.Unicode("", read_only=True).tag(sync=True)

    def __init__(
        self,
        separation: Separation | str | os.PathLike[str],
        source: Source | Recording | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(**traits)
        self._separation = separation if isinstance(separation, Separation) else Separation.open(Path(separation))
        self._source = source
        self._lock = threading.Lock()
        self._wanted: EditLog | None = None
        self._thread: threading.Thread | None = None
        self._log = self._stored = edit_log(self._separation.directory)
        self._streams = Streams.load(self._separation.directory / INTERNAL / STREAMS)
        self._list_separators()
        self._show(self._separation)

    @property
    def separation(self) -> Separation:
        """The separation as it was rendered last."""
        return self._separation

    def apply(self, edit: Edit | Mapping[str, Any]) -> None:
        """Make a correction (`speaksep_kernel.results.edits`): shown at once, rendered behind.

        Raises
        ------
        InputError
            It makes no sense or does not fit; nothing was changed.
        """
        self._take(self._log.append(edit_of(edit)))

    def undo(self) -> None:
        """Take the last correction back.

        Raises
        ------
        InputError
            There is none.
        """
        self._take(self._log.undo())

    def redo(self) -> None:
        """Make the correction again that was taken back last.

        Raises
        ------
        InputError
            There is none.
        """
        self._take(self._log.redo())

    def wait(self, timeout_s: float | None = None) -> Separation:
        """Wait until the tracks are rendered as corrected.

        Raises
        ------
        TimeoutError
            They are not yet.
        """
        for thread in (self._again, self._thread):
            if thread is not None:
                thread.join(timeout_s)
                if thread.is_alive():
                    raise TimeoutError(f"still rendering after {timeout_s} s")
        return self._separation

    def show(self, separation: Separation) -> None:
        """Show the separation as it is now, after something else changed it, such as names from a voice book."""
        self._separation = separation
        self._show(separation)

    def solo(self, *lanes: str) -> None:
        """Hear only these lanes; all that are not muted without any."""
        self.mixer = {lane: {**self.mixer.get(lane, {}), "solo": lane in lanes} for lane in self.lanes}

    def answer_edit(self, *, edit: Mapping[str, Any]) -> Answer:
        """Make a correction."""
        self.apply(edit)
        return {"word": self.word}, []

    def answer_undo(self) -> Answer:
        """Take the last correction back."""
        self.undo()
        return {"word": self.word}, []

    def answer_redo(self) -> Answer:
        """Make it again."""
        self.redo()
        return {"word": self.word}, []

    def _take(self, log: EditLog) -> None:
        """Show what a log makes of the separation, and have it rendered."""
        self._refuse_while_separating()
        edited = replayed(self._separation.directory, log)
        self._log = log
        turns = edited.turns(self._streams)
        sure = {track.speaker: track.confidence for track in self._separation.tracks}
        seconds = dict.fromkeys(edited.speakers, 0.0)
        for turn in turns:
            seconds[turn.speaker] += turn.seconds
        with self.hold_sync():
            self._show_speakers([(n, edited.names.get(n), seconds[n], sure.get(n, 1.0)) for n in edited.speakers])
            self.set_trait("turns", _listed(turns))
        self.set_trait("edit_log", log.model_dump(mode="json"))
        self.set_trait("word", "Rendering…")
        with self._lock:
            self._wanted = log
            if self._thread is None:
                self.set_trait("rendering", True)
                self._thread = threading.Thread(target=self._render, daemon=True, name="render corrections")
                self._thread.start()

    def _render(self) -> None:
        """Render until nothing newer is wanted; only the latest log counts."""
        while True:
            with self._lock:
                log, self._wanted = self._wanted, None
                if log is None:
                    self._thread = None
                    self.set_trait("rendering", False)
                    return
            try:
                if edit_log(self._separation.directory) != self._stored:
                    raise InputError(
                        "somebody else corrected it meanwhile", reason="changed-meanwhile", hint="make the edit again"
                    )
                self._separation = render_edits(self._separation, log, source=self._source)
                self._stored = log
            except SpeakSepError as error:
                self._show_stored(f"Not corrected: {error}")
            except Exception as error:  # or no later correction would ever be rendered
                self._show_stored(f"Not corrected: {type(error).__name__}: {error} (a fault of ours)")
            else:
                if self._wanted is None:
                    self._show(self._separation)
                    self.set_trait("revision", self.revision + 1)
                    self.set_trait("word", "")

    def _selected(self) -> list[float] | None:
        chosen: list[float] | None = self.selection_s
        return chosen

    def _rendered(self) -> None:
        thread = self._thread
        if thread is not None:
            thread.join()

    def _separated_again(self, separation: Separation | None, word: str) -> None:
        if separation is None:
            self._show_stored(word)
        else:
            self._separation = separation
            self._log = self._stored = edit_log(separation.directory)
            self._show(separation)
            self.set_trait("word", word)
            self.set_trait("revision", self.revision + 1)

    def _show_stored(self, word: str) -> None:
        """Go back to what the directory holds: another page may have corrected it meanwhile."""
        self.set_trait("word", word)
        with self._lock:
            self._wanted = None
        try:
            self._log = self._stored = edit_log(self._separation.directory)
            self._separation = Separation.open(self._separation.directory)
        except SpeakSepError as error:
            self.set_trait("word", f"{word}. {error}")
        else:
            self._show(self._separation)
            self.set_trait("revision", self.revision + 1)

    def _show(self, separation: Separation) -> None:
        with self.hold_sync():
            self._show_lanes(Lanes(separation), separation.manifest.input.name)
            self._show_speakers(
                [(track.speaker, track.name, track.seconds, track.confidence) for track in separation.tracks]
            )
            self.set_trait("turns", _listed(separation.turns))
            self.set_trait("edit_log", self._log.model_dump(mode="json"))
        self._leave_picture()

    def _last_picture(self) -> str:
        named = {s["number"]: s["name"] or s["label"].replace("_", " ") for s in self.speakers}
        titles = {lane: lane for lane in self.lanes} | {s["label"]: named[s["number"]] for s in self.speakers}
        spans = {s["label"]: [(t[0], t[1]) for t in self.turns if t[2] == s["number"]] for s in self.speakers}
        lanes = self._picture(titles, {s["label"]: s["colour"] for s in self.speakers}, spans)
        return lanes + table_of_turns([(named[number], start, end, sure) for start, end, number, sure in self.turns])

    def _show_speakers(self, speakers: list[tuple[int, str | None, float, float]]) -> None:
        self.set_trait(
            "speakers",
            [
                {
                    "label": f"speaker_{number}",
                    "number": number,
                    "name": name,
                    "colour": COLOURS[(number - 1) % len(COLOURS)],
                    "seconds": seconds,
                    "confidence": sure,
                }
                for number, name, seconds, sure in speakers
            ],
        )


def _listed(turns: Iterable[Turn]) -> list[list[float]]:
    """Turns as the page takes them, to the millisecond as in RTTM: the same whether stored or just corrected."""
    return [[round(t.start_s, 3), round(t.end_s, 3), t.speaker, t.confidence] for t in turns]
