"""Whatever is wrong with an input: one line that says what, the value, and what to do; never a traceback or a hang."""

from __future__ import annotations

import io
import os
import resource
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from speaksep_kernel.errors import CapacityError, InputError, SpeakSepError, StoreError
from speaksep_kernel.recording import AnalysisCache, Limits, Recording
from speaksep_kernel.testing.audio_files import FORMATS, encode

RATE_HZ = 16000
TONE = 0.3 * np.sin(np.arange(3 * RATE_HZ, dtype=np.float32) / 9)


def refusal(source: Any, **options: Any) -> SpeakSepError:
    """The error of opening and reading a source, checked for the form all errors have."""
    with pytest.raises((InputError, CapacityError)) as caught:
        for _ in Recording.open(source, **options).blocks():
            pass
    error = caught.value
    assert error.exit_code == 2
    assert error.error
    assert error.hint
    assert "\n" not in str(error)
    return error


def test_a_missing_path(tmp_path: Path) -> None:
    error = refusal(tmp_path / "nowhere.wav")
    assert error.reason == "file-not-found"
    assert str(tmp_path / "nowhere.wav") in error.error


@pytest.mark.parametrize("path", ["a\0b.wav", "x" * 5000, "", "/dev/null/x.wav"], ids=["nul", "long", "empty", "below"])
def test_an_impossible_path(path: str) -> None:
    assert refusal(path).reason in ("file-not-found", "is-a-directory")


def test_a_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path).reason == "is-a-directory"


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert refusal(tmp_path / "pipe.wav").reason == "not-a-file"


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    assert refusal(tmp_path / "empty.wav").reason == "empty-file"


@contextmanager
def without_privileges() -> Iterator[None]:
    """As nobody, where the tests run as root: root may read everything."""
    user = os.geteuid()
    os.seteuid({0: 65534}.get(user, user))
    try:
        yield
    finally:
        os.seteuid(user)


def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.wav"
    path.write_bytes(encode(TONE, RATE_HZ, "wav"))
    path.chmod(0)
    with without_privileges():
        error = refusal(path)
    assert error.reason == "no-permission"


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/passwd\n"


@pytest.mark.parametrize(
    "content",
    [b"dear diary\n" * 50, PLAYLIST, b"RIFF", bytes(1000), b"\xff" * 999, b"ID3\x04\0\0\0\0\0\x0a", b"%PDF-1.7 x" * 9],
    ids=["text", "playlist", "four bytes", "zeros", "ones", "only an id3 tag", "pdf"],
)
def test_what_is_not_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.wav"
    path.write_bytes(content)
    assert refusal(path).reason == "not-audio"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("format", [format for format in FORMATS if format != "opus"])
def test_a_truncated_file(format: str, share: float) -> None:
    data = encode(np.stack([TONE, TONE[::-1]], axis=1), RATE_HZ, format)
    assert refusal(data[: int(share * len(data)) | 1]).reason in ("truncated", "not-audio")


@pytest.mark.parametrize("format", ["wav", "mp3", "flac", "m4a"])
def test_a_truncated_file_is_called_so(format: str) -> None:
    data = encode(TONE, RATE_HZ, format)
    assert refusal(data[: len(data) // 2]).reason == "truncated"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=["nan", "inf", "-inf"])
@pytest.mark.parametrize("where", [slice(None), slice(40000, 40001)], ids=["all", "one sample"])
def test_samples_that_are_not_numbers(value: float, where: slice) -> None:
    samples = TONE.copy()
    samples[where] = value
    error = refusal(encode(samples, RATE_HZ, "wav", subtype="FLOAT"))
    assert error.reason == "not-finite"
    assert f"{(where.start or 0) / RATE_HZ:.3f} s" in error.error


def test_integers_stored_as_floats() -> None:
    error = refusal((TONE * 32767, RATE_HZ))
    assert error.reason == "sample-out-of-range"


def test_loud_floats_are_fine() -> None:
    assert np.abs(Recording.open((TONE * 6, RATE_HZ)).read()).max() > 1.7


@pytest.mark.parametrize(("format", "frames"), [("wav", 0), ("wav", 1), ("flac", 1), ("ogg", 1)])
def test_no_sound_to_speak_of(format: str, frames: int) -> None:
    assert refusal(encode(TONE[:frames], RATE_HZ, format)).reason == "empty-audio"


def test_two_samples_are_a_recording() -> None:
    with AnalysisCache(Recording.open(encode(TONE[:2], RATE_HZ, "wav"))) as cache:
        assert len(cache.read()) == 2
        assert len(cache.rms_db) == 1


def test_sixty_four_channels() -> None:
    error = refusal(encode(np.zeros((RATE_HZ, 64), np.float32), RATE_HZ, "wav"))
    assert error.reason == "too-many-channels"
    assert "64" in error.error


def wav_header(seconds: float, rate_hz: int, channels: int = 1) -> bytes:
    """The 44 bytes of a 16-bit wav that says it is so long."""
    size = min(int(seconds * rate_hz) * channels * 2, 0xFFFFFF00)
    step = 2 * channels
    format = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * step, step, 16)
    return (
        b"RIFF"
        + struct.pack("<I", size + 36)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + format
        + b"data"
        + struct.pack("<I", size)
    )


def test_a_video_without_sound() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        video = output.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
        output.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
        output.mux(video.encode(None))
    assert refusal(file.getvalue()).reason == "no-audio"


def test_a_ten_hour_header_over_a_small_body() -> None:
    assert refusal(wav_header(36000, RATE_HZ) + bytes(5000)).reason == "truncated"


def test_a_flac_that_says_it_is_ten_hours_long() -> None:
    data = bytearray(encode(TONE, RATE_HZ, "flac"))
    data[21:26] = (int.from_bytes(data[21:26], "big") >> 36 << 36 | 36000 * RATE_HZ).to_bytes(5, "big")
    assert refusal(bytes(data)).reason == "truncated"


@pytest.mark.parametrize("rate_hz", [1, 3999, 500_000])
def test_odd_rates(rate_hz: int) -> None:
    assert refusal(wav_header(1, rate_hz) + bytes(2 * rate_hz)).reason == "rate-out-of-range"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_bytes=50_000), "too-many-bytes"),
        (Limits(max_seconds=2.9), "too-long"),
        (Limits(max_channels=1), "too-many-channels"),
        (Limits(max_rate_hz=8000), "rate-out-of-range"),
    ],
    ids=["bytes", "seconds", "channels", "rate"],
)
@pytest.mark.parametrize("wrap", [bytes, io.BytesIO], ids=["bytes", "file object"])
def test_limits(limits: Limits, reason: str, wrap: Callable[[bytes], Any]) -> None:
    data = encode(np.stack([TONE, TONE], axis=1), RATE_HZ, "wav")
    assert refusal(wrap(data), limits=limits).reason == reason


@pytest.mark.parametrize("format", FORMATS)
def test_too_long_in_every_format(format: str) -> None:
    assert refusal(encode(TONE, RATE_HZ, format), limits=Limits(max_seconds=1)).reason == "too-long"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ((np.zeros((4, 5, 6)), 16000), "bad-array"),
        ((np.array(["a", "b"]), 16000), "bad-array"),
        ((np.zeros(100, complex), 16000), "bad-array"),
        ((np.zeros(100), "16k"), "bad-rate"),
        ((np.zeros(100), 16000.5), "bad-rate"),
        ((np.zeros(100), float("nan")), "bad-rate"),
        ((np.zeros((2, 100)), 16000), "too-many-channels"),
        (42, "bad-source"),
        (None, "bad-source"),
        (io.StringIO("text"), "not-binary"),
        ("nowhere://bucket/x.wav", "unreadable"),
        ("memory://not/there.wav", "file-not-found"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_a_source(source: Any, reason: str) -> None:
    assert refusal(source).reason == reason


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "growing.wav"
    path.write_bytes(encode(TONE, RATE_HZ, "wav"))
    recording = Recording.open(path)
    path.write_bytes(encode(TONE[: RATE_HZ * 2], RATE_HZ, "wav"))
    with pytest.raises(InputError) as caught:
        recording.read()
    assert caught.value.reason == "file-changed"


def test_no_room_for_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on file size stands for a full disk: the write fails in the same way."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StoreError) as caught:
            Recording.open(encode(TONE, RATE_HZ, "wav"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.reason, caught.value.exit_code) == ("no-space", 2)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "gone.wav"
    path.write_bytes(encode(TONE, RATE_HZ, "wav"))
    recording = Recording.open(path)
    path.unlink()
    with pytest.raises(InputError) as caught:
        recording.sha256  # noqa: B018
    assert caught.value.reason == "file-not-found"
