"""What the browser may ask for is what the files hold."""

import numpy as np
import pytest

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording import Recording
from speaksep_widgets.lanes import Lanes

RATE_HZ = 16000
WAVE = np.sin(np.arange(5 * RATE_HZ, dtype=np.float32) / 7) * np.linspace(0, 0.8, 5 * RATE_HZ, dtype=np.float32)


@pytest.fixture
def lanes() -> Lanes:
    return Lanes(Recording.open((WAVE, RATE_HZ)))


def test_sound_is_the_samples_and_silence_behind_them(lanes: Lanes) -> None:
    sound = lanes.sound(["mixture", "mixture"], 4.5, 5.5)
    assert sound.shape == (2, RATE_HZ)
    assert np.abs(sound[0, : RATE_HZ // 2] / 32767 - WAVE[-RATE_HZ // 2 :]).max() < 1e-4
    assert not sound[:, RATE_HZ // 2 :].any()


@pytest.mark.parametrize("span_s", [(0, 5), (1, 1.5), (1, 1.01), (4.9, 6), (-1, 1)], ids=str)
def test_peaks_are_the_extremes_of_what_is_seen(lanes: Lanes, span_s: tuple[float, float]) -> None:
    view, done = lanes.peaks("mixture", *span_s, 100)
    seen = WAVE[max(0, round(span_s[0] * RATE_HZ)) : round(span_s[1] * RATE_HZ)]
    assert done == 1.0
    assert view[:, 1].max() / 32767 == pytest.approx(seen.max(), abs=2e-3)
    assert view[:, 0].min() / 32767 == pytest.approx(min(seen.min(), 0), abs=2e-3)


def test_a_tile_has_the_size_that_was_asked_for(lanes: Lanes) -> None:
    assert lanes.tile("mixture", 0, 8, columns=64, rows=32, scale="mel").shape == (32, 64)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda lanes: lanes.peaks("speaker_9", 0, 1, 10), "unknown-lane"),
        (lambda lanes: lanes.peaks("mixture", 1, 1, 10), "bad-span"),
        (lambda lanes: lanes.peaks("mixture", 0, float("nan"), 10), "bad-span"),
        (lambda lanes: lanes.peaks("mixture", 0, 1, 0), "bad-size"),
        (lambda lanes: lanes.peaks("mixture", 0, 1, 10**9), "bad-size"),
        (lambda lanes: lanes.tile("mixture", 0, 1, columns=8, rows=8, scale="bark"), "bad-scale"),
        (lambda lanes: lanes.sound(["mixture"], 0, 40), "too-long"),
        (lambda lanes: lanes.sound(["nobody"], 0, 1), "unknown-lane"),
        (lambda lanes: lanes.sound(["mixture"], 0, 1, 9.0), "bad-speed"),
    ],
    ids=["lane", "empty", "nan", "no-pixels", "too-many-pixels", "scale", "too-long", "sound-of-nobody", "speed"],
)
def test_what_cannot_be_shown_is_refused(lanes: Lanes, ask, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        ask(lanes)
    assert caught.value.reason == reason


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.25, 2.0])
def test_another_speed_keeps_the_pitch_and_the_sum(speed: float) -> None:
    times = np.arange(4 * RATE_HZ) / RATE_HZ
    tone = (0.5 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
    lanes = Lanes(Recording.open((tone, RATE_HZ)))
    heard = np.concatenate([lanes.sound(["mixture"], at, at + 1, speed)[0] for at in range(4)]) / 32767
    assert len(heard) == pytest.approx(len(tone) / speed, abs=4)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * RATE_HZ / len(heard) == pytest.approx(220, abs=2)
    assert heard.std() == pytest.approx(tone.std(), rel=0.05)
    assert np.abs(np.diff(heard)).max() < 1.2 * np.abs(np.diff(tone)).max()  # no click, also where pieces meet
