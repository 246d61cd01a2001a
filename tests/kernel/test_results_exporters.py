from __future__ import annotations

import time

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.errors import StoreError
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.exporters import BUILT_IN
from speaksep_kernel.testing import voice

SPEECH = np.rint(np.concatenate(voice("carlo"))[:40123] * 2**23).astype(np.int32)


def write(exporter, path, values, *, rate_hz=16000, bits=24):
    writer = exporter.open(path, rate_hz=rate_hz, bits=bits, samples=len(values))
    for start in range(0, len(values), 9999):
        writer.write(values[start : start + 9999])
    writer.close()


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 96000])
@pytest.mark.parametrize("name", ["flac", "wav"])
def test_lossless_formats_keep_every_bit_rate_and_length(tmp_path, name, rate_hz, bits):
    exporter, values = BUILT_IN[name](), SPEECH >> (24 - bits)
    path = tmp_path / f"a{exporter.suffix}"
    write(exporter, path, values, rate_hz=rate_hz, bits=bits)
    again, rate = sf.read(path, dtype="int32")
    assert rate == rate_hz
    assert np.array_equal(again >> (32 - bits), values)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("name", ["mp3", "ogg", "opus"])
def test_lossy_formats_keep_the_length(tmp_path, name, rate_hz):
    exporter = BUILT_IN[name]()
    path = tmp_path / f"a{exporter.suffix}"
    write(exporter, path, SPEECH, rate_hz=rate_hz)
    again, rate = sf.read(path)
    assert rate == exporter.file_rate_hz(rate_hz)
    assert len(again) == (2 * len(SPEECH) * rate + rate_hz) // (2 * rate_hz)


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus", "m4a"])
def test_lossy_formats_sound_alike(tmp_path, name):
    exporter = BUILT_IN[name]()
    path = tmp_path / f"a{exporter.suffix}"
    write(exporter, path, SPEECH)
    again = Recording.open(path).read()[: len(SPEECH), 0]
    assert np.corrcoef(again, SPEECH[: len(again)])[0, 1] > 0.9


def test_m4a_says_its_exact_length(tmp_path):
    import av

    write(BUILT_IN["m4a"](), tmp_path / "a.m4a", SPEECH)
    with av.open(str(tmp_path / "a.m4a")) as file:
        assert file.streams.audio[0].duration == len(SPEECH)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_equal_audio_gives_equal_bytes(tmp_path, name, monkeypatch):
    exporter = BUILT_IN[name]()
    first, second = tmp_path / f"a{exporter.suffix}", tmp_path / f"b{exporter.suffix}"
    write(exporter, first, SPEECH)
    time.sleep(0.01)
    write(exporter, second, SPEECH)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["ogg", "opus"])
def test_the_fixed_stream_number_has_a_valid_checksum(tmp_path, name):
    exporter = BUILT_IN[name]()
    path = tmp_path / f"a{exporter.suffix}"
    write(exporter, path, SPEECH)
    data = path.read_bytes()
    size = 27 + data[26] + sum(data[27 : 27 + data[26]])
    page = data[:22] + bytes(4) + data[26:size]
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x104C11DB7 if checksum >> 31 else 0)) & 0xFFFFFFFF
    assert int.from_bytes(data[22:26], "little") == checksum
    assert data[14:18] == b"SPKS"


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_an_unwritable_place_is_a_store_error(tmp_path, name):
    exporter = BUILT_IN[name]()
    with pytest.raises(StoreError, match="cannot write"):
        write(exporter, tmp_path / "missing" / f"a{exporter.suffix}", SPEECH)
