"""What cleaning helps and what it costs: ``python tests/bench/bench_cleaning.py [MIXTURES]``.

Without an argument everything is made of the package's own voices. MIXTURES is a folder of noisy mixtures of two people
with references: NAME.flac, NAME.ref1.flac, NAME.ref2.flac, at 16 kHz.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile as sf
from speechmos import dnsmos

from speaksep_kernel.plugins import create
from speaksep_kernel.separation.cleaners.hum import hum_lines, notched
from speaksep_kernel.separation.embedded import EmbeddedSeparator
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.damage import add_noise, clip, mains_hum, noise, to_16_bit
from speaksep_kernel.testing.voices import VOICES
from speaksep_kernel.training.measures import si_sdr_db

RATE_HZ = 16000
LIMITS_DB = (12.0, 24.0, 100.0)
Float32 = np.ndarray


def level_db(samples: Float32) -> float:
    return 10 * float(np.log10(max(1e-20, np.mean(np.square(samples, dtype=np.float64)))))


def snr_db(samples: Float32, truth: Float32) -> float:
    return level_db(truth) - level_db(samples - truth)


def own_mixtures() -> Iterator[tuple[Float32, Float32]]:
    """Two people who talk over each other half the time, and pink noise at 5 to 15 dB."""
    for seed, pair in enumerate(itertools.combinations(VOICES, 2)):
        talk = conversation(8, 2, 0.6, seed, voices=pair, noise_dbfs=None)
        wave = noise(len(talk.audio), RATE_HZ, "pink", seed)
        mixture = add_noise(talk.audio, np.ones(len(talk.audio), bool), 5 + 10 * seed / 9, wave)
        gain = np.float32(0.9 / np.abs(mixture).max())
        yield mixture * gain, talk.references * gain


def stored_mixtures(folder: Path) -> Iterator[tuple[Float32, Float32]]:
    for path in sorted(folder.glob("*.flac")):
        if ".ref" not in path.name:
            names = (path, path.with_suffix(".ref1.flac"), path.with_suffix(".ref2.flac"))
            mixture, *references = (sf.read(name, dtype="float32")[0] for name in names)
            yield mixture, np.stack(references)


def denoising(mixtures: Iterator[tuple[Float32, Float32]]) -> None:
    """SI-SDR of separated tracks and DNSMOS of mixture and tracks, as recorded and cleaned."""
    network = EmbeddedSeparator()
    ways = {"as recorded": None} | {
        f"limit {limit:g} dB": create("cleaner", "denoise", limit_db=limit) for limit in LIMITS_DB
    }
    rows: dict[str, list[list[float]]] = {way: [] for way in ways}
    for mixture, references in mixtures:
        for way, cleaner in ways.items():
            heard = mixture if cleaner is None else cleaner.clean(mixture, RATE_HZ)
            tracks = network.separate(heard[None], RATE_HZ)[0].tracks
            orders = itertools.permutations(range(len(tracks)), len(references))
            best = max(
                orders,
                key=lambda order: sum(si_sdr_db(tracks[k], one) for k, one in zip(order, references, strict=True)),
            )
            scores = [si_sdr_db(tracks[k], one) for k, one in zip(best, references, strict=True)]
            of_tracks = [quality(tracks[k]) for k in best]
            rows[way].append(
                [
                    float(np.mean([si_sdr_db(heard, one) for one in references])),
                    float(np.mean(scores)),
                    *quality(heard),
                    *np.mean(of_tracks, axis=0),
                ]
            )
    print(f"\ndenoise, {len(rows['as recorded'])} mixtures of two people and noise")
    print(f"{'':14} {'SI-SDR mix':>10} {'tracks':>7} | {'DNSMOS mix':>10} {'sig':>5} {'bak':>5} | tracks   sig   bak")
    for way, values in rows.items():
        mean = np.mean(values, axis=0)
        print(
            f"{way:14} {mean[0]:10.2f} {mean[1]:7.2f} | {mean[2]:10.2f} {mean[3]:5.2f} {mean[4]:5.2f} "
            f"| {mean[5]:6.2f} {mean[6]:5.2f} {mean[7]:5.2f}"
        )


def quality(samples: Float32) -> tuple[float, float, float]:
    """DNSMOS P.835: overall, signal, background."""
    found = dnsmos.run(np.clip(samples / max(1.0, float(np.abs(samples).max())), -1, 1), sr=RATE_HZ)
    return found["ovrl_mos"], found["sig_mos"], found["bak_mos"]


def hum() -> None:
    """Hum of known level under speech: what is left of it, and what of the voice went with it."""
    print("\nhum, dB beside the speech: added, left, voice lost (20 s, 16 kHz, mains at 50.03 Hz)")
    talk = conversation(20, 2, 0.2, seed=1)
    inside = slice(2 * RATE_HZ, -2 * RATE_HZ)
    for relative_db in (-10, -20, -30, -40):
        level = level_db(talk.audio) + relative_db
        wave = mains_hum(len(talk.audio), RATE_HZ, 50.03) * np.float32(10 ** (level / 20))
        lines = hum_lines(talk.audio + wave, RATE_HZ, 50)
        left = level_db(notched(wave, RATE_HZ, lines)[inside]) - level_db(talk.audio)
        lost = level_db(notched(talk.audio, RATE_HZ, lines) - talk.audio) - level_db(talk.audio)
        print(f"{relative_db:6d} {left:8.1f} {lost:8.1f}   lines {', '.join(f'{hz:.2f}' for hz in lines)} Hz")


def declipping() -> None:
    """SNR of clipped speech against what it was, before and after."""
    print("\ndeclip, SNR in dB: share of samples cut off, before, after, seconds per minute of audio")
    for rate_hz in (8000, 16000, 48000):
        for share in (0.001, 0.01, 0.05):
            talk = conversation(20, 2, 0.2, seed=2, rate_hz=rate_hz)
            damaged, exact = clip(talk.audio, share)
            truth = talk.audio * np.float32(0.9 / np.quantile(np.abs(talk.audio), 1 - share))
            damaged = to_16_bit(damaged)
            cleaner = create("cleaner", "declip")
            cleaner.listen(damaged, rate_hz)
            start = time.process_time()
            cleaned = cleaner.clean(damaged, rate_hz)
            spent = (time.process_time() - start) * 3
            print(
                f"{rate_hz:6d} Hz {exact:8.3%} {snr_db(damaged, truth):8.1f} {snr_db(cleaned, truth):8.1f} {spent:8.2f}"
            )


def low_end() -> None:
    """Offset and rumble of known level, and what is left of them."""
    print("\ndc and rumble: left of what was added, voice lost, dB")
    talk = conversation(20, 2, 0.2, seed=3)
    moments = np.arange(len(talk.audio)) / RATE_HZ
    rumble = (0.1 * np.sin(2 * np.pi * 25 * moments)).astype(np.float32)
    for name, wave in (("dc", np.full(len(talk.audio), 0.1, np.float32)), ("rumble", rumble)):
        cleaner = create("cleaner", name)
        left = level_db(cleaner.clean(wave, RATE_HZ)) - level_db(wave)
        lost = level_db(cleaner.clean(talk.audio, RATE_HZ) - talk.audio) - level_db(talk.audio)
        print(f"{name:8} {left:8.1f} {lost:8.1f}")


if __name__ == "__main__":
    low_end()
    hum()
    declipping()
    denoising(stored_mixtures(Path(sys.argv[1])) if len(sys.argv) > 1 else own_mixtures())
