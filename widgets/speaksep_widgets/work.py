"""Long work beside the notebook: in a thread, with progress to see and a button to stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from html import escape
from typing import Any, Generic, TypeVar

import ipywidgets

from speaksep_kernel.errors import SpeakSepError
from speaksep_widgets.last_picture import LeavesPicture
from speaksep_widgets.pulse import Pulse

T = TypeVar("T")


class Cancelled(Exception):
    """Raised inside the work when somebody pressed the button."""


class Work(LeavesPicture, ipywidgets.VBox, Generic[T]):
    """A call that reports to a progress hook, run in a thread so that the notebook stays usable.

    Parameters
    ----------
    call
        ``call(hook=…)``, one of the verbs with its other arguments bound.
    title
        What to call it.
    done
        Told the result.

    Attributes
    ----------
    state
        "ready", "running", "done", "failed" or "cancelled".

    Examples
    --------
    >>> work = Work(lambda hook: hook("count", 1, 1) or 42, "Counting")
    >>> work.start().wait()
    42
    >>> work.state
    'done'
    """

    def __init__(self, call: Callable[..., T], title: str, done: Callable[[T], None] | None = None) -> None:
        self._call, self._done, self.title = call, done, title
        self.state = "ready"
        self._result: T | None = None
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._stage, self._since, self._shown = "", 0.0, 0.0
        self.bar = ipywidgets.FloatProgress(min=0, max=1, description="", layout={"width": "100%"})
        self.bar.tabbable = False
        self.cancel_button = ipywidgets.Button(description="Cancel", disabled=True)
        self.cancel_button.on_click(lambda _: self.cancel())
        self.word = ipywidgets.HTML()
        self.word.add_class("speaksep-word")
        self._pulse = Pulse()
        super().__init__([ipywidgets.HBox([self.bar, self.cancel_button]), self.word, self._pulse])

    def start(self) -> Work[T]:
        """Begin; at once if it is not running already."""
        if self._thread is not None and self._thread.is_alive():
            return self
        self._stop.clear()
        self.state, self._result, self._error = "running", None, None
        self.bar.value, self.bar.bar_style, self.cancel_button.disabled = 0.0, "", False
        self._say(f"{self.title}…")
        self._pulse.start()
        self._thread = threading.Thread(target=self._run, daemon=True, name=self.title)
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Stop at the next report of progress; nothing is left half-written."""
        self._stop.set()
        self._say(f"{self.title}: stopping…")

    def wait(self, timeout_s: float | None = None) -> T:
        """The result.

        Raises
        ------
        TimeoutError
            Not done yet.
        Cancelled
            It was cancelled.
        SpeakSepError
            Whatever the work raised.
        """
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                raise TimeoutError(f"{self.title} takes longer than {timeout_s} s")
        if self._error is not None:
            raise self._error
        assert self._result is not None, "not started"
        return self._result

    def _run(self) -> None:
        try:
            result = self._call(hook=self._hook)
        except Cancelled as error:
            self._end("cancelled", "warning", f"{self.title}: cancelled; nothing was left behind.", error)
        except SpeakSepError as error:
            self._end("failed", "danger", f"{self.title}: {error}", error)
        except Exception as error:
            self._end("failed", "danger", f"{self.title}: {type(error).__name__}: {error} (a fault of ours)", error)
        else:
            self._result = result
            self.bar.value = 1.0
            self._end("done", "success", f"{self.title}: done.", None)
            if self._done is not None:
                self._done(result)

    def _end(self, state: str, style: str, words: str, error: BaseException | None) -> None:
        self.state, self._error = state, error
        self._pulse.stop()
        self.bar.bar_style, self.cancel_button.disabled = style, True
        self._say(words)
        self._leave_picture()

    def _last_picture(self) -> str:
        return f"<p>{self.word.value}</p>"

    def _hook(self, stage: str, completed: float, total: float | None = None) -> None:
        if self._stop.is_set():
            raise Cancelled(self.title)
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since, self._shown = stage, now, 0.0
        if now - self._shown < 0.2 and completed != total:  # every message costs the page
            return
        self._shown = now
        self.bar.value = completed / total if total else 0.0
        left_s = (now - self._since) * (total - completed) / completed if total and completed else None
        self._say(f"{self.title}: {stage}" + (f", {left_s:.0f} s left" if left_s and left_s >= 1 else ""))

    def _say(self, words: str) -> None:
        self.word.value = f'<span role="status">{escape(words)}</span>'


def run(call: Callable[..., Any], title: str) -> Work[Any]:
    """Start a piece of work and give it to be shown."""
    return Work(call, title).start()
