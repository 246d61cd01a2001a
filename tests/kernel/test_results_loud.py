"""Recordings that reach beyond full scale."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel import export
from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.separate import separate_recording
from speaksep_kernel.testing import voice
from tests.kernel.separation_oracle import Halves, install


def separated(monkeypatch, tmp_path, audio, *, format, **how):
    install(monkeypatch, Halves)
    sf.write(tmp_path / "loud.wav", audio, 16000, **how)
    plan = Plan(separator="halves")
    return separate_recording(Recording.open(tmp_path / "loud.wav"), plan, directory=tmp_path / "out", format=format)


def beats(peak):
    """A tone that comes and goes; nobody speaks."""
    at = np.arange(48000) / 16000
    return (peak * np.sin(2 * np.pi * 3000 * at) * np.sin(2 * np.pi * 2 * at)).astype(np.float32)


@pytest.mark.parametrize("format", ["flac", "wav"])
def test_what_no_file_of_whole_numbers_holds_is_a_residual_of_floats(monkeypatch, tmp_path, format):
    audio = beats(1.7)
    result = separated(monkeypatch, tmp_path, audio, format=format, subtype="FLOAT")
    assert (result.tracks, result.residual.name) == ((), "residual.wav")
    assert np.abs(sf.read(result.residual, dtype="float32")[0] - audio).max() < 1e-6
    assert result.manifest.clipped_samples == 0


def test_full_scale_itself_needs_no_floats(monkeypatch, tmp_path):
    audio = beats(1.0)
    audio[100] = -1.0
    result = separated(monkeypatch, tmp_path, audio, format="flac", subtype="PCM_16")
    assert result.residual.name == "residual.flac"
    assert np.abs(sf.read(result.residual)[0] - sf.read(tmp_path / "loud.wav")[0]).max() <= 2**-15


@pytest.mark.parametrize("format", ["flac", "wav"])
def test_loud_speech_is_held_by_tracks_and_residual_together(monkeypatch, tmp_path, format):
    speech = np.concatenate(voice("june")[:2])
    result = separated(monkeypatch, tmp_path, 1.5 * speech / np.abs(speech).max(), format=format, subtype="FLOAT")
    files = [sf.read(file)[0] for file in [*(track.file for track in result.tracks), result.residual]]
    assert max(np.abs(file).max() for file in files) < 1
    assert np.abs(sum(files) - sf.read(tmp_path / "loud.wav")[0]).max() < 10 ** (-90 / 20)
    assert result.manifest.clipped_samples == 0


@pytest.mark.parametrize("to", ["flac", "wav"])
def test_beyond_full_scale_is_exported_softer_and_said(monkeypatch, tmp_path, to):
    audio = beats(1.7)
    result = separated(monkeypatch, tmp_path, audio, format="flac", subtype="FLOAT")
    with pytest.warns(UserWarning, match=r"reach 4\.[56] dB beyond full scale.* are written 4\.[56] dB softer"):
        files = export(result, [to, "csv"], tmp_path / "new")
    exported = sf.read(files[0])[0]
    np.testing.assert_allclose(exported * np.abs(audio).max(), audio, atol=1e-6)


def test_packages_and_labels_of_it_are_as_they_were(monkeypatch, tmp_path):
    audio = beats(1.7)
    result = separated(monkeypatch, tmp_path, audio, format="flac", subtype="FLOAT")
    [file, _] = export(result, ["multichannel", "csv"], tmp_path / "new")
    np.testing.assert_allclose(sf.read(file)[0], audio, atol=1e-6)
