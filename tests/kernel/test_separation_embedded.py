"""The shipped network: whole, honest about what it does on real voices."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from speaksep_kernel.errors import InputError, PluginError
from speaksep_kernel.separation import embedded
from speaksep_kernel.separation.embedded import EmbeddedSeparator
from speaksep_kernel.separation.network import SeparationNetwork, save_network
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


def test_weights_of_ones_own_are_used_and_named(tmp_path: Path) -> None:
    own = tmp_path / "speaksep.safetensors"
    torch.manual_seed(1)
    save_network(SeparationNetwork(width=8, hidden=8, blocks=1, mask_hidden=8), own)
    separator = EmbeddedSeparator(weights=own)
    assert separator.sha256 == hashlib.sha256(own.read_bytes()).hexdigest() != EmbeddedSeparator.sha256
    assert separator._network.size["width"] == 8


def test_weights_that_were_trained_on_are_read_again(tmp_path: Path) -> None:
    own = tmp_path / "speaksep.safetensors"
    for width in (8, 16):
        save_network(SeparationNetwork(width=width, hidden=8, blocks=1, mask_hidden=8), own)
        assert EmbeddedSeparator(weights=own)._network.size["width"] == width


@pytest.mark.parametrize("content", [b"", b"no weights"], ids=["empty", "text"])
def test_what_is_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "mine.safetensors"
    place.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.safetensors") as caught:
        EmbeddedSeparator(weights=place)
    assert caught.value.reason == "bad-weights"


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file") as caught:
        EmbeddedSeparator(weights=tmp_path / "mine.safetensors")
    assert caught.value.reason == "bad-weights"
