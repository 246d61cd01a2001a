"""What mp3 and AAC streams without a container say about themselves."""

from __future__ import annotations

from pathlib import Path
from typing import IO

_KBITS_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_KBITS_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_RATES_HZ = (44100, 48000, 32000, 0)
_RATE_DIVISORS = (4, 1, 2, 1)  # MPEG 2.5, reserved, 2, 1


def after_id3(file: IO[bytes], size: int) -> bytes:
    """The first ``size`` bytes of a file that are not an ID3v2 tag, which may stand before mp3, aac and flac alike."""
    head = file.read(10)
    while head[:3] == b"ID3" and len(head) == 10:
        file.seek(sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)), 1)
        head = file.read(10)
    return head + file.read(size - len(head))


def has_info_tag(path: Path) -> bool:
    """Whether an mp3 states its length, as encoders do in a tag within its first frame."""
    with path.open("rb") as file:
        head = after_id3(file, 2048)
    return any(tag in head for tag in (b"Xing", b"Info", b"VBRI"))


def packet_bytes(container: str, packet: bytes) -> int:
    """Length that an mp3 ("mp3") or ADTS ("aac") packet gives itself in its header; 0 if it does not (ISO 13818-3, -7).

    Examples
    --------
    >>> packet_bytes("mp3", bytes.fromhex("fffb9064"))  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz
    417
    """
    if container == "aac" and len(packet) > 6:
        return (packet[3] & 3) << 11 | packet[4] << 3 | packet[5] >> 5
    if container != "mp3" or len(packet) < 4 or packet[1] & 6 != 2:
        return 0
    version = packet[1] >> 3 & 3
    kbits = (_KBITS_MPEG1 if version == 3 else _KBITS_MPEG2)[packet[2] >> 4]
    rate_hz = _RATES_HZ[packet[2] >> 2 & 3] // _RATE_DIVISORS[version]
    return (144 if version == 3 else 72) * kbits * 1000 // rate_hz + (packet[2] >> 1 & 1) if rate_hz else 0
