"""Files of strangers, looked into by a process that may break."""

from __future__ import annotations

import os
import stat
import struct
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speaksep_kernel.errors import CapacityError, InputError, SpeakSepError
from speaksep_kernel.recording import inspection
from speaksep_kernel.recording.inspection import Bounds, inspect_file
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.recording.magic import HEAD_BYTES, check_head
from speaksep_kernel.testing.audio_files import FORMATS, encode, mutants

RATE_HZ = 16000
TONE = 0.3 * np.sin(np.arange(2 * RATE_HZ, dtype=np.float32) / 9)
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>" * 20


def saved(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(data)
    return path


def refusal(path: Path, **options: object) -> SpeakSepError:
    with pytest.raises((InputError, CapacityError)) as error:
        inspect_file(path, "talk.wav", **options)  # type: ignore[arg-type]
    assert error.value.hint
    assert str(path) not in str(error.value)
    return error.value


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_begins_as_one_and_is_what_it_says(tmp_path: Path, format: str) -> None:
    data = encode(np.stack([TONE, TONE], axis=1), RATE_HZ, format)
    check_head(data[:HEAD_BYTES], "talk")
    sound = inspect_file(saved(tmp_path, data), "talk")
    assert (sound.channels, sound.rate_hz % 8000) == (2, 0)
    assert sound.seconds == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(
    "head",
    [HTML, b"PK\x03\x04zip", b"\x1f\x8bgzip", b"\x7fELF", b"%PDF-1.7", b"RIFF\0\0\0\0AVI ", b"", b"\xff\xd8\xff"],
    ids=["html", "zip", "gzip", "program", "pdf", "avi", "nothing", "jpeg"],
)
def test_what_does_not_begin_like_a_recording_is_refused_at_once(head: bytes) -> None:
    with pytest.raises(InputError) as error:
        check_head(head[:HEAD_BYTES], "talk.wav")
    assert error.value.reason == "not-audio"


def header(*, rate_hz: int, channels: int, seconds: float) -> bytes:
    size = min(int(rate_hz * channels * seconds) * 2, 0xFFFFFF00)
    fmt = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * channels * 2, channels * 2, 16)
    return b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt \x10\0\0\0" + fmt + b"data" + struct.pack("<I", size)


def test_a_header_that_promises_ten_hours_is_not_believed(tmp_path: Path) -> None:
    data = header(rate_hz=RATE_HZ, channels=1, seconds=36_000) + bytes(1000)
    assert refusal(saved(tmp_path, data)).reason == "truncated"


def test_ten_hours_that_are_there_are_too_long(tmp_path: Path) -> None:
    path = tmp_path / "sent"
    with path.open("wb") as file:
        file.write(header(rate_hz=8000, channels=1, seconds=36_000))
        file.truncate(44 + 8000 * 2 * 36_000)  # a hole in the disk: nothing is written
    assert refusal(path, limits=Limits(max_seconds=6 * 3600.0)).reason == "too-long"


def test_a_small_file_that_becomes_a_huge_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.flac"
    with soundfile.SoundFile(path, "w", 48000, 8, format="FLAC", subtype="PCM_16") as file:
        for _ in range(20):
            file.write(np.zeros((48000, 8), np.int16))
    assert path.stat().st_size < 200_000
    error = refusal(path, bounds=Bounds(decoded_bytes=20_000_000))
    assert error.reason == "too-much-audio"
    assert "8 channels" in error.error


def test_a_look_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    data = 3600 * encode(np.tile(TONE, 5), RATE_HZ, "mp3", bit_rate=8000)  # ten hours, decoded to be counted
    started_s = time.monotonic()
    assert refusal(saved(tmp_path, data), bounds=Bounds(cpu_s=1)).reason == "too-costly"
    assert time.monotonic() - started_s < 60


def test_a_reader_that_is_killed_is_a_bad_file_and_not_a_fault_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\ncat >/dev/null\nkill -SEGV $$\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(inspection.sys, "executable", str(fake))
    assert refusal(saved(tmp_path, encode(TONE, RATE_HZ, "wav"))).reason == "damaged-audio"


def test_little_memory_is_a_limit_and_not_a_crash(tmp_path: Path) -> None:
    path = saved(tmp_path, encode(TONE, RATE_HZ, "m4a"))
    assert refusal(path, bounds=Bounds(memory_bytes=100_000_000)).reason in ("too-costly", "damaged-audio")


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "m4a"])
def test_broken_files_are_recordings_or_refusals(tmp_path: Path, format: str) -> None:
    count = int(os.environ.get("SPEAKSEP_MUTANTS", "3"))
    for data in mutants(encode(TONE, RATE_HZ, format), count, seed=8):
        with suppress(InputError, CapacityError):
            assert inspect_file(saved(tmp_path, data), "talk").seconds > 0
