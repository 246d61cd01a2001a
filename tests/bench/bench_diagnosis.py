"""Error tables of the diagnosis against synthesised truth: ``python tests/bench/bench_diagnosis.py``.

With ``--voices`` who speaks when comes from the diarization, as in real use; otherwise from the truth. ``--only hum``
makes one table. Reverberation is judged with the five voices of `speaksep_kernel.testing`, or with the validation
speakers of ``--corpus FOLDER``; it was fitted on neither, and on other rooms.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import librosa
import numpy as np
import soxr

from speaksep_kernel.diagnosis import Diagnosis, diagnose_recording
from speaksep_kernel.diagnosis.bandwidth import Bandwidth
from speaksep_kernel.diagnosis.clipping import Clipping
from speaksep_kernel.diagnosis.codec import Codec
from speaksep_kernel.diagnosis.hum import Hum
from speaksep_kernel.diagnosis.noise import Noise
from speaksep_kernel.diagnosis.reverberation import Reverberation
from speaksep_kernel.diagnosis.run import installed, recording_facts
from speaksep_kernel.recording import AnalysisCache, Recording, choose_mixdown
from speaksep_kernel.testing import Conversation, conversation, voices
from speaksep_kernel.testing.audio_files import encode
from speaksep_kernel.testing.damage import add_noise, band_limit, clip, drop, mains_hum, noise, to_16_bit
from speaksep_kernel.testing.wideband import widened
from speaksep_kernel.voices.turns import Turn

SEEDS = range(5)
CODECS_WIDE = tuple(("mp3", kbps) for kbps in (32, 64, 96, 128, 160, 192)) + tuple(
    ("aac", kbps) for kbps in (32, 48, 64, 96, 128)
)
CODECS_NARROW = (("mp3", 24), ("mp3", 32), ("mp3", 64), ("aac", 24))
ROOMS = range(6000, 6040)


def diagnosis(
    audio: np.ndarray, rate_hz: int, turns: Any, *, listen: bool = False, diagnosers: Any = None
) -> Diagnosis:
    with AnalysisCache(Recording.open((audio, rate_hz))) as cache:
        heard: Any = SimpleNamespace(turns=turns, speakers=2, confidence=1.0, phantoms=0)
        if listen:
            from speaksep_kernel.voices.diarization import diarize

            heard = diarize(cache)
        return diagnose_recording(cache.recording, cache, heard, diagnosers=diagnosers)


def speaking(talk: Conversation) -> np.ndarray:
    mask = np.zeros(len(talk.audio), bool)
    for turn in talk.turns:
        mask[round(turn.start_s * talk.rate_hz) : round(turn.end_s * talk.rate_hz)] = True
    return mask


def row(label: str, truth: Iterable[float], found: Iterable[float], *, relative: bool) -> None:
    truth, found = np.array(list(truth), float), np.array(list(found), float)
    error = 100 * (found / truth - 1) if relative else found - truth
    unit = " %" if relative else ""
    worst = error[np.argmax(np.abs(error))]
    print(f"| {label} | {np.median(error):+.2f}{unit} | {np.median(np.abs(error)):.2f}{unit} | {worst:+.2f}{unit} |")


def head(title: str) -> None:
    print(f"\n### {title}\n\n| truth | median error | median absolute error | largest error |\n|---|---|---|---|")


def bench_snr(listen: bool) -> None:
    head("SNR, dB")
    for kind in ("white", "pink") if listen else ("white", "pink", "hum"):
        for snr_db in (0, 10, 20, 30) if listen else (0, 5, 10, 15, 20, 30, 40):
            found = []
            for seed in SEEDS:
                talk = conversation(20, 1 + seed % 3, 0.15, seed, noise_dbfs=None)
                wave = noise(len(talk.audio), talk.rate_hz, kind, seed)
                audio = add_noise(talk.audio, speaking(talk), snr_db, wave)
                found.append(
                    diagnosis(audio / 2, talk.rate_hz, talk.turns, listen=listen, diagnosers=[Noise]).value("snr")
                )
            missing = found.count(None)
            row(
                f"{kind} {snr_db} dB" + f" (not measurable: {missing})" * bool(missing),
                [snr_db] * (len(found) - missing),
                [f for f in found if f is not None],
                relative=False,
            )


def wide(seed: int, rate_hz: int) -> np.ndarray:
    """Speech with content up to half of any rate: played too fast."""
    return conversation(10 * rate_hz / 16000, 2, 0.15, seed, noise_dbfs=-70).audio


def bench_bandwidth() -> None:
    head("Bandwidth, Hz")
    filters: dict[str, Callable[[np.ndarray, int, float], np.ndarray]] = {
        "brick wall": lambda x, rate_hz, edge_hz: band_limit(x, rate_hz, edge_hz),
        "resampled": lambda x, rate_hz, edge_hz: soxr.resample(
            soxr.resample(x, rate_hz, 2 * edge_hz), 2 * edge_hz, rate_hz
        ),
        "Butterworth, order 12": lambda x, rate_hz, edge_hz: band_limit(x, rate_hz, edge_hz, 12),
        "Butterworth, order 8": lambda x, rate_hz, edge_hz: band_limit(x, rate_hz, edge_hz, 8),
    }
    for rate_hz, edges_hz in ((16000, (2500, 3400, 4000, 5500, 7000)), (44100, (3400, 4000, 8000, 12000, 16000))):
        for name, limit in filters.items():
            truth, found = [], []
            for edge_hz in edges_hz:
                for seed in SEEDS:
                    audio = to_16_bit(limit(wide(seed, rate_hz), rate_hz, edge_hz).astype(np.float32))
                    truth.append(edge_hz)
                    found.append(diagnosis(audio, rate_hz, (), diagnosers=[Bandwidth]).value("bandwidth"))
            row(f"{rate_hz / 1000:g} kHz, {name}", truth, found, relative=True)
        full = [
            diagnosis(to_16_bit(wide(seed, rate_hz)), rate_hz, (), diagnosers=[Bandwidth]).value("bandwidth")
            for seed in SEEDS
        ]
        row(f"{rate_hz / 1000:g} kHz, full band", [rate_hz / 2] * len(full), full, relative=True)


def bench_bass() -> None:
    import scipy.signal

    head("Lower edge of the band, Hz")
    for edge_hz in (200, 300, 400):
        for order, name in ((0, "brick wall"), (12, "Butterworth, order 12")):
            found = []
            for seed in SEEDS:
                audio = conversation(10, 1 + seed % 3, 0.15, seed).audio
                taps = scipy.signal.firwin(1001, edge_hz, fs=16000, pass_zero=False)
                sections = scipy.signal.butter(12, edge_hz, "high", fs=16000, output="sos")
                wall, gentle = scipy.signal.oaconvolve(audio, taps, "same"), scipy.signal.sosfilt(sections, audio)
                cut = to_16_bit((gentle if order else wall).astype(np.float32))
                found.append(diagnosis(cut, 16000, (), diagnosers=[Bandwidth]).value("bandwidth-low"))
            row(f"{edge_hz} Hz, {name}", [edge_hz] * len(found), found, relative=True)


def bench_clipping() -> None:
    head("Clipping, share of samples")
    for share in (1e-4, 1e-3, 0.01, 0.05, 0.2):
        truth, found = [], []
        for seed in SEEDS:
            audio, exact = clip(conversation(20, 2, 0.15, seed).audio, share)
            truth.append(exact)
            found.append(diagnosis(to_16_bit(audio), 16000, (), diagnosers=[Clipping]).value("clipping"))
        row(f"{100 * share:g} %", truth, found, relative=True)


def bench_loudness() -> None:
    import pyloudnorm

    head("Loudness, LU against pyloudnorm")
    for rate_hz in (8000, 16000, 44100, 48000):
        truth, found = [], []
        for seed in SEEDS:
            audio = conversation(20, 2, 0.1, seed, rate_hz=rate_hz).audio
            stereo = np.stack([audio, 0.5 * np.roll(audio, 5)], axis=1)
            truth.append(pyloudnorm.Meter(rate_hz).integrated_loudness(stereo.astype(np.float64)))
            found.append(diagnosis(stereo, rate_hz, ()).value("loudness"))
        row(f"stereo, {rate_hz / 1000:g} kHz", truth, found, relative=False)


def bench_dc() -> None:
    head("Offset, full scale at 1")
    for offset in (0.001, 0.01, 0.1, -0.05):
        talks = [conversation(10, 2, 0.1, seed).audio for seed in SEEDS]
        truth = [offset + float(np.mean(audio / 2, dtype=np.float64)) for audio in talks]
        found = [diagnosis(audio / 2 + np.float32(offset), 16000, ()).value("dc") for audio in talks]
        row(f"{offset:+g}", truth, found, relative=True)


def bench_dropouts() -> None:
    head("Dropouts, seconds lost (ten in 30 s)")
    for length_s in (0.01, 0.02, 0.06, 0.2):
        truth, found = [], []
        for seed in SEEDS:
            talk = conversation(30, 2, 0.2, seed)
            power = np.convolve(talk.audio**2, np.ones(800) / 800, "same")
            loud = power > 0.3 * power.mean()
            both_sides = np.flatnonzero(loud & np.roll(loud, -round(length_s * talk.rate_hz))) / talk.rate_hz
            at_s = [float(both_sides[k]) for k in np.linspace(0, len(both_sides) - 8000, 10).astype(int)]
            truth.append(length_s * 10)
            found.append(diagnosis(drop(talk.audio, talk.rate_hz, at_s, length_s), 16000, ()).value("dropouts"))
        row(f"{1000 * length_s:g} ms", truth, found, relative=True)


def bench_hum() -> None:
    head("Hum, dBFS; truth relative to speech; four harmonics")
    for mains_hz in (50, 60):
        for below_db in (20, 30, 40, 50):
            truth, found = [], []
            for seed in SEEDS:
                talk = conversation(20, 1 + seed % 3, 0.15, seed)
                speech_db = 10 * np.log10(np.mean(talk.audio[speaking(talk)] ** 2))
                # The mains are never exactly right.
                wave = mains_hum(len(talk.audio), 16000, mains_hz * (1 + 0.0008 * np.sin(seed)))
                hum = to_16_bit(add_noise(talk.audio, speaking(talk), below_db, wave))
                truth.append(speech_db - below_db)
                found.append(diagnosis(hum, 16000, (), diagnosers=[Hum]).value("hum"))
            heard = [k for k, value in enumerate(found) if value is not None]
            label = f"{mains_hz} Hz, {below_db} dB below, found in {len(heard)} of {len(found)}"
            row(label, [truth[k] for k in heard], [found[k] for k in heard], relative=False)
    clean = [
        diagnosis(to_16_bit(conversation(20, 3, 0.15, seed).audio), 16000, (), diagnosers=[Hum]).value("hum")
        for seed in range(20)
    ]
    print(f"\nFound in {len(clean) - clean.count(None)} of {len(clean)} conversations without hum.")


def bench_codec() -> None:
    """Speech through codecs and back into a lossless file: in how many is that heard?"""
    print("\n### Lossy coding, found in lossless files made from it (five conversations each)\n")
    print("| coded as | found in |\n|---|---|")
    kinds = {f"{kind} {kbps} kbit/s, 44.1 kHz": (kind, kbps, 44100) for kind, kbps in CODECS_WIDE}
    kinds |= {f"{kind} {kbps} kbit/s, 16 kHz": (kind, kbps, 16000) for kind, kbps in CODECS_NARROW}
    kinds |= {"Vorbis, as libsndfile has it, 44.1 kHz": ("ogg", 0, 44100), "Opus, likewise, 48 kHz": ("opus", 0, 48000)}
    for label, (kind, kbps, rate_hz) in kinds.items():
        print(f"| {label} | {sum(heard_coded(through(kind, kbps, rate_hz, seed), rate_hz) for seed in SEEDS)} of 5 |")
    for rate_hz in (16000, 44100, 48000):
        clean = sum(heard_coded(hissing(seed, rate_hz), rate_hz) for seed in range(10))
        print(f"| not at all, {rate_hz / 1000:g} kHz | {clean} of 10 |")
    for rate_hz in (8000, 16000, 22050, 24000, 32000):
        clean = sum(
            heard_coded(soxr.resample(soxr.resample(hissing(seed, 44100), 44100, rate_hz), rate_hz, 44100), 44100)
            for seed in SEEDS
        )
        print(f"| resampled from {rate_hz / 1000:g} to 44.1 kHz | {clean} of 5 |")


def hissing(seed: int, rate_hz: int) -> np.ndarray:
    return widened(conversation(10, 2, 0.15, seed, noise_dbfs=None).audio / 2, 16000, rate_hz, seed)


def through(kind: str, kbps: int, rate_hz: int, seed: int) -> np.ndarray:
    coded = encode(hissing(seed, rate_hz), rate_hz, kind, bit_rate=1000 * kbps or None)
    return Recording.open(coded).read()[:, 0]


def heard_coded(audio: np.ndarray, rate_hz: int) -> bool:
    return diagnosis(to_16_bit(audio), rate_hz, (), diagnosers=[Codec]).value("codec") == "lossy"


def bench_reverberation(folder: Path | None) -> None:
    from speaksep_kernel.training.corpus import from_voices, read_corpus
    from speaksep_kernel.training.reverberant_rooms import room_truth, shoebox
    from speaksep_kernel.training.reverberation import played, talk

    corpus = from_voices(voices()) if folder is None else read_corpus(folder)[1]
    turns = (Turn(0.0, 25.0, 1),)
    truth, found = [], []
    for seed in ROOMS:
        response = shoebox(seed, places=1, t60_s=(0.15, 1.3))[0]
        for snr_db in (50, 25):
            audio = played(talk(corpus, np.random.default_rng(seed), 25.0), response, snr_db, seed)
            heard = diagnosis(audio, 16000, turns, diagnosers=[Reverberation])
            truth.append((*room_truth(response), snr_db))
            found.append((heard.value("reverberation"), heard.value("clarity")))
    true, measured = np.array(truth), np.array(found, float)
    for column, title in enumerate(("Reverberation time T60, s", "Clarity C50, dB")):
        head(f"{title}; {len(ROOMS)} rooms, 25 s of talk each")
        bounds = (0.0, 0.25, 0.4, 0.6, 0.8, 1.2)
        parts = {
            f"T60 of {low:g} to {high:g} s": (true[:, 0] >= low) & (true[:, 0] < high) for low, high in pairwise(bounds)
        }
        parts |= {f"noise {snr_db} dB below": true[:, 2] == snr_db for snr_db in (50, 25)}
        for label, part in (parts | {"all": true[:, 0] > 0}).items():
            if part.any():
                row(f"{label} ({part.sum()})", true[part, column], measured[part, column], relative=False)


def bench_imbalance() -> None:
    head("Level imbalance, dB")
    for extra_db in (0, 6, 12, 20):
        truth, found = [], []
        for seed in SEEDS:
            talk = conversation(30, 2, 0.1, seed)
            gains = np.array([1.0, 10 ** (-extra_db / 20)])[:, None]
            audio = (talk.references * gains).sum(0).astype(np.float32)
            heard = diagnosis(audio, 16000, talk.turns)
            levels_db = []
            for k, reference in enumerate(talk.references * gains, 1):
                mine = np.zeros(len(audio), bool)
                for turn in talk.turns:
                    if turn.speaker == k:
                        mine[round(turn.start_s * 16000) : round(turn.end_s * 16000)] = True
                levels_db.append(10 * np.log10(np.mean(reference[mine] ** 2)))
            truth.append(abs(levels_db[0] - levels_db[1]))
            found.append(heard.value("level-imbalance"))
        row(f"{extra_db} dB more than by nature", truth, found, relative=False)


def bench_cost() -> None:
    """Processor time of all diagnosers for ten minutes of stereo at 44.1 kHz, beside one FFT of the same blocks."""
    block = conversation(10, 2, rate_hz=44100).audio[:, None] * np.ones(2, np.float32)
    recording = Recording.open((block, 44100))
    facts = replace(recording_facts(recording, choose_mixdown(recording)), seconds=600.0)
    panel = [cls() for cls in installed()]
    for diagnoser in panel:
        diagnoser.start(facts)
    spent_s: dict[str, float] = dict.fromkeys([*(type(each).__name__ for each in panel), "one FFT, 2048 by 512"], 0.0)
    for k in range(60):
        for diagnoser in panel:
            began_s = time.process_time()
            diagnoser.feed(block, 10.0 * k)
            spent_s[type(diagnoser).__name__] += time.process_time() - began_s
        began_s = time.process_time()
        librosa.stft(block.T, n_fft=2048, hop_length=512)
        spent_s["one FFT, 2048 by 512"] += time.process_time() - began_s
    one_s = spent_s["one FFT, 2048 by 512"]
    print("\n## Processor time of ten minutes of stereo at 44.1 kHz\n")
    print("| | s | times one FFT |\n|---|---|---|")
    for name, one in sorted(spent_s.items(), key=lambda item: -item[1]):
        print(f"| {name} | {one:.2f} | {one / one_s:.2f} |")
    print(f"| all diagnosers | {sum(spent_s.values()) - one_s:.2f} | {sum(spent_s.values()) / one_s - 1:.2f} |")


def main() -> None:
    warnings.simplefilter("ignore")
    benches: dict[str, Callable[[], None]] = {
        "snr": partial(bench_snr, False),
        "bandwidth": bench_bandwidth,
        "bass": bench_bass,
        "clipping": bench_clipping,
        "codec": bench_codec,
        "loudness": bench_loudness,
        "dc": bench_dc,
        "dropouts": bench_dropouts,
        "hum": bench_hum,
        "imbalance": bench_imbalance,
        "cost": bench_cost,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", action="store_true")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--only", choices=[*benches, "reverberation"])
    given = parser.parse_args()
    benches["reverberation"] = partial(bench_reverberation, given.corpus)
    if given.voices:
        benches = {"snr": partial(bench_snr, True)}
    for name, bench in benches.items():
        if given.only in (None, name):
            bench()


if __name__ == "__main__":
    main()
