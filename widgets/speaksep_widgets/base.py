"""What all widgets share: the browser asks, Python answers, and a failure is an answer too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import anywidget

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_widgets.last_picture import LeavesPicture

Answer: TypeAlias = "tuple[dict[str, Any], Sequence[bytes | memoryview]]"

MOST_BYTES = 2 << 20
"""No answer is larger: what is larger belongs on HTTP or into several answers."""


class SpeakSepWidget(LeavesPicture, anywidget.AnyWidget):
    """A widget whose browser side asks for what it draws and plays.

    A message ``{"id": 7, "ask": "peaks", …}`` calls ``answer_peaks(…)`` with the other fields as keywords. It returns
    a JSON-ready mapping and buffers, which go back as ``{"id": 7, "ok": true, …}``; a `SpeakSepError` goes back as
    ``{"id": 7, "ok": false, "error": …, "reason": …, "hint": …}``, the error shape of every surface.
    """

    def __init__(self, **traits: Any) -> None:
        self._others: list[Callable[[dict[str, Any], Sequence[bytes | memoryview]], object]] = []
        super().__init__(**traits)
        self.on_msg(self._asked)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the browser, wherever the widget is shown."""
        super().send(content, buffers)
        for other in self._others:
            other(content, buffers or [])

    def also_send(self, other: Callable[[dict[str, Any], Sequence[bytes | memoryview]], object]) -> None:
        """Give every message to somebody else as well, who shows this widget outside of Jupyter."""
        self._others.append(other)

    def _asked(self, _: Any, content: Any, buffers: Any) -> None:
        if not isinstance(content, dict) or "ask" not in content:
            return
        call = {name: value for name, value in content.items() if name not in ("id", "ask")}
        try:
            found, out = self._answer(content["ask"], call | ({"buffers": buffers} if buffers else {}))
            size = sum(memoryview(buffer).nbytes for buffer in out)
            if size > MOST_BYTES:
                raise InputError(
                    f"{content['ask']} of {size} bytes in one message", reason="answer-too-large", hint="ask for less"
                )
        except SpeakSepError as error:
            self.send({"id": content.get("id"), **error.to_dict()})
        except Exception as error:  # the page must hear of it, and a traceback in a comm handler reaches nobody
            fault = SpeakSepError(
                f"{type(error).__name__}: {error}", reason="internal", hint="a fault of ours; please report it"
            )
            self.send({"id": content.get("id"), **fault.to_dict()})
        else:
            self.send({"id": content.get("id"), "ok": True, **found}, buffers=list(out))

    def _answer(self, ask: str, fields: dict[str, Any]) -> Answer:
        """The answer to a question."""
        answer = getattr(self, f"answer_{ask}", None)
        if answer is None:
            raise InputError(f"nobody answers {ask!r}", reason="unknown-ask")
        found: Answer = answer(**fields)
        return found
