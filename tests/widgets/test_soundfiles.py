"""Lanes past the kernel: what a server serves, and where in it the samples are."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speaksep_widgets.soundfiles import sound_files

WAVE = np.sin(np.arange(1000) / 9) * 0.5


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a Jupyter server serves, as its kernels see it."""
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    (tmp_path / "jpserver-4711.json").write_text(json.dumps({"root_dir": str(root), "base_url": "/user/ada/"}))
    return root


@pytest.mark.parametrize(
    ("subtype", "dtype", "scale"), [("PCM_16", "<i2", 32768), ("FLOAT", "<f4", 1)], ids=["s16", "f32"]
)
def test_the_bytes_at_the_offset_are_the_samples(served: Path, subtype: str, dtype: str, scale: float) -> None:
    path = served / "the tracks" / "a.wav"
    path.parent.mkdir()
    sf.write(path, WAVE, 16000, subtype=subtype)
    found = sound_files({"speaker_1": path})["speaker_1"]
    assert (found["url"], found["frames"]) == ("/user/ada/files/the%20tracks/a.wav", 1000)
    samples = np.frombuffer(path.read_bytes()[found["offset"] :], dtype, found["frames"]) / scale
    assert np.abs(samples - WAVE).max() < 1e-4


def test_24_bits_are_known_also_when_the_header_is_long(served: Path) -> None:
    sf.write(served / "a.wav", WAVE, 16000, subtype="PCM_24", format="WAVEX")
    found = sound_files({"mixture": served / "a.wav"})["mixture"]
    assert (found["coding"], found["frames"]) == ("s24", 1000)


def _stereo(root: Path) -> Path:
    sf.write(root / "s.wav", np.stack([WAVE, WAVE], axis=1), 16000)
    return root / "s.wav"


def _flac(root: Path) -> Path:
    sf.write(root / "a.flac", WAVE, 16000)
    return root / "a.flac"


def _elsewhere(root: Path) -> Path:
    sf.write(root.parent / "a.wav", WAVE, 16000)
    return root.parent / "a.wav"


def _hidden(root: Path) -> Path:
    (root / ".speaksep").mkdir()
    sf.write(root / ".speaksep" / "a.wav", WAVE, 16000)
    return root / ".speaksep" / "a.wav"


def _cut(root: Path) -> Path:
    (root / "a.wav").write_bytes(b"RIFF\x10\x00\x00\x00WAVEfmt ")
    return root / "a.wav"


@pytest.mark.parametrize("make", [_stereo, _flac, _elsewhere, _hidden, _cut], ids=lambda make: make.__name__[1:])
def test_what_the_browser_cannot_read_is_left_to_the_kernel(served: Path, make) -> None:
    assert sound_files({"mixture": make(served)}) == {}


def test_without_a_server_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    sf.write(tmp_path / "a.wav", WAVE, 16000)
    assert sound_files({"mixture": tmp_path / "a.wav"}) == {}
