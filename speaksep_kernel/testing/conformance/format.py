"""What every format must do (`speaksep_kernel.results.handover.Format`)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from speaksep_kernel.results.handover import Handover
from speaksep_kernel.testing.conformance.check import Check, ensure, info_is_complete, unknown_options_are_refused
from speaksep_kernel.testing.conversation import conversation
from speaksep_kernel.testing.separated import known_separation

NAMES = {1: 'Zoë "Z" O\'Neil', 2: "李 <&> 雷"}
ROUNDING_S = 0.002
"""Formats count in milliseconds, or in finer steps."""


def _written(cls: type[Any], options: dict[str, Any], folder: Path, *, speakers: int = 2) -> tuple[Handover, Path]:
    talk = conversation(8, speakers=speakers, overlap=0.3, seed=2)
    handover = Handover.of(known_separation(talk, folder / "out", names=NAMES))
    path = folder / f"talk{cls.suffix}"
    cls(**options).write(handover, path)
    return handover, path


def one_file_is_written(cls: type[Any], **options: Any) -> None:
    """Under the name asked for, and nothing beside it; the suffix starts with a point."""
    ensure(cls.suffix.startswith("."), f"suffix {cls.suffix!r} does not start with a point")
    with tempfile.TemporaryDirectory() as folder:
        _, path = _written(cls, options, Path(folder))
        ensure(path.is_file() and path.stat().st_size > 0, f"{path.name} is not there, or empty")
        others = sorted(each.name for each in path.parent.iterdir() if each.name not in {"out", path.name})
        ensure(not others, f"it also wrote {', '.join(others)}")


def nobody_speaking_is_no_fault(cls: type[Any], **options: Any) -> None:
    """A recording in which nobody speaks can be written, too."""
    with tempfile.TemporaryDirectory() as folder:
        _, path = _written(cls, options, Path(folder), speakers=0)
        ensure(path.is_file(), "nothing was written")


def same_handover_same_bytes(cls: type[Any], **options: Any) -> None:
    """Two files of the same separation are the same bytes: no time of day, nothing random."""
    with tempfile.TemporaryDirectory() as folder:
        handover, path = _written(cls, options, Path(folder))
        again = path.with_name(f"again{cls.suffix}")
        cls(**options).write(handover, again)
        ensure(path.read_bytes() == again.read_bytes(), "two files of the same separation differ")


def what_was_written_is_read_back(cls: type[Any], **options: Any) -> None:
    """A format that can be read gives the turns back, to 2 ms, and as many names."""
    if not hasattr(cls, "reads"):
        return
    with tempfile.TemporaryDirectory() as folder:
        handover, path = _written(cls, options, Path(folder))
        ensure(path.suffix.lower() in cls.reads, f"it writes {path.suffix} and reads {', '.join(cls.reads)}")
        spans = sorted(cls(**options).read(path))
    turns = handover.turns
    ensure(len(spans) == len(turns), f"{len(turns)} turns were written and {len(spans)} labels read")
    ensure(len({label for *_, label in spans}) == len(NAMES), f"labels became {sorted({s[2] for s in spans})}")
    for (start_s, end_s, _), turn in zip(spans, turns, strict=True):
        off_s = max(abs(start_s - turn.start_s), abs(end_s - turn.end_s))
        ensure(off_s <= ROUNDING_S, f"a turn at {turn.start_s:.3f} s came back {off_s * 1000:.1f} ms off")


CHECKS: tuple[Check, ...] = (
    info_is_complete,
    unknown_options_are_refused,
    one_file_is_written,
    nobody_speaking_is_no_fault,
    same_handover_same_bytes,
    what_was_written_is_read_back,
)
