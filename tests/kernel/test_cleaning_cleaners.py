"""Each cleaner takes out what it is for, leaves the voice, and refuses options that make no sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from speaksep_kernel import plugins
from speaksep_kernel.cli.clean import clean_choices, spelled_out
from speaksep_kernel.errors import InputError
from speaksep_kernel.separation.cleaners.declip import Declip
from speaksep_kernel.separation.cleaners.denoise import Denoise
from speaksep_kernel.separation.cleaners.highpass import Dc, Rumble
from speaksep_kernel.separation.cleaners.hum import Hum, hum_lines, notched
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.damage import clip, mains_hum, noise, to_16_bit

Float32 = np.ndarray
RATE_HZ = 16000


def level_db(samples: Float32) -> float:
    return 10 * float(np.log10(max(1e-20, np.mean(np.square(samples, dtype=np.float64)))))


def snr_db(samples: Float32, truth: Float32) -> float:
    return level_db(truth) - level_db(samples - truth)


@pytest.fixture(scope="module")
def speech() -> Float32:
    return conversation(12, 2, 0.1, seed=4, noise_dbfs=None).audio


@pytest.mark.parametrize(("cleaner", "hz"), [(Dc(), 0), (Rumble(), 25)], ids=["offset", "rumble"])
def test_what_is_below_the_voice_goes(cleaner: Any, hz: float, speech: Float32) -> None:
    low = (0.1 * np.cos(2 * np.pi * hz * np.arange(len(speech)) / RATE_HZ)).astype(np.float32)
    left = cleaner.clean(speech + low, RATE_HZ) - speech
    assert level_db(left[RATE_HZ:-RATE_HZ]) < level_db(speech) - 20
    assert level_db(cleaner.clean(low, RATE_HZ)) < level_db(low) - 40


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_is_found_where_it_is_and_goes(mains_hz: int, speech: Float32) -> None:
    wave = mains_hum(len(speech), RATE_HZ, mains_hz * 1.0006) * np.float32(10 ** ((level_db(speech) - 10) / 20))
    lines_hz = hum_lines(speech + wave, RATE_HZ, mains_hz)
    assert lines_hz[:2] == pytest.approx([mains_hz * 1.0006, 2 * mains_hz * 1.0006], abs=0.05)
    assert hum_lines(speech + wave, RATE_HZ, 110 - mains_hz)[:1] != [110 - mains_hz]
    inside = slice(2 * RATE_HZ, -2 * RATE_HZ)
    assert level_db(notched(wave, RATE_HZ, lines_hz)[inside]) < level_db(wave) - 10
    assert snr_db(Hum().clean(speech + wave, RATE_HZ)[inside], speech[inside]) > 15


def test_without_hum_not_a_sample_changes() -> None:
    # With room noise: one of the voices was itself recorded with a faint 60-Hz line, which is found in digital silence.
    audio = conversation(12, 2, 0.1, seed=4, noise_dbfs=-55).audio
    assert Hum().clean(audio, RATE_HZ).tobytes() == audio.tobytes()


@pytest.mark.parametrize("share", [0.005, 0.02])
@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_clipped_peaks_come_back(share: float, rate_hz: int) -> None:
    audio = conversation(5, 2, 0.1, seed=4, noise_dbfs=None, rate_hz=rate_hz).audio
    damaged = to_16_bit(clip(audio, share)[0])
    truth = audio * np.float32(0.9 / np.quantile(np.abs(audio), 1 - share))
    cleaner = Declip()
    cleaner.listen(damaged, rate_hz)
    assert cleaner.learned() == pytest.approx({"high": 0.9, "low": 0.9}, abs=1e-3)
    repaired = cleaner.clean(damaged, rate_hz)
    assert snr_db(repaired, truth) > snr_db(damaged, truth) + 5
    assert np.array_equal(repaired[np.abs(damaged) < 0.899], damaged[np.abs(damaged) < 0.899])


def test_what_was_not_clipped_is_left_alone(speech: Float32) -> None:
    cleaner = Declip()
    cleaner.listen(to_16_bit(speech), RATE_HZ)
    assert cleaner.learned() == {}
    assert cleaner.clean(speech, RATE_HZ).tobytes() == speech.tobytes()


def test_one_clipped_side_is_enough(speech: Float32) -> None:
    cut = np.minimum(speech, np.float32(np.abs(speech).max() / 4))
    cleaner = Declip()
    cleaner.listen(to_16_bit(cut), RATE_HZ)
    assert set(cleaner.learned()) == {"high"}


@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_noise_goes_and_the_voice_stays_in_time(rate_hz: int) -> None:
    audio = conversation(4, 1, 0.0, seed=4, noise_dbfs=None, rate_hz=rate_hz).audio[rate_hz : rate_hz * 3]
    hiss = noise(len(audio), rate_hz, "white", 1) * np.float32(10 ** ((level_db(audio) - 8) / 20))
    assert snr_db(Denoise().clean(audio + hiss, rate_hz), audio) > 8 + 2


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dc", {"below_hz": 0}),
        ("rumble", {"below_hz": 2000}),
        ("hum", {"mains_hz": 55}),
        ("denoise", {"limit_db": 0}),
        ("denoise", {"limit_db": "much"}),
    ],
)
def test_senseless_options_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        plugins.create("cleaner", name, **options)
    assert caught.value.reason == "bad-option"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--clean", "talk.wav"], ["--clean=advised", "talk.wav"]),
        (["talk.wav", "--clean"], ["talk.wav", "--clean=advised"]),
        (["--clean", "hum,denoise", "talk.wav"], ["--clean=hum,denoise", "talk.wav"]),
        (["--clean", "-o", "out"], ["--clean=advised", "-o", "out"]),
        (["--clean=hum", "talk"], ["--clean=hum", "talk"]),
        (["--no-clean", "talk"], ["--clean=", "talk"]),
    ],
    ids=["before-the-file", "last", "named", "before-an-option", "with-equals", "off"],
)
def test_clean_stands_alone_or_names_steps(words: list[str], expected: list[str]) -> None:
    assert spelled_out(words) == expected


def test_options_of_steps_on_the_command_line() -> None:
    chosen = clean_choices("hum,denoise", ["denoise.limit_db=12"])
    assert chosen == {"clean": ("hum", "denoise"), "cleaning_options": {"denoise": {"limit_db": "12"}}}
