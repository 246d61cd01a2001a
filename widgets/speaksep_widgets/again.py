"""A span separated again beside the page: in a thread, seen, stopped, and nothing lost when it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from speaksep_kernel import plugins
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.pipeline import reseparate
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.values import Separation
from speaksep_widgets.base import Answer
from speaksep_widgets.work import Cancelled

EVERY_S = 0.2
"""Every message costs the page."""


class SeparatesAgain(traitlets.HasTraits):
    """What `SpeakerTracks` has for it.

    Attributes
    ----------
    separators
        Names of what may be chosen.
    separating
        ``{"start_s", "end_s", "stage", "done"}`` while a span is separated again; ``done`` is a share of the stage.
    """

    separators = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    separating = traitlets.Dict(read_only=True).tag(sync=True)
    _separation: Separation
    _source: Source | Recording | None
    _again: threading.Thread | None = None

    def reseparate(
        self,
        start_s: float | None = None,
        end_s: float | None = None,
        *,
        speakers: int | None = None,
        separator: str | None = None,
        separator_options: Mapping[str, Any] | None = None,
        quality: str | None = None,
    ) -> None:
        """Separate a span again, or what is selected, as `speaksep_kernel.reseparate` does; `wait` waits for it.

        Raises
        ------
        InputError
            Reasons ``busy`` and ``no-selection``; what else is wrong is said in ``word``.
        """
        self._refuse_while_separating()
        if start_s is None or end_s is None:
            selected = self._selected()
            if selected is None:
                raise InputError("nothing is selected", reason="no-selection", hint="give start_s and end_s")
            start_s, end_s = selected
        choices = {
            "speakers": speakers,
            "separator": separator,
            "separator_options": separator_options,
            "quality": quality,
        }
        stop = self._stop = threading.Event()
        span = {"start_s": start_s, "end_s": end_s}
        self.set_trait("separating", {**span, "stage": "start", "done": 0.0})
        self.set_trait("word", "Separating again…")
        arguments = (start_s, end_s, choices, self._hook(span, stop))
        self._again = threading.Thread(target=self._reseparate, args=arguments, daemon=True, name="separate again")
        self._again.start()

    def cancel(self) -> None:
        """Stop separating again at the next report of progress; everything stays as it was."""
        if self.separating:
            self._stop.set()
            self.set_trait("word", "Stopping…")

    def answer_reseparate(self, **choices: Any) -> Answer:
        """Separate again."""
        self.reseparate(**choices)
        return {}, []

    def answer_cancel(self) -> Answer:
        """Stop it."""
        self.cancel()
        return {}, []

    def _list_separators(self) -> None:
        found = plugins.available("speaksep.separators")
        names = [name for name, plugin in found.items() if isinstance(plugin, plugins.Loaded) and not plugin.missing]
        self.set_trait("separators", names)

    def _refuse_while_separating(self) -> None:
        if self.separating:
            raise InputError("a span is being separated again", reason="busy", hint="wait for it, or cancel it")

    def _hook(self, span: dict[str, float], stop: threading.Event) -> Callable[..., None]:
        shown = 0.0

        def hook(stage: str, completed: float, total: float | None = None) -> None:
            nonlocal shown
            if stop.is_set():
                raise Cancelled("separating again")
            now = time.monotonic()
            if now - shown >= EVERY_S:
                shown = now
                self.set_trait("separating", {**span, "stage": stage, "done": completed / total if total else 0.0})

        return hook

    def _reseparate(self, start_s: float, end_s: float, choices: dict[str, Any], hook: Callable[..., None]) -> None:
        try:
            self._rendered()
            separation = reseparate(self._separation, start_s, end_s, **choices, source=self._source, hook=hook)
        except Cancelled:
            self._separated_again(None, "Cancelled; everything is as it was.")
        except SpeakSepError as error:
            self._separated_again(None, f"Not separated again: {error}")
        except Exception as error:  # the page must hear of it, and a thread's traceback reaches nobody
            self._separated_again(None, f"Not separated again: {type(error).__name__}: {error} (a fault of ours)")
        else:
            self._separated_again(separation, "")
        finally:
            self.set_trait("separating", {})

    def _separated_again(self, separation: Separation | None, word: str) -> None:
        """Show what came of it."""
        raise NotImplementedError

    def _selected(self) -> Sequence[float] | None:
        """(start, end) of what is selected."""
        raise NotImplementedError

    def _rendered(self) -> None:
        """Wait for corrections that were made before."""
        raise NotImplementedError
