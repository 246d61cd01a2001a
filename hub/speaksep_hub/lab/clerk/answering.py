"""Question by question, several at a time; a fault of one is an answer, too."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from speaksep_hub.lab.frames import packed, read_from
from speaksep_kernel.errors import CapacityError, InputError, SpeakSepError

THREADS = 8
CALLS = {
    "recording_data": "recordings",
    "recording_ask": "recordings",
    "page_data": "pages",
    "page_ask": "pages",
    "report": "pages",
    "jobs": "jobs",
    "submit": "jobs",
    "cancel": "jobs",
    "retry": "jobs",
    "choices": "choices",
    "voices": "voices",
    "forget": "voices",
    "status": "machine",
    "workbench": "workbench",
}
"""Which module of this folder answers: its function of that name, called with the root folder."""


def serve(root: Path, source: IO[bytes], target: IO[bytes]) -> None:
    """Answer until the source ends; whatever is under way then is given up.

    Parameters
    ----------
    root
        Folder that the Jupyter server serves.
    source, target
        Messages of `speaksep_hub.lab.frames`.
    """
    lock = threading.Lock()

    def answer(number: int, message: dict[str, Any]) -> None:
        content, buffers = _answered(root, message)
        with lock:
            target.write(packed(number, content, buffers))
            target.flush()

    pool = ThreadPoolExecutor(THREADS)
    pool.submit(import_module, f"speaksep_hub.lab.clerk.{CALLS['recording_data']}")  # nobody waits for it then
    while (message := read_from(source.read)) is not None:
        pool.submit(answer, *message)
    os._exit(0)  # nobody hears what is still being read


def _answered(root: Path, message: dict[str, Any]) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    try:
        found = _call(message["call"])(root, **message["fields"])
    except SpeakSepError as error:
        return {**error.to_dict(), "input": isinstance(error, InputError | CapacityError)}, ()
    except Exception as error:  # the page must hear of it
        words = f"{type(error).__name__}: {error}"
        return SpeakSepError(words, reason="internal", hint="a fault of ours; please report it").to_dict(), ()
    return found if isinstance(found, tuple) else (found, ())


def _call(name: str) -> Callable[..., Any]:
    module = import_module(f"speaksep_hub.lab.clerk.{CALLS[name]}")
    return partial(getattr(module, name))
