"""Progress in the output of a cell."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.display import HTML, DisplayHandle, display

from speaksep_kernel.progress import ProgressHook

EVERY_S = 0.2
"""At most so often; a page need not be told more."""


@contextmanager
def meter() -> Iterator[ProgressHook]:
    """A hook that shows one bar below the cell while the block runs, and takes it away after it."""
    shown: DisplayHandle | None = None
    said = 0.0

    def hook(stage: str, completed: float, total: float | None = None) -> None:
        nonlocal shown, said
        if time.monotonic() - said < EVERY_S:
            return
        said = time.monotonic()
        bar = f'<progress max="{total}" value="{completed}"></progress>' if total else f"{completed:g}"
        picture = HTML(f'<label role="status">{html.escape(stage)} {bar}</label>')
        if shown is None:
            shown = display(picture, display_id=True)
        else:
            shown.update(picture)

    try:
        yield hook
    finally:
        if shown is not None:
            shown.update(HTML(""))
