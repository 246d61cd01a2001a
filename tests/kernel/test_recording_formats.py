"""Every format, rate and kind of source: exact lengths, the same samples, constant pieces."""

from __future__ import annotations

import io
from pathlib import Path

import av
import fsspec
import numpy as np
import pytest
import soundfile
import soxr

from speaksep_kernel.recording import Limits, Recording
from speaksep_kernel.recording.resample import resampled_frames
from speaksep_kernel.testing import voice
from speaksep_kernel.testing.audio_files import FORMATS, encode

RATE_HZ = 48000
FRAMES = 2 * RATE_HZ + 17


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """(FRAMES, 2) of two people at 48 kHz."""
    pair = [soxr.resample(voice(name)[0], 16000, RATE_HZ)[:FRAMES] for name in ("allison", "carlo")]
    return np.stack(pair, axis=1)


EXACT = [format for format in FORMATS if format not in ("m4a", "mp4", "aac")]
"""AAC decodes to whole blocks of 1024, and a bare stream keeps its priming."""


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("format", FORMATS)
def test_what_is_promised_is_what_is_decoded(speech: np.ndarray, format: str, channels: int) -> None:
    recording = Recording.open(encode(speech[:, :channels], RATE_HZ, format))
    blocks = list(recording.blocks(0.3))
    assert {block.shape[1] for block in blocks} == {recording.channels} == {channels}
    assert {len(block) for block in blocks[:-1]} == {round(0.3 * RATE_HZ)}
    assert sum(map(len, blocks)) == recording.frames
    assert recording.rate_hz == RATE_HZ
    assert all(block.dtype == np.float32 for block in blocks)


@pytest.mark.parametrize("format", EXACT)
def test_the_length_is_the_encoded_length(speech: np.ndarray, format: str) -> None:
    assert Recording.open(encode(speech, RATE_HZ, format)).frames == FRAMES


@pytest.mark.parametrize("format", ["m4a", "mp4"])
def test_aac_in_mp4_starts_where_the_sound_does(speech: np.ndarray, format: str) -> None:
    recording = Recording.open(encode(speech, RATE_HZ, format))
    assert 0 <= recording.frames - FRAMES < 1024
    error = recording.read()[:FRAMES] - speech
    assert np.mean(error**2) < 0.02 * np.mean(speech**2)


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "aac"])
def test_the_samples_are_those_encoded(speech: np.ndarray, format: str) -> None:
    decoded = Recording.open(encode(speech, RATE_HZ, format)).read()[:FRAMES]
    assert np.mean((decoded - speech) ** 2) < 0.05 * np.mean(speech**2)


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "mp3"])
def test_the_length_is_what_soundfile_reads(speech: np.ndarray, format: str) -> None:
    data = encode(speech, RATE_HZ, format)
    assert Recording.open(data).frames == len(soundfile.read(io.BytesIO(data))[0])


@pytest.mark.parametrize("options", [{"write_xing": "0"}, {"write_xing": "0", "id3v2_version": "0"}, {}])
def test_mp3_with_and_without_info_tag(speech: np.ndarray, options: dict[str, str]) -> None:
    recording = Recording.open(encode(speech, RATE_HZ, "mp3", **options))
    assert 0 <= recording.frames - FRAMES < 3 * 1152
    assert len(recording.read()) == recording.frames


def test_mp3_with_an_old_tag_at_its_end(speech: np.ndarray) -> None:
    assert Recording.open(encode(speech, RATE_HZ, "mp3") + b"TAG" + bytes(125)).frames == FRAMES


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_the_sound_of_a_longer_video(speech: np.ndarray, container: str) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        video = output.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
        audio = output.add_stream("aac", rate=RATE_HZ, layout="mono")
        for _ in range(50):
            output.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(speech[:, :1].T), format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        output.mux(audio.encode(frame))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    assert 0 <= Recording.open(file.getvalue()).frames - FRAMES < 2048


@pytest.mark.parametrize(
    ("subtype", "bits"), [("PCM_U8", 8), ("PCM_16", 16), ("PCM_24", 24), ("FLOAT", None), ("ULAW", None)]
)
def test_bit_depth(speech: np.ndarray, subtype: str, bits: int | None) -> None:
    assert Recording.open(encode(speech, RATE_HZ, "wav", subtype=subtype)).bit_depth == bits


@pytest.mark.parametrize("format", FORMATS)
def test_a_part_is_that_part_of_the_whole(speech: np.ndarray, format: str) -> None:
    recording = Recording.open(encode(speech, RATE_HZ, format))
    part, whole = recording.read(0.5, 1.25), recording.read()
    np.testing.assert_allclose(part, whole[24000:60000], atol=2e-3)


@pytest.mark.parametrize("rate_hz", [4000, 8000, 11025, 16000, 22050, 44100, 96000, 7351])
@pytest.mark.parametrize("new_rate_hz", [8000, 16000, 44100])
def test_resampling_keeps_the_exact_length(rate_hz: int, new_rate_hz: int) -> None:
    noise = np.random.default_rng(0).standard_normal(rate_hz + 1).astype(np.float32) / 9
    recording = Recording.open((noise, rate_hz))
    total = sum(map(len, recording.blocks(0.137, rate_hz=new_rate_hz)))
    assert total == recording.frames_at(new_rate_hz) == resampled_frames(rate_hz + 1, rate_hz, new_rate_hz)
    assert abs(total - (rate_hz + 1) * new_rate_hz / rate_hz) <= 0.5


def test_streaming_resampling_is_resampling_at_once(speech: np.ndarray) -> None:
    recording = Recording.open((speech, RATE_HZ))
    streamed = np.concatenate(list(recording.blocks(0.05, rate_hz=16000)))
    once = soxr.resample(speech, RATE_HZ, 16000)
    np.testing.assert_allclose(streamed[: len(once)], once[: len(streamed)], atol=1e-4)


def test_every_kind_of_source_gives_the_same(tmp_path: Path, speech: np.ndarray) -> None:
    data = encode(speech, RATE_HZ, "flac")
    path = tmp_path / "call.flac"
    path.write_bytes(data)
    fsspec.filesystem("memory").pipe("/call.flac", data)
    sources = [path, str(path), data, io.BytesIO(data), path.open("rb"), "memory://call.flac", path.as_uri()]
    recordings = [Recording.open(source) for source in sources]
    sources[4].close()
    assert {recording.sha256 for recording in recordings} == {recordings[0].sha256}
    assert {recording.frames for recording in recordings} == {FRAMES}
    assert [recording.name for recording in recordings] == [
        "call.flac", "call.flac", "bytes", "file", "call.flac", "call.flac", "call.flac",
    ]  # fmt: skip


def test_the_copy_of_a_source_goes_with_the_recording(speech: np.ndarray) -> None:
    recording = Recording.open(encode(speech, RATE_HZ, "wav"))
    path = recording.path
    blocks = recording.blocks(0.5)
    next(blocks)
    del recording
    assert path is not None
    assert path.exists()
    del blocks
    assert not path.exists()


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.float64, np.float32])
def test_arrays_of_any_type_have_full_scale_at_one(dtype: type) -> None:
    full = {"i": np.iinfo, "u": np.iinfo}.get(np.dtype(dtype).kind, lambda _: None)(dtype)
    low, high = (full.min, full.max) if full else (-1.0, 1.0)
    recording = Recording.open((np.array([low, high] * 500, dtype=dtype), 8000))
    np.testing.assert_allclose(recording.read()[:2, 0], [-1, 1], atol=0.01)


def test_an_array_is_known_by_its_samples_and_rate(speech: np.ndarray) -> None:
    hashes = {Recording.open(source).sha256 for source in [(speech, 48000), (speech, 44100), (speech[:-1], 48000)]}
    assert len(hashes) == 3
    assert Recording.open((speech.copy(), 48000)).sha256 in hashes


def test_limits_can_be_raised() -> None:
    wide = (np.zeros((16000, 40), np.float32), 16000)
    assert Recording.open(wide, limits=Limits(max_channels=64)).channels == 40
