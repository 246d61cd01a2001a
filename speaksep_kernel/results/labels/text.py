"""Text files of people's own making: whatever encoding they chose, or a clear refusal."""

from __future__ import annotations

import codecs
from pathlib import Path

from speaksep_kernel.errors import InputError

LARGEST_BYTES = 64 << 20
"""A day of ten people talking is under 10 MB in the wordiest format."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_text(path: Path) -> str:
    """Text of a file: UTF-8, or UTF-16 with its mark (Praat writes both).

    Raises
    ------
    InputError
        Reasons ``file-not-found``, ``too-large`` and ``bad-encoding``.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:
        raise InputError(
            f"cannot read {str(path)!r}: {error.strerror}", reason="file-not-found", hint="check the path"
        ) from error
    if size > LARGEST_BYTES:
        raise InputError(
            f"{str(path)!r} has {size} bytes", reason="too-large", hint=f"label files have up to {LARGEST_BYTES}"
        )
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{str(path)!r} is not {encoding.upper()} text: byte {error.start} is 0x{data[error.start]:02x}",
            reason="bad-encoding",
            hint="save it again as UTF-8",
        ) from error


def bad_labels(path: Path, where: str, text: object, hint: str) -> InputError:
    """The error of a file that does not hold what its format promises."""
    return InputError(f"{path.name}, {where}: {str(text)[:80]!r}", reason="bad-labels", hint=hint)
