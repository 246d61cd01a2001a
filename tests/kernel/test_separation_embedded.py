"""The shipped network: whole, honest about what it does on real voices."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from speaksep_kernel.errors import InputError, PluginError
from speaksep_kernel.separation import embedded
from speaksep_kernel.separation.embedded import EmbeddedSeparator
from speaksep_kernel.testing import conversation
from tests.kernel.separation_oracle import sisdr_db

RATE_HZ = 16000


@pytest.fixture(scope="module")
def separator() -> EmbeddedSeparator:
    return EmbeddedSeparator()


def test_weights_are_the_ones_described() -> None:
    content = embedded.WEIGHTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() == EmbeddedSeparator.sha256
    assert len(content) <= 20_000_000


def test_two_voices_come_apart(separator: EmbeddedSeparator) -> None:
    talk = conversation(6, 2, 1.0, 3, rate_hz=RATE_HZ)
    tracks = separator.separate(talk.audio[None].astype(np.float32), RATE_HZ)[0].tracks
    gains = [
        max(sisdr_db(track, reference) for track in tracks) - sisdr_db(talk.audio, reference)
        for reference in talk.references
    ]
    assert np.mean(gains) > 3


@pytest.mark.parametrize("gain", [0.001, 1.0], ids=["60 dB softer", "as it is"])
def test_level_is_no_matter(separator: EmbeddedSeparator, gain: float) -> None:
    audio = conversation(3, 2, 1.0, 4, rate_hz=RATE_HZ).audio.astype(np.float32)
    expected, got = (separator.separate((audio * g)[None], RATE_HZ)[0].tracks for g in (1.0, gain))
    assert np.abs(got / gain - expected).max() < 1e-3


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "speaksep.safetensors"
    broken.write_bytes(embedded.WEIGHTS.read_bytes()[:-100])
    monkeypatch.setattr(embedded, "WEIGHTS", broken)
    with pytest.raises(PluginError, match="weights") as caught:
        EmbeddedSeparator()
    assert caught.value.reason == "missing-weights"


def test_another_rate_is_refused(separator: EmbeddedSeparator) -> None:
    with pytest.raises(InputError, match="8000"):
        separator.separate(np.zeros((1, 800), np.float32), 8000)
