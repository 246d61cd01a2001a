"""Whether a file begins like a recording: asked when its first bytes have come, long before the last."""

from __future__ import annotations

from speaksep_kernel.recording.probe import ffmpeg_container
from speaksep_kernel.recording.refusals import not_audio

HEAD_BYTES = 64
"""What is looked at."""

_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"


def check_head(head: bytes, name: str) -> None:
    """Refuse what does not begin like any format that is read, whatever its name says.

    Parameters
    ----------
    head
        The first `HEAD_BYTES` of the file, or all of it if it is shorter.

    Raises
    ------
    InputError
        Reason ``not-audio``.

    Examples
    --------
    >>> check_head(b"fLaC and so on", "talk.wav")
    """
    known = (
        head[:4] in (b"fLaC", b"OggS", b".snd")
        or head[:3] == b"ID3"
        or head[:7] == b"NIST_1A"
        or head[:16] == _W64
        or (head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE")
        or (head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"))
        or ffmpeg_container(head)
    )
    if not known:
        raise not_audio(name, f"it begins with {head[:16]!r}")
