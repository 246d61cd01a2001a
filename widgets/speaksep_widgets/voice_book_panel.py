"""Who may be recognised: enrol, rename, forget, and name the speakers of a separation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import ipywidgets

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.pipeline import identify
from speaksep_kernel.results.values import Separation
from speaksep_kernel.voices.book import Books, Voice, book_paths, forget, read_book, rename
from speaksep_kernel.voices.enrolment import enroll
from speaksep_widgets.last_picture import LeavesPicture
from speaksep_widgets.work import Work

FILES = "files"


class VoiceBookPanel(LeavesPicture, ipywidgets.VBox):
    """What ``speaksep voices`` and ``speaksep identify`` do, as forms.

    Parameters
    ----------
    separation
        A call that gives the separation whose speakers are named, and from whose tracks can be enrolled; none if
        ``None``.
    book
        As for `speaksep_kernel.identify`.
    identified
        Told the separation with its names.

    Attributes
    ----------
    voices
        The voices of the books.
    name, source, paths, consent, note
        The form that enrols: from files, one path a line, or from a track.
    chosen, new_name
        The form that renames and forgets.
    work
        What runs or ran last.
    receipt
        Of the voice that was forgotten last.
    named
        Whether the speakers were looked up.

    Examples
    --------
    >>> panel = VoiceBookPanel(book="voices.json")  # doctest: +SKIP
    >>> panel.name.value, panel.paths.value, panel.consent.value = "Ada", "ada.wav", True  # doctest: +SKIP
    >>> panel.enroll().wait()  # doctest: +SKIP
    """

    def __init__(
        self,
        separation: Callable[[], Separation] | None = None,
        book: Books = None,
        identified: Callable[[Separation], object] | None = None,
    ) -> None:
        self._separation, self._book, self._identified = separation, book, identified
        self.voices: tuple[Voice, ...] = ()
        self.work: Work[Any] | None = None
        self.receipt = ""
        self.named = False
        wide: dict[str, Any] = {"style": {"description_width": "9em"}, "layout": {"width": "36em"}}
        self.table = ipywidgets.HTML()
        self.word = ipywidgets.HTML()
        self._space = ipywidgets.VBox()
        self.name = ipywidgets.Text(description="Name", **wide)
        self.source = ipywidgets.Dropdown(options=[("files", FILES)], description="From", **wide)
        self.paths = ipywidgets.Textarea(description="Files", placeholder="one path a line", rows=2, **wide)
        self.note = ipywidgets.Text(description="Note", placeholder="where the consent is filed", **wide)
        self.consent = ipywidgets.Checkbox(description="The person agreed to be recognised", indent=False)
        self.enroll_button = self._button("Enrol", "user-plus", self.enroll)
        self.chosen = ipywidgets.Dropdown(description="Voice", **wide)
        self.new_name = ipywidgets.Text(description="New name", **wide)
        self.rename_button = self._button("Rename", "pencil", self.rename)
        self.forget_button = self._button("Forget…", "user-times", self._ask)
        self.sure_button = self._button("Forget for good", "trash", self.forget)
        self.sure_button.button_style = "danger"
        self.identify_button = self._button("Name the speakers", "users", self.identify)
        self.identify_button.button_style = "primary"
        self.chosen.observe(lambda _: self._hide(), "value")
        enrol = [self.name, self.source, self.paths, self.note, self.consent, self.enroll_button]
        change = [self.chosen, self.new_name, ipywidgets.HBox([self.rename_button, self.forget_button])]
        self._change = ipywidgets.VBox(change)
        first = [self.identify_button] if separation is not None else []
        titles = [ipywidgets.HTML(f"<b>{title}</b>") for title in ("Enrol a voice", "Change a voice")]
        super().__init__(
            [*first, self._space, self.word, self.table, titles[0], *enrol, titles[1], self._change, self.sure_button]
        )
        self._hide()
        self._say(self.refresh)

    def refresh(self) -> None:
        """Read the books again.

        Raises
        ------
        InputError, StoreError
            A book cannot be read.
        """
        found = {path: read_book(path) for path in book_paths(self._book)}
        self.voices = tuple(voice for voices in found.values() for voice in voices)
        self.chosen.options = [("", ""), *((voice.name, voice.name) for voice in self.voices)]
        cells = [
            (voice.name, f"{len(voice.samples)}", f"{voice.seconds:.0f} s", voice.enrolled, voice.note, str(path))
            for path, voices in found.items()
            for voice in voices
        ]
        head = "".join(f'<th scope="col">{t}</th>' for t in ("Name", "Samples", "Speech", "Enrolled", "Note", "Book"))
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        self.table.value = (
            f"<table><caption>Voices</caption><tr>{head}</tr>{rows}</table>" if cells else "<p>Nobody is enrolled.</p>"
        )
        if self._separation is not None:
            tracks = self._separation().tracks
            self.source.options = [
                ("files", FILES),
                *((f"the track of {track.name or track.label.replace('_', ' ')}", track.label) for track in tracks),
            ]

    def enroll(self) -> Work[Voice]:
        """Add a voice, or samples to one that is there, as the button does."""
        call = partial(
            enroll,
            self.name.value.strip(),
            self._sources(),
            consent=self.consent.value,
            note=self.note.value.strip(),
            book=self._book,
        )
        return self._start(Work(call, "Enrolment", self._enrolled))

    def rename(self) -> None:
        """Give the chosen voice the new name."""
        rename(self._chosen(), self.new_name.value, self._book)
        self.new_name.value = ""
        self.refresh()

    def forget(self) -> None:
        """Delete the chosen voice and all that was made of it; the receipt is shown once."""
        receipt = forget(self._chosen(), self._book)
        self.receipt = receipt.receipt
        self.refresh()
        self._hide()
        self.word.value = _status(
            f"{receipt.name} is forgotten. Receipt {receipt.receipt} ({receipt.day}); keep it, the book holds no name."
        )

    def identify(self) -> Work[Separation]:
        """Name the speakers whose voices are known; nobody for want of better."""
        return self._start(Work(self._identify, "Naming the speakers", self._named))

    def _identify(self, hook: Any) -> Separation:
        assert self._separation is not None, "no separation"
        return identify(self._separation(), self._book, hook=hook)

    def _named(self, separation: Separation) -> None:
        self.named = True
        names = [track.name for track in separation.tracks if track.name]
        unknown = len(separation.tracks) - len(names)
        self.word.value = _status(f"{', '.join(names) or 'Nobody'} known by name; {unknown} not.")
        if self._identified is not None:
            self._identified(separation)

    def _enrolled(self, voice: Voice) -> None:
        self.refresh()
        self.consent.value = False  # of one person, not of the next
        self.word.value = _status(f"{voice.name}: {len(voice.samples)} samples, {voice.seconds:.0f} s of speech.")

    def _sources(self) -> list[Any]:
        if self.source.value == FILES:
            return [line.strip() for line in self.paths.value.splitlines() if line.strip()]
        assert self._separation is not None
        return [track.file for track in self._separation().tracks if track.label == self.source.value]

    def _chosen(self) -> str:
        if not self.chosen.value:
            raise InputError("no voice is chosen", reason="nothing-chosen", hint="choose one in the list")
        return str(self.chosen.value)

    def _ask(self) -> None:
        name = self._chosen()
        self.sure_button.description = f"Forget {name} for good"
        self.sure_button.layout.width = "auto"
        self.sure_button.layout.display = None

    def _hide(self) -> None:
        self.sure_button.layout.display = "none"

    def _start(self, work: Work[Any]) -> Work[Any]:
        self.work, self.word.value = work, ""
        self._space.children = (work,)
        return work.start()

    def _button(self, title: str, icon: str, act: Callable[[], Any]) -> ipywidgets.Button:
        button = ipywidgets.Button(description=title, icon=icon, layout={"width": "auto", "align_self": "flex-start"})
        button.on_click(lambda _: self._say(act))
        return button

    def _say(self, act: Callable[[], Any]) -> None:
        self.word.value = ""
        try:
            act()
        except SpeakSepError as error:
            self.word.value = _status(str(error))


def _status(words: str) -> str:
    return f'<span role="status">{escape(words)}</span>'
