"""Praat TextGrids (the format is described in Praat's manual under "TextGrid file formats")."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover, Span
from speaksep_kernel.results.labels.text import bad_labels, read_text

# Praat reads quoted text, numbers and flags that stand free; all the rest of a line is for people.
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)|(?<!\S)<(\w+)>|![^\n]*')


class TextGrid:
    """One interval tier per speaker, named as the speaker is; in each turn stands the name, elsewhere nothing."""

    info = PluginInfo("textgrid", "1", "Praat TextGrid, one tier per speaker", "Apache-2.0")
    suffix, reads = ".TextGrid", (".textgrid",)

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        end = f"{handover.seconds:.9f}"
        names = handover.names or {0: "nobody"}  # Praat opens no TextGrid without tiers
        lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end}"]
        lines += ["tiers? <exists>", f"size = {len(names)}", "item []:"]
        for tier, (speaker, name) in enumerate(names.items(), 1):
            rows = list(_intervals(handover, speaker))
            lines += [f"    item [{tier}]:", '        class = "IntervalTier"', f"        name = {_quoted(name)}"]
            lines += ["        xmin = 0", f"        xmax = {end}", f"        intervals: size = {len(rows)}"]
            for number, (start_s, end_s, text) in enumerate(rows, 1):
                lines += [f"        intervals [{number}]:", f"            xmin = {start_s:.9f}"]
                lines += [f"            xmax = {end_s:.9f}", f"            text = {_quoted(text)}"]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def read(self, path: Path) -> tuple[Span, ...]:
        """See `ReadableFormat`. Every interval with text in it is speech of its tier; point tiers are passed over."""
        tokens = _Tokens(path)
        if tokens.text() != "ooTextFile" or tokens.text() != "TextGrid":
            raise bad_labels(path, "start", "no TextGrid", 'save it in Praat with "Save as text file..."')
        tokens.number(), tokens.number()
        if tokens.next() != "exists":
            return ()
        spans: list[Span] = []
        for _ in range(int(tokens.number())):
            kind, name = tokens.text(), tokens.text()
            tokens.number(), tokens.number()
            for _ in range(int(tokens.number())):
                if kind == "TextTier":
                    tokens.number(), tokens.text()
                    continue
                start_s, end_s, text = tokens.number(), tokens.number(), tokens.text()
                if text.strip():
                    spans.append((start_s, end_s, name))
        return tuple(spans)


class _Tokens:
    """What Praat would take from the text, one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: Iterator[re.Match[str]] = _TOKEN.finditer(read_text(path))
        self._line = ""

    def next(self) -> str | float:
        for match in self._found:
            self._line = match.string[match.start() : match.end()]
            text, number, flag = match.groups()
            if text is not None:
                return str(text).replace('""', '"')
            if number is not None:
                return float(number)
            if flag is not None:
                return str(flag)
        raise bad_labels(self._path, "end", self._line, "the TextGrid is cut off: copy it again")

    def text(self) -> str:
        token = self.next()
        if isinstance(token, str):
            return token
        raise bad_labels(self._path, "instead of quoted text", token, "the TextGrid is damaged: save it in Praat again")

    def number(self) -> float:
        token = self.next()
        if isinstance(token, float) and math.isfinite(token):
            return token
        raise bad_labels(self._path, "instead of a number", token, "the TextGrid is damaged: save it in Praat again")


def _intervals(handover: Handover, speaker: int) -> Iterator[Span]:
    """Turns and the silence between them, without gaps: Praat wants every moment in an interval."""
    at = 0.0
    for turn in handover.turns_of(speaker):
        if turn.start_s > at:
            yield at, turn.start_s, ""
        yield turn.start_s, turn.end_s, handover.names[speaker]
        at = turn.end_s
    if at < handover.seconds:
        yield at, handover.seconds, ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
