"""Saving a notebook in a browser."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Page

LONGEST_S = 60.0


def save(page: Page, path: Path, *words: str) -> str:
    """Save the notebook that is open until the file holds all of these words; its text.

    What a view leaves in the notebook follows what is done in it by a moment, so one save may come too early.
    """
    end_s = time.monotonic() + LONGEST_S
    while True:
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        text = path.read_text() if path.exists() else ""
        if all(word in text for word in words):
            return text
        assert time.monotonic() < end_s, text
