"""The errors that decoders raise, in one place so that all formats speak alike."""

from __future__ import annotations

from speaksep_kernel.errors import InputError


def not_audio(name: str, why: str) -> InputError:
    """No decoder knows the file."""
    return InputError(
        f"{name}: is not audio that can be read ({why})",
        reason="not-audio",
        hint="give wav, flac, ogg, opus, mp3, m4a, aac, webm or mp4 (what counts is the content, not the name)",
    )


def no_audio(name: str) -> InputError:
    """A container without sound."""
    return InputError(f"{name}: has no audio stream", reason="no-audio", hint="give a file that holds sound")


def damaged(name: str, at_s: float, why: str) -> InputError:
    """Decoding fails half-way."""
    return InputError(
        f"{name}: damaged at {at_s:.2f} s ({why})",
        reason="damaged-audio",
        hint="copy it again, or keep what is left with: ffmpeg -err_detect ignore_err -i IN OUT.flac",
    )


def truncated(name: str, seconds: float, promised_s: float | None = None) -> InputError:
    """The file ends before its data does."""
    where = f" after {seconds:.2f} s" if seconds > 0 else ""
    promise = "" if promised_s is None else f" of the {promised_s:.2f} s its header promises"
    return InputError(
        f"{name}: the file is truncated{where}{promise}",
        reason="truncated",
        hint="copy or download it again, or keep what is left with: ffmpeg -i IN OUT.flac",
    )
