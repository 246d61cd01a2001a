"""RTTM, the text form of turns (NIST Rich Transcription Time Marked, ten fields a line)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.overlaps import stretches
from speaksep_kernel.voices.turns import Turn


def rttm_text(turns: Iterable[Turn], uri: str, labels: Mapping[int, str] | None = None) -> str:
    """RTTM text of ``turns``.

    Parameters
    ----------
    turns
        The turns, in any order; written by start.
    uri
        Name of the recording; white space becomes ``_`` because RTTM separates fields by it.
    labels
        Name for each speaker number; ``speaker_N`` where missing.

    Examples
    --------
    >>> print(rttm_text([Turn(0.5, 2.0, 1)], "call"), end="")
    SPEAKER call 1 0.500 1.500 <NA> <NA> speaker_1 1.000 <NA>
    """
    names = labels or {}
    return "".join(
        f"SPEAKER {_word(uri)} 1 {turn.start_s:.3f} {turn.seconds:.3f} <NA> <NA> "
        f"{_word(names.get(turn.speaker, f'speaker_{turn.speaker}'))} {turn.confidence:.3f} <NA>\n"
        for turn in sorted(turns)
    )


def parse_rttm(text: str, uri: str | None = None) -> tuple[tuple[Turn, ...], dict[int, str]]:
    """Turns and speaker names out of RTTM text.

    Parameters
    ----------
    text
        The file's text; lines of other types than SPEAKER are passed over.
    uri
        Only this recording's lines; all of them if ``None``.

    Returns
    -------
    turns
        Sorted by start; speakers numbered by first appearance; ``overlapped`` worked out from the turns.
    labels
        Number -> name.

    Raises
    ------
    InputError
        Reason ``bad-rttm``, with the line's number.
    """
    rows: list[tuple[float, float, str, float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER" or (uri is not None and fields[1:2] != [uri]):
            continue
        try:
            start_s, seconds = float(fields[3]), float(fields[4])
            score = fields[8] if len(fields) > 8 else "<NA>"
            rows.append((start_s, start_s + seconds, fields[7], 1.0 if score == "<NA>" else float(score)))
        except (IndexError, ValueError) as cause:
            raise InputError(
                f"line {number} is no RTTM: {line[:80]!r}",
                reason="bad-rttm",
                hint="expected: SPEAKER uri 1 start seconds <NA> <NA> name <NA> <NA>",
            ) from cause
    rows.sort()
    numbers = {name: k for k, name in enumerate(dict.fromkeys(row[2] for row in rows), 1)}
    turns = [Turn(start_s, end_s, numbers[name], score) for start_s, end_s, name, score in rows]
    crowded = {turn for *_, active in stretches(turns) if len({each.speaker for each in active}) > 1 for turn in active}
    return tuple(replace(turn, overlapped=turn in crowded) for turn in turns), {k: name for name, k in numbers.items()}


def _word(text: str) -> str:
    return re.sub(r"\s+", "_", text.strip()) or "_"
