"""A sign of life for the page: work whose kernel dies would look as if it went on."""

from __future__ import annotations

import threading

import anywidget
import traitlets

from speaksep_widgets.esm import css, esm

EVERY_S = 2.0
"""Between two beats; the page misses them after `SILENT_MS` of ``pulse.js``."""


class Pulse(anywidget.AnyWidget):
    """Beats while something runs; where the beats stay out, the page says that the kernel is not heard of any more.

    A thread beats, so a kernel that runs a cell beside the work is not taken for a dead one.
    """

    _esm = esm("pulse", "keys")
    _css = css("theme")

    beat = traitlets.Int(0, read_only=True).tag(sync=True)
    running = traitlets.Bool(False, read_only=True).tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self._end = threading.Event()

    def start(self) -> None:
        """Begin to beat."""
        self._end = threading.Event()
        self.set_trait("running", True)
        threading.Thread(target=self._go_on, args=(self._end,), daemon=True, name="pulse").start()

    def stop(self) -> None:
        """No beat will be missed from now on."""
        self._end.set()
        self.set_trait("running", False)

    def _go_on(self, end: threading.Event) -> None:
        while not end.wait(EVERY_S):
            self.set_trait("beat", self.beat + 1)
